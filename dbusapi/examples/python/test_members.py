# SPDX-License-Identifier: Apache-2.0
"""Calls every member of both clients once. Run by "make frontend-test", which
names the bus in BUS and writes a token on standard input."""
import asyncio
import os
import sys
import unittest

from plexauth import Pairing, PlexAuthError, Server
from plexauth import aio, blocking

BUS, TOKEN = os.environ["BUS"], sys.stdin.readline().strip()


def settled(value):
    """A result as it is; of an awaitable, its result."""
    return LOOP.run_until_complete(value) if asyncio.iscoroutine(value) else value


class EveryMember(unittest.TestCase):
    def each(self, check):
        with self.subTest("blocking"), blocking.Client(BUS) as plex:
            check(plex)
        with self.subTest("asyncio"):
            plex = settled(aio.Client(BUS).__aenter__())
            check(plex)
            settled(plex.__aexit__())

    def refused(self, code, call, *arguments):
        with self.assertRaises(PlexAuthError) as caught:
            settled(call(*arguments))
        self.assertEqual(caught.exception.code, code)

    def test_pairing(self):
        def check(plex):
            pin = settled(plex.request_pin())
            self.assertIsInstance(pin, Pairing)
            self.assertEqual(settled(plex.status()).pin, pin)
            strong = settled(plex.request_pin_with_options(strong=True, force=True))
            self.assertGreater(len(strong.code), len(pin.code))
            self.assertEqual(settled(plex.check_pin_status(strong.id)), (False, strong.expires_at))
            settled(plex.cancel_pin(strong.id))
            self.refused("NotFound", plex.cancel_pin, strong.id)
        self.each(check)

    def test_credentials(self):
        def check(plex):
            self.refused("AuthRequired", plex.token)
            self.refused("AuthRequired", plex.validate)
            self.assertEqual(settled(plex.plex_endpoint())["proxy"], "")
            self.refused("InvalidArgs", plex.store_credentials, {})
            self.assertEqual(settled(plex.current_user()), {})
            settled(plex.store_credentials({"token": TOKEN}))
            self.assertTrue(settled(plex.validate()))
            self.assertFalse(settled(plex.validate_token("none")))
            self.assertEqual(settled(plex.token()), TOKEN)
            self.assertEqual(settled(plex.auth_headers())["X-Plex-Token"], TOKEN)
            stored = settled(plex.stored_credentials())
            self.assertEqual(stored["token"], TOKEN)
            settled(plex.clear_credentials())
            settled(plex.store_credentials(stored))
            self.assertEqual(settled(plex.current_user())["title"], "Ada")
            settled(plex.clear_credentials())
        self.each(check)

    def test_servers(self):
        def check(plex):
            settled(plex.store_credentials({"token": TOKEN}))
            server, = settled(plex.list_servers())
            self.assertEqual(server["name"], "Attic")
            machine = server["machine_id"]
            self.assertIn("X-Plex-Token", settled(plex.get_server_headers(machine)))
            self.assertIn("X-Plex-Token", settled(plex.renew_server_headers(machine)))
            self.refused("NotFound", plex.get_server_headers, "none")
            settled(plex.select_server(machine, server["uris"][0]))
            self.assertEqual(settled(plex.status()).selected_server, Server(machine, server["uris"][0]))
            settled(plex.clear_credentials())
        self.each(check)

    def test_home(self):
        def check(plex):
            settled(plex.store_credentials({"token": TOKEN}))
            bea, = [user for user in settled(plex.list_users()) if user["title"] == "Bea"]
            self.assertTrue(bea["protected"])
            self.refused("PinRejected", plex.switch_user, bea["uuid"], "0000")
            settled(plex.switch_user(bea["uuid"], "2468"))
            self.assertEqual(settled(plex.current_user())["title"], "Bea")
            settled(plex.clear_credentials())
        self.each(check)

    def test_who_is_away(self):
        for client in blocking.Client, aio.Client:
            with self.assertRaises(PlexAuthError) as caught:
                settled(client("unix:path=/none").__enter__() if client is blocking.Client
                        else client("unix:path=/none").__aenter__())
            self.assertEqual(caught.exception.code, "Disconnected")

    def test_zz_sign_out(self):
        """Ends the token, so it comes last."""
        with blocking.Client(BUS) as plex:
            plex.store_credentials({"token": TOKEN})
            self.assertTrue(plex.sign_out())


if __name__ == "__main__":
    LOOP = asyncio.new_event_loop()
    unittest.main()
