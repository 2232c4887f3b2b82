# SPDX-License-Identifier: Apache-2.0
import unittest

from . import fake
from plexauthd.bus import BusGone
from plexauthd.daemon import NAME, NO_BUS, NO_DAEMON, Daemon, Status, User

BUS = "org.freedesktop.DBus"
PROPERTIES = {"Authenticated": ("b", False), "State": ("s", "signed-out"), "Pin": ("(tsssx)", (0, "", "", "", 0))}


class FakeBus:
    """A bus: calls as (interface, member, body), each callback in waits."""

    def __init__(self):
        self.calls, self.waits, self.rules, self.gone, self.closed = [], {}, [], False, False

    def subscribe(self, first_argument=None, **fields):
        self.rules.append(dict(fields, first_argument=first_argument))

    def call(self, remote, member, then, signature=None, body=()):
        self.calls.append((remote.interface, member, signature, body))
        self.waits[member] = then

    def pump(self, timeout):
        if self.gone:
            raise BusGone("gone")

    def forget(self):
        self.waits.clear()

    def close(self):
        self.closed = True


class DaemonTest(unittest.TestCase):
    def setUp(self):
        self.buses, self.heard, self.now, self.reachable = [], [], 0.0, True
        self.daemon = Daemon(self.open, lambda: self.now)
        self.daemon.listeners.append(self)
        self.daemon.pump()

    def open(self):
        if not self.reachable:
            raise BusGone("no bus")
        self.buses.append(FakeBus())
        return self.buses[-1]

    def __getattr__(self, name):
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda *values: self.heard.append((name,) + values)

    @property
    def bus(self):
        return self.buses[-1]

    def looked(self, **changed):
        self.bus.waits.pop("GetAll")((dict(PROPERTIES, **changed),), None, ":1.5")

    def signal(self, interface, member, *body, sender=":1.5"):
        self.bus.on_signal(sender, interface, member, body)

    def test_subscribes_before_it_looks(self):
        self.assertEqual([rule["sender"] for rule in self.bus.rules], [NAME, BUS])
        self.assertEqual(self.bus.rules[1]["first_argument"], NAME)
        self.assertEqual(self.bus.calls, [("org.freedesktop.DBus.Properties", "GetAll", "s", (NAME,))])
        self.assertFalse(self.daemon.present)
        self.looked(Pin=("(tsssx)", tuple(fake.PAIRING)), State=("s", "pairing"))
        self.assertEqual(self.heard, [("on_available", Status(False, "pairing", fake.PAIRING))])
        self.assertTrue(self.daemon.present)

    def test_signals(self):
        self.looked()
        self.heard.clear()
        self.signal(BUS + ".Properties", "PropertiesChanged", NAME, {"Authenticated": ("b", True)}, [])
        self.signal(NAME, "AuthChanged", True, {"reason": ("s", "signed-in"), "more": ("u", 1)})
        self.signal(NAME, "PinEnded", 7, "claimed")
        self.assertEqual(self.heard, [("on_changed", Status(True, "signed-out", None)),
                                      ("on_auth_changed", True, "signed-in"), ("on_pin_ended", 7, "claimed")])

    def test_forged_signals(self):
        self.looked()
        self.heard.clear()
        self.signal(NAME, "AuthChanged", True, {}, sender=":1.66")
        self.signal(BUS, "NameOwnerChanged", NAME, ":1.5", "", sender=":1.66")
        self.signal(BUS, "NameOwnerChanged", "tv.retune.Other", ":1.5", "", sender=BUS)
        self.assertEqual(self.heard, [])

    def test_dies_and_comes_back(self):
        self.looked()
        self.daemon.request_pin(lambda *_: self.fail("no answer can come from the dead"))
        self.heard.clear()
        self.signal(BUS, "NameOwnerChanged", NAME, ":1.5", "", sender=BUS)
        self.assertEqual((self.heard, self.bus.waits), ([("on_gone", NO_DAEMON)], {}))
        self.assertEqual((self.daemon.present, self.daemon.status), (False, fake.SIGNED_OUT))
        self.signal(BUS, "NameOwnerChanged", NAME, "", ":1.5", sender=BUS)
        self.looked()
        self.assertEqual(self.heard[-1][0], "on_available")

    def test_not_there(self):
        self.bus.waits.pop("GetAll")(None, fake.failure(BUS + ".Error.ServiceUnknown"), BUS)
        self.assertEqual(self.heard, [("on_gone", NO_DAEMON)])

    def test_bus_goes_and_comes_back(self):
        self.bus.gone, self.reachable = True, False
        self.daemon.pump()
        self.assertEqual((self.heard, self.bus.closed, self.daemon.connected), ([("on_gone", NO_BUS)], True, False))
        self.daemon.request_pin(lambda *_: self.fail("there is no bus"))
        self.reachable = True
        self.daemon.pump()
        self.assertFalse(self.daemon.connected, "tried again at once")
        self.now += 2
        self.daemon.pump()
        self.looked()
        self.assertEqual((len(self.buses), self.heard[-1][0]), (2, "on_available"))

    def test_calls(self):
        answers = []
        keep = lambda result, error: answers.append(result if error is None else error.name)  # noqa: E731
        for call, member, wanted, body, result in (
                (lambda: self.daemon.request_pin(keep), "RequestPin", (NAME, None, ()), tuple(fake.PAIRING), fake.PAIRING),
                (lambda: self.daemon.draw(15, keep), "GetPinQR", (NAME, "su", ("png", 15)), (b"png",), b"png"),
                (lambda: self.daemon.user(keep), "GetCurrentUser", (NAME + ".Credentials", None, ()),
                 ({"title": ("s", "Ada")},), {"title": "Ada"}),
                (lambda: self.daemon.sign_out(keep), "SignOut", (NAME + ".Credentials", None, ()), (True,), (True,)),
                (lambda: self.daemon.home_users(keep), "ListUsers", (NAME + ".Home", None, ()),
                 ([{"uuid": ("s", "u"), "title": ("s", "Ada"), "protected": ("b", True), "new": ("u", 1)}],),
                 [User("u", "Ada", "", True)]),
                (lambda: self.daemon.switch_user("u", "1234", keep), "SwitchUser", (NAME + ".Home", "ss", ("u", "1234")), (), ())):
            with self.subTest(member):
                call()
                interface, name, signature, arguments = self.bus.calls[-1]
                self.assertEqual((name, (interface, signature, arguments)), (member, wanted))
                self.bus.waits[member](body, None, ":1.5")
                self.assertEqual(answers.pop(), result)
                self.bus.waits[member](None, fake.failure("Unreachable"), ":1.5")
                self.assertEqual(answers.pop(), NAME + ".Error.Unreachable")
