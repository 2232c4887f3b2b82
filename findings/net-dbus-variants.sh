#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Net::DBus 1.2.0 (Perl) sends every plain number in an a{sv} as text: 1 becomes "1".
#
# Where the signature names a type the module converts: for a "b" the number 1 is
# true. In a variant nothing names one, and it takes every scalar for a string, those
# that were written as numbers included. A service that wants {"strong": true} gets
# {"strong": "1"}. dbus_boolean(1) and its like say what is meant.
#
# Needs apt and user namespaces; runs as any user.
set -eu
cd "$(dirname "$0")"
. ./debian

cat >"$dir/serve.py" <<'EOF'
# Prints the arguments of the calls that it gets.
from jeepney import HeaderFields, MessageType, message_bus, new_method_return
from jeepney.io.blocking import Proxy, open_dbus_connection
XML = """<node><interface name="org.example.Pair">
<method name="Start"><arg type="b" direction="in"/><arg type="a{sv}" direction="in"/></method>
</interface></node>"""
bus = open_dbus_connection("SESSION")
Proxy(message_bus, bus).RequestName("org.example.Pair")
print("ready", flush=True)
while True:
    call = bus.receive()
    if call.header.message_type is MessageType.method_call:
        if call.header.fields[HeaderFields.member] == "Introspect":
            bus.send(new_method_return(call, "s", (XML,)))
        else:
            print(call.body, flush=True)
            bus.send(new_method_return(call))
EOF
cat >"$dir/call.pl" <<'EOF'
use Net::DBus qw(:typing);
my $service = Net::DBus->session->get_service("org.example.Pair")->get_object("/", "org.example.Pair");
$service->Start(1, { strong => 1 });
$service->Start(1, { timeout => 0.5 + 0.5 });
$service->Start(1, { strong => dbus_boolean(1) });
EOF

debian trixie dbus-daemon=1.16.2-2 libnet-dbus-perl=1.2.0-2+b3 python3-jeepney=0.9.0-1
dbus_daemon trixie
inside trixie python3 /tmp/serve.py >"$dir/served" &
until_true grep -q ready "$dir/served"
inside trixie perl /tmp/call.pl
same "strong => 1" "$(sed -n 2p "$dir/served")" "(True, {'strong': ('s', '1')})"
same "timeout => 0.5 + 0.5" "$(sed -n 3p "$dir/served")" "(True, {'timeout': ('s', '1')})"
same "strong => dbus_boolean(1)" "$(sed -n 4p "$dir/served")" "(True, {'strong': ('b', True)})"
