# SPDX-License-Identifier: Apache-2.0
"""What the Kodi add-on does, without Kodi: signs the box in if it is not, saying
"code CODE" on the way, then prints who is and with what token."""
import sys
import types

sys.modules["xbmc"] = types.ModuleType("xbmc")  # for what is not called here
sys.path.insert(0, "/storage/.kodi/addons/script.plexauthd/lib")

from plexauthd import api  # noqa: E402
from plexauthd.daemon import Daemon  # noqa: E402


class Screen:
    signed_in = pairing = False

    def __init__(self, daemon):
        self._daemon = daemon

    def on_available(self, status):
        self.on_changed(status)
        if not status.authenticated:
            self.pairing = True
            self._daemon.request_pin(self._asked)

    def on_changed(self, status):
        self.signed_in = status.state == "signed-in"

    def on_auth_changed(self, authenticated, reason):
        print("heard", reason, flush=True)

    def on_pin_ended(self, number, result):
        print("pin", result, flush=True)
        self.pairing = False

    def on_gone(self, why):
        sys.exit("plexauthd is gone: " + why)

    @staticmethod
    def _asked(pairing, error):
        if error:
            sys.exit(str(error))
        print("code", pairing.code, flush=True)


daemon = Daemon()
screen = Screen(daemon)
daemon.listeners.append(screen)
while screen.pairing or not screen.signed_in:
    daemon.pump(1.0)
print("user", api.user()["username"])
print("token", api.headers()["X-Plex-Token"])
