# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import socket
import tempfile
import threading
import time
import unittest
from unittest import mock

from plexauthd import bus, daemon

OK = b"OK 0123456789abcdef0123456789abcdef\r\n"


class Mute:
    """A bus that authenticates, or not even that, and then says nothing."""

    def __init__(self, test, lets_in):
        folder = tempfile.TemporaryDirectory()
        test.addCleanup(folder.cleanup)
        path = str(pathlib.Path(folder.name) / "bus")
        self._listener, self._lets_in = socket.socket(socket.AF_UNIX), lets_in
        self._listener.bind(path)
        self._listener.listen()
        patch = mock.patch.dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS="unix:path=" + path)
        patch.start()
        test.addCleanup(patch.stop)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with self._listener, self._listener.accept()[0] as connection:
            while data := connection.recv(4096):
                if self._lets_in and b"AUTH" in data:
                    connection.sendall(OK)


class BusTest(unittest.TestCase):
    """Kodi itself does not start with such a bus, but a bus may become one later."""

    def test_waits_for_no_greeting(self):
        now = [0.0]
        Mute(self, lets_in=True)
        opened = bus.Bus(lambda: now[0])
        self.addCleanup(opened.close)
        opened.pump()
        now[0] = bus._GREETED
        with self.assertRaises(bus.BusGone):
            opened.pump()

    def test_is_not_let_in(self):
        Mute(self, lets_in=False)
        began = time.monotonic()
        with self.assertRaises(bus.BusGone):
            bus.Bus()
        self.assertLess(time.monotonic() - began, 10, "whoever opens it waits in Kodi's place")

    def test_the_screen_hears_of_it(self):
        now, gone = [0.0], []
        Mute(self, lets_in=True)
        with mock.patch.object(daemon.Daemon, "_tell", lambda *told: gone.append(told[1:])):
            follower = daemon.Daemon(lambda: bus.Bus(lambda: now[0]))
            follower.pump()
            self.assertEqual((follower.connected, gone), (True, []))
            now[0] = bus._GREETED
            follower.pump()
        self.assertEqual((follower.connected, gone), (False, [("on_gone", daemon.NO_BUS)]))

    def test_asks_in_vain(self):
        Mute(self, lets_in=True)
        with mock.patch.object(bus, "_GREETED", 0.1), self.assertRaises(bus.BusGone):
            bus.ask(bus.interface(""), "GetAll")
