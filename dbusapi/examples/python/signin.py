#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Signs this box in to Plex: shows a code, waits, says who it is."""
import argparse
import sys

from plexauth import PlexAuthError
from plexauth.blocking import Client

# What to tell a person; other failures speak for themselves.
SAY = {
    "Unreachable": "Plex cannot be reached. Is the network up?",
    "InvalidResponse": "Plex cannot be reached. Does the network want you to log in first?",
    "ServerError": "Plex has a problem. Trying again.",
    "RateLimited": "Plex is busy. Trying again.",
    "UserLocked": "Who is watching? plexauthctl switch asks for the PIN.",
    "Forbidden": "Plex does not allow this user to do that.",
    "AccessDenied": "You may not sign this box in. Join the group plexauth.",
    "NotRunning": "Waiting for plexauthd.",
    "NoReply": "Waiting for plexauthd.",
}


def face(plex, status, with_token):
    """What to show for a status: (text, whether somebody is signed in)."""
    if status is None:
        return SAY["NotRunning"], False
    if status.authenticated:
        # Empty for a moment after a sign-in, and if the sign-out was faster than this.
        user = plex.current_user()
        text = "Signed in as " + (user.get("title") or "somebody")
        return text + (", token " + plex.token() if with_token else ""), True
    if status.state == "locked":  # in a player, the list of users
        return SAY["UserLocked"], False
    # Somebody started this program to sign in. In a player it is a button.
    pin = status.pin or plex.request_pin()
    return "Go to %s and enter %s" % (pin.link_uri, pin.code), False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bus", default="system", help="system, session or an address")
    parser.add_argument("--again", type=float, default=5, help="seconds until what failed is tried again")
    parser.add_argument("--watch", action="store_true", help="keep watching after the sign-in")
    parser.add_argument("--with-token", action="store_true", help="print the token, which gives access to the account")
    options = parser.parse_args()

    shown = None
    with Client(options.bus) as plex:
        for status in plex.watch(repeat=options.again):
            try:
                text, done = face(plex, status, options.with_token)
            except PlexAuthError as error:
                text, done = SAY.get(error.code, str(error)), False
            if text != shown:
                print(text, flush=True)
                shown = text
            if done and not options.watch:
                return


if __name__ == "__main__":
    try:
        main()
    except PlexAuthError as cause:
        sys.exit("signin: %s" % cause)
