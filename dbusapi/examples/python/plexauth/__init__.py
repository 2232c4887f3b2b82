# SPDX-License-Identifier: Apache-2.0
"""plexauthd for frontends written in Python: who is signed in to Plex on this box.

On jeepney alone, in pure Python. plexauth.blocking and plexauth.aio have a
Client with the same calls:

    from plexauth.blocking import Client

    with Client("system") as plex:
        for status in plex.watch():
            if status is None:
                print("plexauthd is not running")
            elif status.authenticated:
                print("signed in as", plex.current_user()["title"])
            else:
                pin = status.pin or plex.request_pin()
                print("go to", pin.link_uri, "and enter", pin.code)

watch() tells what is, not what happened: it subscribes, reads, and reads again
after each signal. So it misses nothing, also while plexauthd restarts, and what
to show follows from the last status alone.
"""
from .wire import Pairing, PlexAuthError, Server, Status

__all__ = ["Pairing", "PlexAuthError", "Server", "Status"]
