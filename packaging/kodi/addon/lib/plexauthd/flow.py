# SPDX-License-Identifier: Apache-2.0
"""What the sign-in screen does: what it shows now, and what follows from the
daemon's news and from the person's presses. Knows nothing of Kodi."""
import time
from collections import namedtuple

from .daemon import ERROR, NO_BUS, name_of

# What is on the screen. kind is "wait", "code", "message" or "account"; title and
# text are keys of texts.py; buttons are (action, key of its text).
View = namedtuple("View", "kind title text buttons pairing picture name thumb")
_BLANK = View("wait", "", "", (), None, "", "", "")

# How the screen ended, for the notification.
SIGNED_IN, SIGNED_OUT, SWITCHED, LEFT = "signed-in", "signed-out", "switched", "left"

# An error that can pass by itself is tried again after so many seconds.
_RETRY = {ERROR + "Unreachable": 5, ERROR + "ServerError": 15, ERROR + "InvalidResponse": 15,
          ERROR + "RateLimited": 60}

_EXPLAINED = {
    ERROR + "Unreachable": "unreachable",
    ERROR + "ServerError": "server_error",
    ERROR + "InvalidResponse": "invalid_response",
    ERROR + "RateLimited": "rate_limited",
    ERROR + "StorageFailed": "storage_failed",
    ERROR + "Forbidden": "forbidden",
    "org.freedesktop.DBus.Error.AccessDenied": "access_denied",
}

# A daemon of before Plex Home, or without pictures: the rest works without.
LACKING = ("org.freedesktop.DBus.Error.UnknownInterface", "org.freedesktop.DBus.Error.UnknownMethod")

_CANCEL, _AGAIN, _RETRY_BUTTON, _CLOSE = (
    ("leave", "cancel"), ("again", "new_code"), ("again", "try_again"), ("leave", "close"))


def explain(error):
    """The key of the text that tells a person of an error."""
    return _EXPLAINED.get(error.name, "failed")


class Flow:
    """Listens to a Daemon. start() begins; outcome is None until it is over."""

    def __init__(self, daemon, account, pictures, clock=time.monotonic):
        self._daemon, self._account, self._pictures, self._clock = daemon, account, pictures, clock
        self._began = set()  # the pairings that this screen has asked plex.tv for
        self._asking = False
        self._retry_at = None
        self.view, self.outcome = _BLANK._replace(text="connecting"), None

    def start(self):
        if self._daemon.connected:
            self._daemon.look()
        else:
            self.on_gone(NO_BUS)

    def tick(self):
        """Does what is due; call it often."""
        if self._retry_at is not None and self._clock() >= self._retry_at:
            self._retry_at = None
            self._again()

    def press(self, action):
        """A button, or "leave" for the Back key."""
        if action == "leave":
            self._leave()
        elif action == "again":
            self._again()
        elif action == "sign-out":
            self._account.sign_out()
        elif action == "switch":
            self._account.switch()

    def abandon(self):
        """The screen is closed from outside: nobody can see the code any more."""
        if self.outcome is None:
            self._leave()

    # What the daemon tells. Once it is over nothing follows from that any more.

    def on_available(self, status):
        self._asking = False
        if self.outcome is not None:
            return
        if status.authenticated and self._began:
            self._end(SIGNED_IN)  # claimed while the daemon or the bus was away
        elif status.authenticated:
            self._show_account()
        elif status.pairing:
            self._show_code(status.pairing)
        elif status.state == "locked":
            self._show_account(locked=True)
        else:
            self._request()

    def on_changed(self, status):
        shown = self.view.pairing
        if self.view.kind == "code" and status.pairing and status.pairing != shown:
            self._show_code(status.pairing)

    def on_auth_changed(self, authenticated, reason):
        if self.outcome is not None:
            return
        if authenticated:
            self._end(SWITCHED if reason == "user-switched" else SIGNED_IN)
        elif self._account.signing_out:
            self._end(SIGNED_OUT)
        elif reason == "user-locked":
            self._show_account(locked=True)
        else:
            self._request()  # somebody else signed out, or plex.tv refused the token

    def on_pin_ended(self, number, result):
        if self.view.kind == "code" and number == self.view.pairing.id and result != "claimed":
            text = {"expired": "code_expired", "cancelled": "code_cancelled"}.get(result, "code_failed")
            self._tell("code_over", text, (_AGAIN, _CLOSE))

    def on_gone(self, why):
        self._asking, self._retry_at = False, None
        text = "no_bus" if why == NO_BUS else "no_daemon"
        self._tell("not_ready", text, (_RETRY_BUTTON, _CLOSE))

    # What follows.

    def _again(self):
        if self._daemon.status.authenticated or not self._daemon.present:
            self._daemon.look()
        else:
            self._request()

    def _request(self):
        if self._asking:
            return
        self._asking = True
        before = self._daemon.status.pairing
        self._pictures.clear()
        self.view = _BLANK._replace(text="asking", buttons=(_CANCEL,))
        self._daemon.request_pin(lambda pairing, error: self._requested(before, pairing, error))

    def _requested(self, before, pairing, error):
        self._asking = False
        if error:
            self._tell("no_code", explain(error), (_RETRY_BUTTON, _CLOSE))
            if error.name in _RETRY:
                self._retry_at = self._clock() + _RETRY[error.name]
            return
        if before is None or before.id != pairing.id:
            self._began.add(pairing.id)
        self._show_code(pairing)

    def _show_code(self, pairing):
        self._retry_at = None
        self.view = _BLANK._replace(kind="code", pairing=pairing, buttons=(_CANCEL,))
        self._draw(pairing, self._pictures.usual_scale)

    def _draw(self, pairing, scale):
        self._daemon.draw(scale, lambda png, error: self._drawn(pairing, scale, png))

    def _drawn(self, pairing, scale, png):
        if not png or self.view.pairing != pairing:
            return  # without a picture, the code is there to be typed
        fitting = self._pictures.fitting_scale(png, scale)
        if fitting < scale:
            self._draw(pairing, fitting)
        else:
            self.view = self.view._replace(picture=self._pictures.keep(png))

    def _show_account(self, locked=False):
        self._pictures.clear()
        title = "locked" if locked else "signed_in_as"
        self.view = _BLANK._replace(kind="account", title=title, buttons=(_CLOSE,))
        self._account.look(self._account_known, locked)

    def _account_known(self, user, can_switch):
        if self.view.kind != "account":
            return
        buttons = [("sign-out", "sign_out"), _CLOSE]
        if can_switch:
            buttons.insert(0, ("switch", "switch_user"))
        self.view = self.view._replace(name=name_of(user), thumb=user.get("thumb", ""),
                                       buttons=tuple(buttons))

    def _tell(self, title, text, buttons):
        self._pictures.clear()
        self.view = _BLANK._replace(kind="message", title=title, text=text, buttons=buttons)

    def _leave(self):
        pairing = self.view.pairing
        if pairing and pairing.id in self._began:
            self._daemon.cancel_pin(pairing.id)
        self._end(LEFT)

    def _end(self, outcome):
        if self.outcome is None:
            self.outcome = outcome
