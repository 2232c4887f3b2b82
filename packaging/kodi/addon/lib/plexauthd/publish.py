# SPDX-License-Identifier: Apache-2.0
"""Publishes the sign-in state for skins, as properties of Kodi's home window
(10000):

    PlexAuth.State          signed-out, pairing, signed-in, unverified, expired,
                            locked; empty while plexauthd is away
    PlexAuth.Authenticated  true, or empty
    PlexAuth.User           who is signed in, if Kodi may know
    PlexAuth.Thumb          address of the user's picture
"""
from .daemon import name_of


class Publisher:
    """Listens to a Daemon and writes what it hears with set_property(name, value)."""

    def __init__(self, daemon, set_property):
        self._daemon, self._set_property = daemon, set_property
        self._shown = {}
        self.on_gone("")

    def on_available(self, status):
        self._status(status)
        self._ask_user(status.authenticated)

    def on_changed(self, status):
        self._status(status)

    def on_auth_changed(self, authenticated, reason):
        self._ask_user(authenticated)

    def on_pin_ended(self, number, result):
        pass

    def on_gone(self, why):
        self._show(State="", Authenticated="", User="", Thumb="")

    def _status(self, status):
        self._show(State=status.state, Authenticated="true" if status.authenticated else "")

    def _ask_user(self, authenticated):
        if authenticated:
            self._daemon.user(lambda user, error: self._user(user or {}))
        else:
            self._user({})

    def _user(self, user):
        self._show(User=name_of(user), Thumb=user.get("thumb", ""))

    def _show(self, **values):
        for name, value in values.items():
            if self._shown.get(name) != value:
                self._set_property("PlexAuth." + name, value)
        self._shown.update(values)
