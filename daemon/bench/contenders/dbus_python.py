# SPDX-License-Identifier: Apache-2.0
"""A D-Bus service on dbus-python.

It takes a name, says READY=1 and answers GetAuthHeaders with the names and
values that follow on its command line.
"""

import os
import socket
import sys

import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

HEADERS = dbus.Dictionary(zip(sys.argv[2::2], sys.argv[3::2]), signature="ss")


class Credentials(dbus.service.Object):
    @dbus.service.method("tv.retune.PlexAuth1.Credentials", in_signature="", out_signature="a{ss}")
    def GetAuthHeaders(self):
        return HEADERS


dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
name = dbus.service.BusName(sys.argv[1], dbus.SessionBus(), do_not_queue=True)
credentials = Credentials(name, "/tv/retune/PlexAuth1")
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        manager.sendto(b"READY=1", address.replace("@", "\0", 1))
GLib.MainLoop().run()
