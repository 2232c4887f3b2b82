# SPDX-License-Identifier: Apache-2.0
"""A client for asyncio. Its calls and watches may run at the same time."""
import asyncio

from jeepney import AuthenticationError, HeaderFields, MessageType
from jeepney.io.asyncio import open_dbus_connection

from .members import Members
from .wire import (PlexAuthError, absent, answer, disconnected, no_reply, read_all,
                   status_of, subscriptions)


class Client(Members):
    """A connection to the bus "system", "session" or of an address, made by
    "async with". plexauthd does not have to run. timeout bounds each call, in seconds."""

    def __init__(self, bus="system", timeout=30.0):
        self._bus = bus.upper() if bus in ("system", "session") else bus
        self._timeout = timeout
        self._waiting = {}   # serial: future of the answer
        self._news = set()   # an event for each watch

    async def __aenter__(self):
        try:
            self._connection = await open_dbus_connection(self._bus)
        # KeyError, ValueError and RuntimeError: an address that is missing or none.
        except (OSError, EOFError, KeyError, ValueError, RuntimeError, AuthenticationError) as cause:
            raise disconnected(cause) from cause
        self._receiver = asyncio.create_task(self._receive())
        return self

    async def __aexit__(self, *_):
        self._receiver.cancel()
        await asyncio.gather(self._receiver, return_exceptions=True)
        try:
            await self._connection.close()
        except OSError:
            pass  # closed by the bus

    async def status(self):
        """All properties, read once."""
        return await self._read(may_start=True)

    async def watch(self, repeat=None):
        """As plexauth.blocking.Client.watch, to be read with "async for"."""
        news = asyncio.Event()
        self._news.add(news)
        try:
            for subscribe, _ in subscriptions():
                await self._ask(subscribe)
            may_start = True
            while True:
                news.clear()
                try:
                    status = await self._read(may_start)
                except PlexAuthError as error:
                    if not absent(error):
                        raise
                    status = None
                yield status
                may_start = False
                await self._wait(news, repeat)
        finally:
            self._news.discard(news)
            await self._forget()

    async def _read(self, may_start):
        return await self._ask(read_all(may_start), status_of)

    async def _wait(self, news, seconds):
        try:
            await asyncio.wait_for(news.wait(), seconds)
        except asyncio.TimeoutError:
            pass
        if self._receiver.done():
            raise disconnected(None)

    async def _ask(self, message, take=lambda *_: None):
        if self._receiver.done():
            raise disconnected(None)
        serial = next(self._connection.outgoing_serial)
        future = self._waiting[serial] = asyncio.get_running_loop().create_future()
        try:
            await self._connection.send(message, serial=serial)
            reply = await asyncio.wait_for(future, self._timeout)
        except asyncio.TimeoutError as cause:
            raise no_reply(message.header.fields[HeaderFields.member]) from cause
        except OSError as cause:
            raise disconnected(cause) from cause
        finally:
            del self._waiting[serial]
        return take(*answer(reply))

    async def _receive(self):
        """Hands out what comes until the bus goes; then everybody who waits hears."""
        try:
            while True:
                self._hand_out(await self._connection.receive())
        except (OSError, EOFError):
            pass
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(disconnected(None))
            self._wake()

    def _hand_out(self, message):
        if message.header.message_type is MessageType.signal:
            self._wake()
            return
        future = self._waiting.get(message.header.fields.get(HeaderFields.reply_serial))
        if future is not None and not future.done():
            future.set_result(message)

    def _wake(self):
        for news in self._news:
            news.set()

    async def _forget(self):
        """Takes the subscriptions of one watch back; the bus counts them."""
        try:
            for _, unsubscribe in subscriptions():
                await self._connection.send(unsubscribe)
        except OSError:
            pass  # the bus has gone, and with it the subscriptions
