# SPDX-License-Identifier: Apache-2.0
"""plexauthd as this add-on sees it: there or not, its state, its calls."""
import time
from collections import namedtuple

from jeepney import DBusAddress

from .bus import Bus, BusGone, interface

NAME = "tv.retune.PlexAuth1"
ERROR = NAME + ".Error."
MAIN, CREDENTIALS, HOME = interface(""), interface("Credentials"), interface("Home")
_PROPERTIES = DBusAddress(MAIN.object_path, NAME, "org.freedesktop.DBus.Properties")
_BUS = "org.freedesktop.DBus"

# Why the daemon cannot be used.
NO_BUS, NO_DAEMON = "no-bus", "no-daemon"

# How long to wait, in seconds, before the bus is tried again.
_RECONNECT = 2.0

Pairing = namedtuple("Pairing", "id code link_uri auth_uri expires_at")
Status = namedtuple("Status", "authenticated state pairing")  # pairing is None if there is none
User = namedtuple("User", "uuid title thumb protected")

NOTHING = Status(False, "signed-out", None)


def status_of(values):
    """The Status in the properties that GetAll or PropertiesChanged give."""
    pairing = Pairing(*values["Pin"]) if "Pin" in values else Pairing(0, "", "", "", 0)
    return Status(values.get("Authenticated", False), values.get("State", "signed-out"),
                  pairing if pairing.id else None)


def name_of(user):
    """What to call a user of GetCurrentUser's: "" if plex.tv has not told yet."""
    return user.get("title") or user.get("username", "")


def _plain(variants):
    return {key: value for key, (_, value) in variants.items()}


class Daemon:
    """Follows plexauthd and calls it. Each of listeners hears, from pump():

    on_available(status)                  it is there; also after each restart
    on_changed(status)                    a property has changed
    on_auth_changed(authenticated, reason)
    on_pin_ended(id, result)
    on_gone(why)                          NO_BUS or NO_DAEMON; calls under way get no answer
    """

    def __init__(self, open_bus=Bus, clock=time.monotonic):
        self.listeners = []
        self._open_bus, self._clock = open_bus, clock
        self._bus, self._owner, self._values = None, "", {}
        self._next_try = 0.0

    @property
    def connected(self):
        """Whether there is a bus."""
        return self._bus is not None

    @property
    def present(self):
        """Whether the daemon is on it."""
        return bool(self._owner)

    @property
    def status(self):
        return status_of(self._values)

    def pump(self, timeout=0.0):
        """Handles what has come and reconnects; call it often."""
        try:
            if self._bus is None:
                self._connect()
            if self._bus is not None:
                self._bus.pump(timeout)
        except BusGone:
            self._lose(NO_BUS)

    def close(self):
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    def look(self):
        """Asks for the state again, which also starts a daemon that the bus can start."""
        self._call(_PROPERTIES, "GetAll", self._looked, "s", (NAME,))

    def request_pin(self, then):
        """then(pairing, error), as with every call below."""
        self._call(MAIN, "RequestPin", lambda body, error, _:
                   then(Pairing(*body) if body else None, error))

    def cancel_pin(self, number):
        self._call(MAIN, "CancelPin", lambda *_: None, "t", (number,))

    def draw(self, scale, then):
        """then(png, error) with the QR code of the pairing under way."""
        self._call(MAIN, "GetPinQR", lambda body, error, _:
                   then(bytes(body[0]) if body else None, error), "su", ("png", scale))

    def user(self, then):
        """then(user, error) with GetCurrentUser's dictionary."""
        self._call(CREDENTIALS, "GetCurrentUser", lambda body, error, _:
                   then(_plain(body[0]) if body else None, error))

    def sign_out(self, then):
        self._call(CREDENTIALS, "SignOut", lambda body, error, _: then(body, error))

    def home_users(self, then):
        """then(list of User, error)."""
        self._call(HOME, "ListUsers", lambda body, error, _:
                   then([_home_user(each) for each in body[0]] if body else None, error))

    def switch_user(self, uuid, pin, then):
        self._call(HOME, "SwitchUser", lambda body, error, _: then(body, error), "ss", (uuid, pin))

    def _call(self, remote, member, then, *arguments):
        if self._bus is None:
            return
        try:
            self._bus.call(remote, member, then, *arguments)
        except BusGone:
            self._lose(NO_BUS)

    def _connect(self):
        if self._clock() < self._next_try:
            return
        self._next_try = self._clock() + _RECONNECT
        self._bus = self._open_bus()
        self._bus.on_signal = self._signal
        self._bus.subscribe(sender=NAME, path=MAIN.object_path)
        self._bus.subscribe(sender=_BUS, interface=_BUS, member="NameOwnerChanged", first_argument=NAME)
        self.look()

    def _lose(self, why):
        if why == NO_BUS:
            self.close()
        else:
            self._bus.forget()
        self._owner, self._values = "", {}
        self._tell("on_gone", why)

    def _looked(self, body, error, sender):
        if error:
            self._lose(NO_DAEMON)
            return
        self._owner, self._values = sender, _plain(body[0])
        self._tell("on_available", self.status)

    def _signal(self, sender, source, member, body):
        if sender == _BUS:
            if member == "NameOwnerChanged" and body[0] == NAME:
                self._owner_changed(body[2])
        elif sender != self._owner:
            pass  # anybody can send a signal that looks alike
        elif member == "PropertiesChanged" and body[0] == NAME:
            self._values.update(_plain(body[1]))
            self._tell("on_changed", self.status)
        elif source == NAME and member == "AuthChanged":
            self._tell("on_auth_changed", body[0], _plain(body[1]).get("reason", ""))
        elif source == NAME and member == "PinEnded":
            self._tell("on_pin_ended", *body)

    def _tell(self, event, *values):
        for listener in list(self.listeners):
            getattr(listener, event)(*values)

    def _owner_changed(self, owner):
        if not owner:
            self._lose(NO_DAEMON)
        elif owner != self._owner:
            self.look()


def _home_user(variants):
    values = _plain(variants)
    return User(values.get("uuid", ""), values.get("title", ""), values.get("thumb", ""),
                values.get("protected", False))
