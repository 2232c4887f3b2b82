# SPDX-License-Identifier: Apache-2.0
"""What runs as long as Kodi does: publishes the sign-in state and opens the screen.

The screen lives here and not in the script that asks for it, because each script
that Kodi runs loads all of its modules again: that takes time on a small box, and
memory that Kodi does not get back. So there is never a second screen either.
"""
import traceback

import xbmc
import xbmcaddon
import xbmcgui

from .daemon import Daemon
from .publish import Publisher
from .screen import Screen

ID = "script.plexauthd"

_HOME = 10000

# What a script asks for the screen with: a property of the home window, because a
# notification would be lost while the service is not up yet.
OPEN = "PlexAuth.Open"

# Seconds: how soon the service notices what has happened.
_BEAT = 0.1


def run():
    """Returns when Kodi ends."""
    monitor, home, daemon = xbmc.Monitor(), xbmcgui.Window(_HOME), Daemon()
    daemon.listeners.append(Publisher(daemon, home.setProperty))
    while not monitor.waitForAbort(_BEAT):
        daemon.pump()
        if home.getProperty(OPEN):
            _show(daemon, monitor)
            home.clearProperty(OPEN)  # also what was asked while the screen was there
    daemon.pump(_BEAT)  # a pairing that the screen has just cancelled
    daemon.close()


def _show(daemon, monitor):
    try:
        Screen(xbmcaddon.Addon(ID), daemon, monitor).run()
    except Exception:  # the state is published on, whatever the screen has met
        xbmc.log("%s: the screen has failed:\n%s" % (ID, traceback.format_exc()), xbmc.LOGERROR)
