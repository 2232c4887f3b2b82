# SPDX-License-Identifier: Apache-2.0
"""The sign-in screen, from when it is opened until it is over."""
import os

import xbmcgui
import xbmcvfs

from .account import Account
from .daemon import name_of
from .dialogs import Dialogs
from .flow import SIGNED_IN, SIGNED_OUT, SWITCHED, Flow
from .pictures import Pictures
from .texts import Texts
from .window import MEDIA, SKIN, XML, Window

# Seconds: how fast the screen follows, and how long the last words may take.
_BEAT, _FAREWELL = 0.05, 1.0

_NOTES = {SIGNED_IN: "note_signed_in", SWITCHED: "note_switched", SIGNED_OUT: "note_signed_out"}


class Screen:
    """One showing of the screen."""

    def __init__(self, addon, daemon, monitor):
        self._texts = Texts(addon.getLocalizedString)
        self._daemon, self._monitor = daemon, monitor
        path = addon.getAddonInfo("path")
        self._dialogs = Dialogs(self._texts, addon.getAddonInfo("icon"), os.path.join(path, MEDIA))
        self._pictures = Pictures(xbmcvfs.translatePath("special://temp"), xbmcgui.getScreenHeight())
        self._flow = Flow(daemon, Account(daemon, self._dialogs), self._pictures)
        self._window = Window(XML, path, *SKIN)

    def run(self):
        """Returns when the screen is closed."""
        self._daemon.listeners.append(self._flow)
        self._window.show()
        try:
            self._flow.start()
            self._loop()
        finally:
            self._window.close()
            self._daemon.listeners.remove(self._flow)
            self._pictures.clear()
        self._farewell(_NOTES.get(self._flow.outcome))

    def _loop(self):
        while self._flow.outcome is None:
            self._daemon.pump()
            self._flow.tick()
            self._window.render(self._flow.view, self._texts)
            # Kodi delivers the presses while we wait.
            if self._monitor.waitForAbort(_BEAT):
                self._flow.abandon()
            for action in self._window.take_pressed():
                self._flow.press(action)

    def _farewell(self, note):
        """Tells how it ended, with the name of who is signed in now."""
        if note == "note_signed_out":
            self._dialogs.tell(note)
        elif note:
            told = []
            self._daemon.user(lambda user, error: told.append(name_of(user or {})))
            for _ in range(int(_FAREWELL / _BEAT)):
                self._daemon.pump(_BEAT)
                if told:
                    break
            if told and told[0]:
                self._dialogs.tell(note, told[0])
