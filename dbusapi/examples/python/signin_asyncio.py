#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""As signin.py, with asyncio."""
import argparse
import asyncio
import sys

from plexauth import PlexAuthError
from plexauth.aio import Client
from signin import SAY


async def face(plex, status, with_token):
    """What to show for a status: (text, whether somebody is signed in)."""
    if status is None:
        return SAY["NotRunning"], False
    if status.authenticated:
        user = await plex.current_user()
        text = "Signed in as " + (user.get("title") or "somebody")
        return text + (", token " + await plex.token() if with_token else ""), True
    pin = status.pin or await plex.request_pin()
    return "Go to %s and enter %s" % (pin.link_uri, pin.code), False


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bus", default="system", help="system, session or an address")
    parser.add_argument("--again", type=float, default=5, help="seconds until what failed is tried again")
    parser.add_argument("--watch", action="store_true", help="keep watching after the sign-in")
    parser.add_argument("--with-token", action="store_true", help="print the token, which gives access to the account")
    options = parser.parse_args()

    shown = None
    async with Client(options.bus) as plex:
        async for status in plex.watch(repeat=options.again):
            try:
                text, done = await face(plex, status, options.with_token)
            except PlexAuthError as error:
                text, done = SAY.get(error.code, str(error)), False
            if text != shown:
                print(text, flush=True)
                shown = text
            if done and not options.watch:
                return


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except PlexAuthError as cause:
        sys.exit("signin: %s" % cause)
