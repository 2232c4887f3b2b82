#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# dbus-broker 37 ends the connection of a client that asks who is calling and has not
# negotiated file descriptors; dbus-daemon 1.16.2 answers it.
#
# GetConnectionCredentials has a dictionary that "may grow keys", so a client that
# wants UnixUserID alone seems safe. Since version 34 dbus-broker puts a descriptor
# into it, ProcessFD, and a message with descriptors cannot be sent to a connection
# that did not say NEGOTIATE_UNIX_FD as it began: the client is disconnected. dbus-daemon
# leaves the key out for such a client.
#
# jeepney negotiates only if told to, as do many small clients.
# Needs apt, python3 and user namespaces; runs as any user.
set -eu
cd "$(dirname "$0")"
. ./debian

cat >"$dir/ask.py" <<'EOF'
import sys
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection
bus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
connection = open_dbus_connection("SESSION", enable_fds=sys.argv[1] == "fds")
ask = new_method_call(bus, "GetConnectionCredentials", "s", (connection.unique_name,))
try:
    print(*sorted(connection.send_and_get_reply(ask, timeout=10).body[0]))
except ConnectionError as error:
    print(type(error).__name__)
EOF

debian trixie dbus-daemon=1.16.2-2 dbus-broker=37-2 python3-jeepney=0.9.0-1
dbus_daemon trixie
same "dbus-daemon 1.16.2, no descriptors" "$(inside trixie python3 /tmp/ask.py plain)" "ProcessID UnixGroupIDs UnixUserID"
same "dbus-daemon 1.16.2, descriptors" "$(inside trixie python3 /tmp/ask.py fds)" "ProcessFD ProcessID UnixGroupIDs UnixUserID"
stop_bus
dbus_broker trixie
same "dbus-broker 37, descriptors" "$(inside trixie python3 /tmp/ask.py fds)" "ProcessFD ProcessID UnixGroupIDs UnixUserID"
same "dbus-broker 37, no descriptors" "$(inside trixie python3 /tmp/ask.py plain)" "ConnectionResetError"
until_true grep -q 'is being disconnected as it does not support receiving file descriptors' "$dir/journal"
