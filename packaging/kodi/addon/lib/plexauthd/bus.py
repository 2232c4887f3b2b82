# SPDX-License-Identifier: Apache-2.0
"""A D-Bus connection for Kodi's scripts, on jeepney.

Kodi runs each script in an interpreter of its own, where GLib's main loop hangs
and threads can outlive the script. So there are neither: the owner of the
connection calls pump() often, and answers come to callbacks from there.
"""
import time

from jeepney import (AuthenticationError, DBusAddress, HeaderFields, MatchRule,
                     MessageType, message_bus, new_method_call)
from jeepney.bus import get_bus
from jeepney.io.blocking import DBusConnection, DBusConnectionBase, prep_socket

# More messages at a time would block Kodi.
_BURST = 100

# Seconds. A working bus authenticates within a millisecond; opening a Bus waits for
# that. The answer to Hello comes in a pump().
_LET_IN, _GREETED = 0.5, 5.0


class BusGone(Exception):
    """The bus cannot be reached, or has closed the connection."""


class CallError(Exception):
    """A call was answered with an error. name is its name on the bus."""

    def __init__(self, name, text):
        super().__init__("%s: %s" % (name, text))
        self.name, self.text = name, text


class _Connection(DBusConnection):
    """jeepney's connection, but for its Hello: that one waits for the answer without
    end, and Kodi with it if the bus hangs."""

    def __init__(self, sock):
        DBusConnectionBase.__init__(self, sock)


class Bus:
    """A connection to the system bus, or what DBUS_SYSTEM_BUS_ADDRESS names."""

    def __init__(self, clock=time.monotonic):
        try:
            self._connection = _Connection(prep_socket(get_bus("SYSTEM"), timeout=_LET_IN))
        # ValueError and RuntimeError: an address that is none.
        except (OSError, ValueError, RuntimeError, AuthenticationError) as cause:
            raise BusGone("the system bus: %s" % cause) from cause
        self._clock = clock
        self._waiting = {}  # serial: (then, deadline)
        self.on_signal = lambda sender, interface, member, body: None
        self.call(message_bus, "Hello", self._greeted, timeout=_GREETED)

    def close(self):
        """Leaves the bus. No callback comes after this."""
        self.forget()
        self._connection.close()

    def subscribe(self, first_argument=None, **fields):
        """Asks for signals; they come to on_signal. fields are jeepney.MatchRule's."""
        rule = MatchRule(type="signal", **fields)
        if first_argument is not None:
            rule.add_arg_condition(0, first_argument)
        self._send(message_bus.AddMatch(rule))

    def call(self, remote, member, then, signature=None, body=(), timeout=30.0):
        """Calls a member of remote, a jeepney.DBusAddress. In a later pump() comes
        then(body, None, sender), or then(None, error, sender) with a CallError."""
        serial = self._send(new_method_call(remote, member, signature, body))
        self._waiting[serial] = (then, self._clock() + timeout)

    def forget(self):
        """Drops the calls that wait for an answer."""
        self._waiting.clear()

    def pump(self, timeout=0.0):
        """Handles what has come, waiting at most timeout seconds for something.
        Raises BusGone."""
        for _ in range(_BURST):
            try:
                message = self._connection.receive(timeout=timeout)
            except TimeoutError:
                break
            except OSError as cause:
                raise BusGone(str(cause)) from cause
            timeout = 0.0
            self._take(message)
        self._give_up_late()

    @staticmethod
    def _greeted(body, error, sender):
        if error:
            raise BusGone("the system bus does not greet: %s" % error)

    def _send(self, message):
        serial = next(self._connection.outgoing_serial)
        try:
            self._connection.send(message, serial=serial)
        except OSError as cause:
            raise BusGone(str(cause)) from cause
        return serial

    def _take(self, message):
        header = message.header
        sender = header.fields.get(HeaderFields.sender, "")
        if header.message_type is MessageType.signal:
            self.on_signal(sender, header.fields[HeaderFields.interface],
                           header.fields[HeaderFields.member], message.body)
            return
        then, _ = self._waiting.pop(header.fields.get(HeaderFields.reply_serial), (None, None))
        if then is None:
            return  # nobody waits for it any more, or it is not for us
        if header.message_type is MessageType.error:
            text = str(message.body[0]) if message.body else ""
            then(None, CallError(header.fields[HeaderFields.error_name], text), sender)
        else:
            then(message.body, None, sender)

    def _give_up_late(self):
        now = self._clock()
        for serial, (then, deadline) in list(self._waiting.items()):
            if now >= deadline and self._waiting.pop(serial, None):
                then(None, CallError("org.freedesktop.DBus.Error.NoReply", "no answer in time"), "")


def ask(remote, member, signature=None, body=(), timeout=10.0):
    """One blocking call on a connection of its own. Returns the body
    of the answer. Raises BusGone or CallError."""
    answer = []
    bus = Bus()
    try:
        bus.call(remote, member, lambda *outcome: answer.append(outcome), signature, body, timeout)
        while not answer:
            bus.pump(0.1)
    finally:
        bus.close()
    got, error, _ = answer[0]
    if error:
        raise error
    return got


def interface(name):
    """An interface of plexauthd's, to call: "", "Credentials" or "Home"."""
    full = "tv.retune.PlexAuth1" + ("." + name if name else "")
    return DBusAddress("/tv/retune/PlexAuth1", "tv.retune.PlexAuth1", full)
