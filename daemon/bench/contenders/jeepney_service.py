# SPDX-License-Identifier: Apache-2.0
"""A D-Bus service on jeepney, the least Python that a service can be.

It takes a name, says READY=1 and answers GetAuthHeaders with the names and
values that follow on its command line.
"""

import os
import socket
import sys

from jeepney import DBusAddress, HeaderFields, MessageType, new_error, new_method_call, new_method_return
from jeepney.io.blocking import open_dbus_connection

HEADERS = dict(zip(sys.argv[2::2], sys.argv[3::2]))
CALLED = ("/tv/retune/PlexAuth1", "tv.retune.PlexAuth1.Credentials", "GetAuthHeaders")
DBUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")

connection = open_dbus_connection("SESSION")
connection.send_and_get_reply(new_method_call(DBUS, "RequestName", "su", (sys.argv[1], 4)))
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        manager.sendto(b"READY=1", address.replace("@", "\0", 1))
while True:
    call = connection.receive()
    if call.header.message_type is not MessageType.method_call:
        continue
    fields = call.header.fields
    called = tuple(fields.get(f) for f in (HeaderFields.path, HeaderFields.interface, HeaderFields.member))
    if called == CALLED:
        connection.send(new_method_return(call, "a{ss}", (HEADERS,)))
    else:
        connection.send(new_error(call, "org.freedesktop.DBus.Error.UnknownMethod"))
