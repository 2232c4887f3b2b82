# SPDX-License-Identifier: Apache-2.0
"""The sign-in screen as a window of Kodi's."""
import time

import xbmcgui

from . import face

XML = "script-plexauthd.xml"

# The skin in the add-on's folder that the window is drawn with, and its pictures.
SKIN = ("Default", "1080i")
MEDIA = "resources/skins/Default/media"

# Keys of remotes and keyboards that lead out of the screen.
_LEAVING = (xbmcgui.ACTION_NAV_BACK, xbmcgui.ACTION_PREVIOUS_MENU, xbmcgui.ACTION_STOP)

_FIRST_BUTTON, _PROGRESS = 21, 30


class Window(xbmcgui.WindowXMLDialog):
    """Shows Views. Kodi calls the on... methods while the script waits in Monitor.
    Make it with Kodi's own arguments: XML, the add-on's folder, *SKIN."""

    def __init__(self, *_):
        super().__init__()
        self._ready = False
        self._view, self._shown, self._percent = None, {}, None
        self._pressed = []
        self._countdown = face.Countdown()

    def onInit(self):
        self._ready = True

    def onAction(self, action):
        if action.getId() in _LEAVING:
            self._pressed.append("leave")

    def onClick(self, control):
        button = control - _FIRST_BUTTON
        if self._view and 0 <= button < len(self._view.buttons):
            self._pressed.append(self._view.buttons[button][0])

    def take_pressed(self):
        """The actions of the buttons that were pressed since the last call."""
        pressed, self._pressed = self._pressed, []
        return pressed

    def render(self, view, texts):
        """Shows a View and, with a code, the time that is left."""
        if view != self._view:
            self._view = view
            self._set(face.properties(view, texts))
        elif self._ready and view.buttons and not self._focused():
            self.setFocusId(_FIRST_BUTTON)  # only now: Kodi focuses nothing that it has not drawn
        if view.pairing:
            left, percent = self._countdown.at(view.pairing, time.time())
            self._set({"time": left})
            if self._ready and self._percent != percent:
                self.getControl(_PROGRESS).setPercent(percent)
                self._percent = percent

    def _focused(self):
        try:
            return self.getFocusId() - _FIRST_BUTTON in range(len(self._view.buttons))
        except RuntimeError:  # nothing is
            return False

    def _set(self, properties):
        for name, value in properties.items():
            if self._shown.get(name, "") != value:
                self.setProperty(name, value)
        self._shown.update(properties)
