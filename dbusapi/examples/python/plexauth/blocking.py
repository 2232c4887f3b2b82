# SPDX-License-Identifier: Apache-2.0
"""A client whose calls wait. For one thread; jeepney's connections are."""
from collections import deque
from contextlib import ExitStack

from jeepney import AuthenticationError, HeaderFields, MatchRule
from jeepney.io.blocking import open_dbus_connection

from .members import Members
from .wire import (PlexAuthError, absent, answer, disconnected, no_reply, read_all,
                   status_of, subscriptions)


class Client(Members):
    """A connection to the bus "system", "session" or of an address. plexauthd
    does not have to run. timeout bounds each call, in seconds; where plex.tv is asked,
    plexauthd answers within 20."""

    def __init__(self, bus="system", timeout=30.0):
        self._timeout = timeout
        name = bus.upper() if bus in ("system", "session") else bus
        try:
            self._connection = open_dbus_connection(name)
        # KeyError, ValueError and RuntimeError: an address that is missing or none.
        except (OSError, KeyError, ValueError, RuntimeError, AuthenticationError) as cause:
            raise disconnected(cause) from cause

    def close(self):
        """Leaves the bus."""
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def status(self):
        """All properties, read once."""
        return self._read(may_start=True)

    def watch(self, repeat=None):
        """Yields the Status at once and after every change, or None while no
        plexauthd is on the bus. The same one can come twice: when a home user
        takes over, nothing else has changed. With repeat it also comes after so
        many seconds of silence, for who wants to try again what failed. Raises
        PlexAuthError, Disconnected when the bus goes."""
        news = deque(maxlen=1)  # one is enough to read again
        with ExitStack() as stack:
            stack.enter_context(self._connection.filter(MatchRule(type="signal"), queue=news))
            for subscribe, unsubscribe in subscriptions():
                self._ask(subscribe)
                stack.callback(self._forget, unsubscribe)
            may_start = True
            while True:
                news.clear()
                try:
                    status = self._read(may_start)
                except PlexAuthError as error:
                    if not absent(error):
                        raise
                    status = None
                yield status
                may_start = False
                self._wait(news, repeat)

    def _read(self, may_start):
        return self._ask(read_all(may_start), status_of)

    def _wait(self, news, seconds):
        try:
            self._connection.recv_until_filtered(news, timeout=seconds)
        except TimeoutError:
            pass
        except OSError as cause:
            raise disconnected(cause) from cause

    def _ask(self, message, take=lambda *_: None):
        try:
            reply = self._connection.send_and_get_reply(message, timeout=self._timeout)
        except TimeoutError as cause:
            raise no_reply(message.header.fields[HeaderFields.member]) from cause
        except OSError as cause:
            raise disconnected(cause) from cause
        return take(*answer(reply))

    def _forget(self, unsubscribe):
        try:
            self._connection.send(unsubscribe)
        except OSError:
            pass  # the bus has gone, and with it the subscription
