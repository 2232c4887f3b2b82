# SPDX-License-Identifier: Apache-2.0
"""For other add-ons. With <import addon="script.plexauthd"/> in the addon.xml:

    from plexauthd import api as plex

    headers = plex.headers()
    if "X-Plex-Token" in headers:
        answer = requests.get(url, headers=headers)
    else:
        plex.sign_in()

The token is the box's own: keep it out of logs, and ask again for each use, for it
changes. A call waits at most 10 seconds.
"""
import xbmc

from .bus import BusGone, CallError, ask
from .daemon import CREDENTIALS


class Unavailable(Exception):
    """plexauthd is not there, does not answer, or does not let Kodi ask."""


def _credentials(member, *arguments):
    try:
        return ask(CREDENTIALS, member, *arguments)[0]
    except (BusGone, CallError) as cause:
        raise Unavailable(str(cause)) from cause


def headers(server=None):
    """The headers for a request to plex.tv, or to the media server with that
    machine id. X-Plex-Token is among them if somebody is signed in. Raises
    Unavailable."""
    if server is None:
        return _credentials("GetAuthHeaders")
    return _credentials("GetServerHeaders", "s", (server,))


def user():
    """Who is signed in: a dictionary with id, uuid, username, title, email, thumb,
    home_admin and restricted; empty when nobody is. Raises Unavailable."""
    return {key: value for key, (_, value) in _credentials("GetCurrentUser").items()}


def sign_in():
    """Opens the sign-in screen and returns at once."""
    xbmc.executebuiltin("RunScript(script.plexauthd)")
