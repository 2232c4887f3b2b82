#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# StartServiceByName fails for a service that is running, if nothing can start it:
# ServiceUnknown, from dbus-daemon 1.16.2 and dbus-broker 37 alike.
#
# The D-Bus specification has a reply for it, 2, "a connection already owns the given
# name". Both buses look for a .service file first. So the call is no way to make sure
# that a service is there: where it was started by hand, by a test or by a unit that is
# not D-Bus activatable, it fails, while a method call to the same name succeeds.
#
# Needs apt, python3 and user namespaces; runs as any user.
set -eu
cd "$(dirname "$0")"
. ./debian

cat >"$dir/ask.py" <<'EOF'
from jeepney import DBusAddress, DBusErrorResponse, MessageType, message_bus, new_method_call, new_method_return
from jeepney.io.blocking import Proxy, open_dbus_connection
service, client = open_dbus_connection("SESSION"), open_dbus_connection("SESSION")
Proxy(message_bus, service).RequestName("org.example.Running")
try:
    print(Proxy(message_bus, client, timeout=10).StartServiceByName("org.example.Running"))
except DBusErrorResponse as error:
    print(error.name)
serial = next(client.outgoing_serial)
client.send(new_method_call(DBusAddress("/", "org.example.Running", "org.example.Running"), "Work"), serial=serial)
call = service.receive(timeout=10)
while call.header.message_type is not MessageType.method_call:
    call = service.receive(timeout=10)
service.send(new_method_return(call, "s", ("a method call is answered",)))
print(client.receive(timeout=10).body[0])
EOF

debian trixie dbus-daemon=1.16.2-2 dbus-broker=37-2 python3-jeepney=0.9.0-1
for bus in dbus_daemon dbus_broker; do
	$bus trixie
	same "$bus" "$(inside trixie python3 /tmp/ask.py | paste -s -d ';')" \
		"org.freedesktop.DBus.Error.ServiceUnknown;a method call is answered"
	stop_bus
done
