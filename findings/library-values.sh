#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What D-Bus libraries make of one answer of the types t, x, ay, a{sv} and (ts), of a
# call that nobody answers, and of a service that restarts.
#
# The answer is 2^53 + 1, -2, the bytes 137 and 80, {"n": <int64 5>} and (7, "AB3X").
# Each client subscribes to a signal in the way its library's documents show, prints
# what it got, hears the signal or not after the service has restarted, and calls a
# method that is not answered. A good guess is wrong about who rounds, who unwraps a
# variant, who hears the restarted service, and who waits without end: dbus-python
# alone hears nothing after the restart, GJS and lgi round, lgi loses the bytes, and
# six of nine do not give up after 25 s.
#
# Needs apt, node, npm and user namespaces; runs as any user. Takes two minutes.
set -eu
cd "$(dirname "$0")"
. ./debian

cat >"$dir/serve.py" <<'EOF'
# Answers Give, does not answer Wait, and sends Changed when Send is called.
import os
from jeepney import DBusAddress, HeaderFields, MessageType, message_bus, new_error, new_method_return, new_signal
from jeepney.io.blocking import Proxy, open_dbus_connection
XML = """<node><interface name="org.example.Box">
<method name="Give"><arg type="t" direction="out"/><arg type="x" direction="out"/><arg type="ay" direction="out"/>
<arg type="a{sv}" direction="out"/><arg type="(ts)" direction="out"/></method>
<method name="Wait"/><method name="Send"/><signal name="Changed"><arg type="s"/></signal></interface>
<interface name="org.freedesktop.DBus.Introspectable"><method name="Introspect"><arg type="s" direction="out"/></method></interface>
</node>"""
bus = open_dbus_connection("SESSION")
Proxy(message_bus, bus).RequestName("org.example.Box")
open("/tmp/server", "w").write(str(os.getpid()))
here = DBusAddress("/", interface="org.example.Box")
while True:
    call = bus.receive()
    if call.header.message_type is not MessageType.method_call:
        continue
    match call.header.fields[HeaderFields.member]:
        case "Introspect":
            bus.send(new_method_return(call, "s", (XML,)))
        case "Give":
            bus.send(new_method_return(call, "txaya{sv}(ts)", (2**53 + 1, -2, bytes([137, 80]), {"n": ("x", 5)}, (7, "AB3X"))))
        case "Send":
            bus.send(new_signal(here, "Changed", "s", ("now",)))
            bus.send(new_method_return(call))
        case "Wait":
            pass
        case _:
            bus.send(new_error(call, "org.freedesktop.DBus.Error.UnknownMethod"))
EOF

cat >"$dir/give_jeepney.py" <<'EOF'
import sys
from jeepney import DBusAddress, MatchRule, message_bus, new_method_call
from jeepney.io.blocking import Proxy, open_dbus_connection
box = DBusAddress("/", bus_name="org.example.Box", interface="org.example.Box")
bus = open_dbus_connection("SESSION")
print(*map(repr, bus.send_and_get_reply(new_method_call(box, "Give")).body), flush=True)
rule = MatchRule(type="signal", interface="org.example.Box", member="Changed")
Proxy(message_bus, bus).AddMatch(rule)
with bus.filter(rule) as heard:
    print("ready", flush=True)
    bus.recv_until_filtered(heard)
    print("heard", flush=True)
bus.send_and_get_reply(new_method_call(box, "Wait"))
EOF

cat >"$dir/give_dbuspython.py" <<'EOF'
import dbus, dbus.mainloop.glib, sys
from gi.repository import GLib
dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
box = dbus.Interface(dbus.SessionBus().get_object("org.example.Box", "/"), "org.example.Box")
print(*(repr(v) for v in box.Give()), flush=True)
box.connect_to_signal("Changed", lambda *_: print("heard", flush=True))
print("ready", flush=True)
loop = GLib.MainLoop()
GLib.timeout_add_seconds(6, loop.quit)
loop.run()
try:
    box = dbus.Interface(dbus.SessionBus().get_object("org.example.Box", "/"), "org.example.Box")
    box.Wait()
except dbus.DBusException as e:
    print("gave up", e.get_dbus_name(), flush=True)
EOF

cat >"$dir/fast.py" <<'EOF'
import asyncio, importlib, sys
name = sys.argv[1]
lib = importlib.import_module(name + ".aio")
async def main():
    bus = await lib.MessageBus().connect()
    node = await bus.introspect("org.example.Box", "/")
    box = bus.get_proxy_object("org.example.Box", "/", node).get_interface("org.example.Box")
    print(*map(repr, await box.call_give()), flush=True)
    heard = asyncio.Event()
    box.on_changed(lambda text: (print("heard", flush=True), heard.set()))
    print("ready", flush=True)
    await heard.wait()
    await box.call_wait()
asyncio.run(main())
EOF

cat >"$dir/give_pydbus.py" <<'EOF'
from gi.repository import GLib
from pydbus import SessionBus
box = SessionBus().get("org.example.Box", "/")
print(*map(repr, box.Give()), flush=True)
box.Changed.connect(lambda *_: print("heard", flush=True))
print("ready", flush=True)
loop = GLib.MainLoop()
GLib.timeout_add_seconds(6, loop.quit)
loop.run()
try:
    box.Wait()
except GLib.Error as e:
    print("gave up", e.message, flush=True)
EOF

cat >"$dir/gjs.js" <<'EOF'
const { Gio, GLib } = imports.gi;
const Box = Gio.DBusProxy.makeProxyWrapper('<node><interface name="org.example.Box"><method name="Give">' +
  '<arg type="t" direction="out"/><arg type="x" direction="out"/><arg type="ay" direction="out"/><arg type="a{sv}" direction="out"/>' +
  '<arg type="(ts)" direction="out"/></method><method name="Wait"/><signal name="Changed"><arg type="s"/></signal></interface></node>');
const box = Box(Gio.DBus.session, 'org.example.Box', '/');
const [t, x, ay, asv, ts] = box.GiveSync();
printerr(t, x, ay.constructor.name, Object.keys(asv) + ' ' + asv.n.constructor.name, JSON.stringify(ts));
box.connectSignal('Changed', () => printerr('heard'));
printerr('ready');
const loop = GLib.MainLoop.new(null, false);
GLib.timeout_add_seconds(0, 6, () => loop.quit());
loop.run();
try { box.WaitSync(); } catch (e) { printerr('gave up', e.message); }
EOF

cat >"$dir/netdbus.pl" <<'EOF'
use Net::DBus; use Net::DBus::Reactor; use Data::Dumper; $Data::Dumper::Terse = 1; $Data::Dumper::Indent = 0; $| = 1;
my $box = Net::DBus->session->get_service("org.example.Box")->get_object("/", "org.example.Box");
print join(" ", map { Dumper($_) } $box->Give), "\n";
$box->connect_to_signal("Changed", sub { print "heard\n" });
print "ready\n";
my $reactor = Net::DBus::Reactor->main;
$reactor->add_timeout(6000, sub { $reactor->shutdown });
$reactor->run;
eval { $box->Wait }; print "gave up $@";
EOF

cat >"$dir/ruby.rb" <<'EOF'
require "dbus"
$stdout.sync = true
bus = DBus::SessionBus.instance
box = bus.service("org.example.Box").object("/")["org.example.Box"]
puts box.Give.map(&:inspect).join(" ")
box.on_signal("Changed") { puts "heard"; Thread.new { sleep 1; box.Wait } }
puts "ready"
main = DBus::Main.new
main << bus
main.run
EOF

cat >"$dir/lgi.lua" <<'EOF'
local lgi = require("lgi"); local Gio, GLib = lgi.Gio, lgi.GLib
io.stdout:setvbuf("line")
local bus = Gio.bus_get_sync("SESSION")
local box = Gio.DBusProxy.new_sync(bus, {}, nil, "org.example.Box", "/", "org.example.Box")
local v = box:call_sync("Give", nil, {}, -1).value
print(math.type(v[1]), string.format("%.0f", v[1]), v[2], type(v[3]) .. " of " .. #v[3], type(v[4].n), v[5][1], v[5][2])
box.on_g_signal = function() print("heard") end
print("ready")
local loop = GLib.MainLoop()
GLib.timeout_add_seconds(0, 6, function() loop:quit() return false end)
loop:run()
local _, err = box:call_sync("Wait", nil, {}, -1)
print("gave up", err.message)
EOF

debian trixie dbus-daemon=1.16.2-2 dbus-bin=1.16.2-2 python3-jeepney=0.9.0-1 python3-dbus=1.4.0-1 python3-gi=3.50.0-4+b1 \
	python3-dbus-fast=2.44.1-1 python3-dbus-next=0.2.3-4 python3-pydbus=0.6.0-6 gjs=1.82.3-1 libnet-dbus-perl=1.2.0-2+b3 \
	ruby-dbus=0.16.0-1 lua-lgi=0.9.2-4 lua5.3=5.3.6-2+b4
dbus_daemon trixie

serve() {
	inside trixie python3 /tmp/serve.py &
	until_true inside trixie dbus-send --session --print-reply --dest=org.example.Box / org.example.Box.Give
}
# client NAME COMMAND... leaves what it prints in $dir/NAME.
client() {
	name=$1
	shift
	inside trixie "$@" >"$dir/$name" 2>&1 &
}
serve
client jeepney python3 /tmp/give_jeepney.py
client dbus-python python3 /tmp/give_dbuspython.py
client dbus-fast python3 /tmp/fast.py dbus_fast
client dbus-next python3 /tmp/fast.py dbus_next
client pydbus python3 /tmp/give_pydbus.py
client gjs gjs /tmp/gjs.js
client net-dbus perl /tmp/netdbus.pl
client ruby-dbus ruby /tmp/ruby.rb
client lgi lua5.3 /tmp/lgi.lua
clients="jeepney dbus-python dbus-fast dbus-next pydbus gjs net-dbus ruby-dbus lgi"
for name in $clients; do until_true grep -q ready "$dir/$name"; done

# The service restarts.
kill "$(cat "$dir/server")"
serve
inside trixie dbus-send --session --print-reply --dest=org.example.Box / org.example.Box.Send >/dev/null
sleep 36 # longer than the 25 s after which libraries give up, if they do
saw() {
	same "$1" "$(grep -v -e WARNING -e '^$' "$dir/$1" | tr '\n\t' '  ' | sed 's/ $//')" "$2"
}

saw jeepney "9007199254740993 -2 b'\x89P' {'n': ('x', 5)} (7, 'AB3X') ready heard"
saw dbus-python "dbus.UInt64(9007199254740993) dbus.Int64(-2) dbus.Array([dbus.Byte(137), dbus.Byte(80)], signature=dbus.Signature('y')) dbus.Dictionary({dbus.String('n'): dbus.Int64(5, variant_level=1)}, signature=dbus.Signature('sv')) dbus.Struct((dbus.UInt64(7), dbus.String('AB3X')), signature=None) ready gave up org.freedesktop.DBus.Error.NoReply"
saw dbus-fast "9007199254740993 -2 b'\x89P' {'n': <dbus_fast.signature.Variant ('x', 5)>} [7, 'AB3X'] ready heard"
saw dbus-next "9007199254740993 -2 b'\x89P' {'n': <dbus_next.signature.Variant ('x', 5)>} [7, 'AB3X'] ready heard"
saw pydbus "9007199254740993 -2 [137, 80] {'n': 5} (7, 'AB3X') ready heard"
saw gjs '9007199254740992 -2 Uint8Array n GLib_Variant [7,"AB3X"] ready heard gave up Timeout was reached'
saw net-dbus "'9007199254740993' -2 [137,80] {'n' => 5} [7,'AB3X'] ready heard"
saw ruby-dbus '9007199254740993 -2 [137, 80] {"n"=>5} [7, "AB3X"] ready heard'
saw lgi 'float 9007199254740992 -2.0 string of 0 number 7.0 AB3X ready heard gave up Timeout was reached'
