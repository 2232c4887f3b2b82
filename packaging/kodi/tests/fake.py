# SPDX-License-Identifier: Apache-2.0
"""A daemon and a person for the tests, that do what they are told."""
from plexauthd.bus import CallError
from plexauthd.daemon import ERROR, NOTHING, Pairing, Status, User

PAIRING = Pairing(7, "AB3X", "https://plex.tv/link", "https://plex.tv/link/?pin=AB3X", 1300)
OTHER = PAIRING._replace(id=8, code="CD4Y")
SIGNED_IN = Status(True, "signed-in", None)
PAIRED = Status(False, "pairing", PAIRING)
SIGNED_OUT = NOTHING
ADA, BEN = User("a", "Ada", "", True), User("b", "Ben", "", False)


def failure(name):
    """One of the daemon's errors, by its short name."""
    return CallError(name if "." in name else ERROR + name, "text")


class Daemon:
    """Notes each call as (member, arguments...) in calls and its callback in waits."""

    def __init__(self):
        self.status, self.connected, self.present = SIGNED_OUT, True, True
        self.calls, self.waits = [], {}

    def answer(self, member, result=None, error=None):
        """Answers the last call of a member."""
        self.waits.pop(member)(result, failure(error) if error else None)

    def count(self, member):
        return sum(call[0] == member for call in self.calls)

    def __getattr__(self, member):
        def call(*arguments):
            if arguments and callable(arguments[-1]):
                self.waits[member] = arguments[-1]
                arguments = arguments[:-1]
            self.calls.append((member,) + arguments)
        return call


class Pictures:
    usual_scale = 15

    def __init__(self):
        self.kept, self.fits = None, 15

    def fitting_scale(self, png, scale):
        return min(self.fits, scale)

    def keep(self, png):
        self.kept = png
        return "/tmp/%s.png" % png.decode()

    def clear(self):
        self.kept = None


class Dialogs:
    """A person who answers from the lists and remembers what was said."""

    def __init__(self):
        self.sure, self.pins, self.choice, self.told = True, [], None, []
        self.offered = None

    def confirm(self, key):
        return self.sure

    def choose(self, users):
        self.offered = users
        return self.choice

    def ask_pin(self, user):
        return self.pins.pop(0) if self.pins else None

    def tell(self, key):
        self.told.append(key)
