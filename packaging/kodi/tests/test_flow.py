# SPDX-License-Identifier: Apache-2.0
import unittest

from . import fake
from plexauthd.account import Account
from plexauthd.daemon import NO_BUS, NO_DAEMON
from plexauthd.flow import Flow


class FlowTest(unittest.TestCase):
    def setUp(self):
        self.now = 0.0
        self.daemon, self.pictures, self.dialogs = fake.Daemon(), fake.Pictures(), fake.Dialogs()
        self.flow = Flow(self.daemon, Account(self.daemon, self.dialogs), self.pictures, lambda: self.now)
        self.flow.start()

    def available(self, status):
        self.daemon.status = status
        self.flow.on_available(status)

    def buttons(self):
        return [action for action, _ in self.flow.view.buttons]

    def shown_code(self, began_here=True):
        self.available(fake.SIGNED_OUT if began_here else fake.PAIRED)
        if began_here:
            self.daemon.answer("request_pin", fake.PAIRING)
        self.daemon.answer("draw", b"png")

    def account(self):
        self.available(fake.SIGNED_IN)
        self.daemon.answer("user", {"uuid": "c", "title": "Ada", "thumb": "t"})


class Code(FlowTest):
    def test_asks_and_shows(self):
        self.assertEqual(self.daemon.calls, [("look",)])
        self.available(fake.SIGNED_OUT)
        self.assertEqual((self.flow.view.kind, self.flow.view.text), ("wait", "asking"))
        self.daemon.answer("request_pin", fake.PAIRING)
        self.assertEqual((self.flow.view.kind, self.flow.view.pairing), ("code", fake.PAIRING))
        self.daemon.answer("draw", b"png")
        self.assertEqual(self.flow.view.picture, "/tmp/png.png")

    def test_without_pictures_the_code_is_shown(self):
        self.available(fake.SIGNED_OUT)
        self.daemon.answer("request_pin", fake.PAIRING)
        self.daemon.answer("draw", None, "org.freedesktop.DBus.Error.UnknownMethod")
        self.assertEqual((self.flow.view.kind, self.flow.view.picture), ("code", ""))

    def test_a_large_picture_is_asked_for_smaller(self):
        self.pictures.fits = 6
        self.available(fake.PAIRED)
        self.daemon.answer("draw", b"large")
        self.assertEqual((self.flow.view.picture, self.daemon.calls[-1]), ("", ("draw", 6)))
        self.daemon.answer("draw", b"small")
        self.assertEqual(self.flow.view.picture, "/tmp/small.png")

    def test_a_late_picture_of_another_code_is_not_shown(self):
        self.available(fake.PAIRED)
        late = self.daemon.waits.pop("draw")
        self.flow.on_changed(fake.PAIRED._replace(pairing=fake.OTHER))
        late(b"late", None)
        self.assertEqual((self.flow.view.pairing, self.flow.view.picture), (fake.OTHER, ""))

    def test_claimed(self):
        self.shown_code()
        self.flow.on_auth_changed(True, "signed-in")
        self.flow.on_pin_ended(7, "claimed")
        self.assertEqual((self.flow.outcome, self.flow.view.kind), ("signed-in", "code"))

    def test_nothing_follows_when_it_is_over(self):
        self.shown_code()
        self.flow.on_auth_changed(True, "signed-in")
        asked = self.daemon.count("request_pin")
        self.flow.on_auth_changed(False, "signed-out")
        self.flow.on_available(fake.SIGNED_OUT)
        self.assertEqual((self.flow.outcome, self.daemon.count("request_pin")), ("signed-in", asked))

    def test_claimed_while_the_daemon_was_away(self):
        self.shown_code()
        self.flow.on_gone(NO_DAEMON)
        self.available(fake.SIGNED_IN)
        self.assertEqual(self.flow.outcome, "signed-in")

    def test_ended(self):
        for result, text in (("expired", "code_expired"), ("cancelled", "code_cancelled"), ("failed", "code_failed")):
            self.shown_code(began_here=False)
            self.flow.on_pin_ended(8, result)
            self.assertEqual(self.flow.view.kind, "code", "another pairing's end")
            self.flow.on_pin_ended(7, result)
            self.assertEqual((self.flow.view.text, self.buttons()), (text, ["again", "leave"]))
            self.assertIsNone(self.pictures.kept)

    def test_a_new_code_is_asked_for_once(self):
        self.shown_code()
        self.flow.on_pin_ended(7, "expired")
        self.daemon.calls.clear()
        self.flow.press("again")
        self.flow.press("again")
        self.assertEqual(self.daemon.calls, [("request_pin",)])

    def test_back_cancels_what_began_here(self):
        self.shown_code()
        self.flow.press("leave")
        self.assertEqual((self.daemon.calls[-1], self.flow.outcome), (("cancel_pin", 7), "left"))

    def test_back_leaves_what_another_frontend_began(self):
        self.shown_code(began_here=False)
        self.flow.press("leave")
        self.assertEqual((self.daemon.count("cancel_pin"), self.flow.outcome), (0, "left"))

    def test_a_pairing_that_was_there_before_the_request_is_not_ours(self):
        self.available(fake.SIGNED_OUT)
        self.daemon.status = fake.PAIRED  # another frontend was faster
        self.daemon.answer("request_pin", None, "Unreachable")
        self.flow.press("again")
        self.daemon.answer("request_pin", fake.PAIRING)
        self.flow.press("leave")
        self.assertEqual(self.daemon.count("cancel_pin"), 0)

    def test_kodi_ends(self):
        self.shown_code()
        self.flow.abandon()
        self.flow.abandon()
        self.assertEqual(self.daemon.count("cancel_pin"), 1)


class Trouble(FlowTest):
    def test_explained_and_tried_again(self):
        for error, text, pause in (
                ("Unreachable", "unreachable", 5), ("ServerError", "server_error", 15),
                ("InvalidResponse", "invalid_response", 15), ("RateLimited", "rate_limited", 60)):
            with self.subTest(error):
                self.available(fake.SIGNED_OUT)
                self.daemon.answer("request_pin", None, error)
                self.assertEqual(self.flow.view.text, text)
                self.daemon.calls.clear()
                self.now += pause - 1
                self.flow.tick()
                self.assertEqual(self.daemon.calls, [])
                self.now += 1
                self.flow.tick()
                self.assertEqual(self.daemon.calls, [("request_pin",)])

    def test_no_use_trying_again(self):
        for error, text in (("org.freedesktop.DBus.Error.AccessDenied", "access_denied"),
                            ("StorageFailed", "storage_failed"), ("org.freedesktop.DBus.Error.Failed", "failed")):
            with self.subTest(error):
                self.available(fake.SIGNED_OUT)
                self.daemon.answer("request_pin", None, error)
                asked = self.daemon.count("request_pin")
                self.now += 1000
                self.flow.tick()
                self.assertEqual((self.flow.view.text, self.daemon.count("request_pin")), (text, asked))

    def test_away(self):
        for why, text in ((NO_DAEMON, "no_daemon"), (NO_BUS, "no_bus")):
            self.shown_code(began_here=False)
            self.flow.on_gone(why)
            self.assertEqual((self.flow.view.kind, self.flow.view.text), ("message", text))
            self.daemon.present = False
            self.daemon.calls.clear()
            self.flow.press("again")
            self.assertEqual(self.daemon.calls, [("look",)])
            self.available(fake.PAIRED)
            self.assertEqual(self.flow.view.pairing, fake.PAIRING)

    def test_starts_without_a_bus(self):
        self.daemon.connected = False
        self.flow.start()
        self.assertEqual(self.flow.view.text, "no_bus")


class SignedIn(FlowTest):
    def test_shows_who(self):
        self.account()
        view = self.flow.view
        self.assertEqual((view.kind, view.name, view.thumb, self.buttons()),
                         ("account", "Ada", "t", ["sign-out", "leave"]))

    def test_offers_others(self):
        self.account()
        self.daemon.answer("home_users", [fake.ADA, fake.BEN])
        self.assertEqual(self.buttons(), ["switch", "sign-out", "leave"])

    def test_offers_others_that_were_known_first(self):
        self.available(fake.SIGNED_IN)
        self.daemon.answer("home_users", [fake.ADA._replace(uuid="c"), fake.BEN])
        self.assertEqual(self.buttons(), ["leave"])
        self.daemon.answer("user", {"uuid": "c", "title": "Ada"})
        self.assertEqual(self.buttons(), ["switch", "sign-out", "leave"])
        self.flow.press("switch")
        self.assertEqual(self.dialogs.offered, [fake.BEN], "one cannot switch to oneself")

    def test_offers_no_others(self):
        alone = fake.ADA._replace(uuid="c")
        for users, error in (([alone], None), ([], None), (None, "org.freedesktop.DBus.Error.UnknownInterface"),
                             (None, "org.freedesktop.DBus.Error.UnknownMethod"), (None, "Unreachable")):
            self.account()
            self.daemon.answer("home_users", users, error)
            self.assertEqual((self.buttons(), self.dialogs.told), (["sign-out", "leave"], []))

    def test_signs_out(self):
        self.account()
        self.dialogs.sure = False
        self.flow.press("sign-out")
        self.assertEqual(self.daemon.count("sign_out"), 0)
        self.dialogs.sure = True
        self.flow.press("sign-out")
        self.flow.on_auth_changed(False, "signed-out")
        self.assertEqual(self.flow.outcome, "signed-out")

    def test_signing_out_fails(self):
        self.account()
        self.flow.press("sign-out")
        self.daemon.answer("sign_out", None, "StorageFailed")
        self.assertEqual((self.dialogs.told, self.flow.outcome), (["storage_failed"], None))
        self.flow.on_auth_changed(False, "revoked")
        self.assertEqual(self.daemon.count("request_pin"), 1)

    def test_signed_out_elsewhere(self):
        self.account()
        self.flow.on_auth_changed(False, "signed-out")
        self.assertEqual((self.flow.view.text, self.flow.outcome), ("asking", None))

    def switch(self, user, *pins):
        self.account()
        self.daemon.answer("home_users", [fake.ADA, fake.BEN])
        self.dialogs.choice, self.dialogs.pins = user, list(pins)
        self.flow.press("switch")

    def test_switches_without_a_pin(self):
        self.switch(fake.BEN)
        self.assertEqual(self.daemon.calls[-1], ("switch_user", "b", ""))
        self.daemon.answer("switch_user", ())
        self.flow.on_auth_changed(True, "user-switched")
        self.assertEqual((self.flow.outcome, self.dialogs.told), ("switched", []))

    def test_a_locked_user_enters_the_pin(self):
        self.daemon.status = fake.SIGNED_IN._replace(authenticated=False, state="locked")
        self.flow.on_available(self.daemon.status)
        self.unlocks()

    def test_a_user_is_locked_out(self):
        self.account()
        self.flow.on_auth_changed(False, "user-locked")
        self.unlocks()

    def unlocks(self):
        self.assertEqual((self.flow.view.title, self.daemon.count("request_pin")), ("locked", 0))
        self.daemon.answer("user", {"uuid": "a", "title": "Ada"})
        self.daemon.answer("home_users", [fake.ADA, fake.BEN])
        self.dialogs.choice, self.dialogs.pins = fake.ADA, ["2222"]
        self.flow.press("switch")
        self.assertEqual(self.dialogs.offered, [fake.ADA, fake.BEN])
        self.assertEqual(self.daemon.calls[-1], ("switch_user", "a", "2222"))
        self.flow.on_auth_changed(True, "user-switched")
        self.assertEqual(self.flow.outcome, "switched")

    def test_asks_again_after_a_wrong_pin(self):
        self.switch(fake.ADA, "1111", "2222")
        self.assertEqual(self.daemon.calls[-1], ("switch_user", "a", "1111"))
        self.daemon.answer("switch_user", None, "PinRejected")
        self.assertEqual((self.dialogs.told, self.daemon.calls[-1]), (["pin_rejected"], ("switch_user", "a", "2222")))
        self.daemon.answer("switch_user", None, "PinRejected")
        self.assertEqual((self.daemon.count("switch_user"), self.flow.outcome), (2, None), "no third PIN was typed")

    def test_changes_the_mind(self):
        self.switch(None)
        self.switch(fake.ADA)
        self.assertEqual(self.daemon.count("switch_user"), 0)

    def test_switching_fails(self):
        self.switch(fake.BEN)
        self.daemon.answer("switch_user", None, "org.freedesktop.DBus.Error.UnknownMethod")
        self.switch(fake.BEN)
        self.daemon.answer("switch_user", None, "Unreachable")
        self.switch(fake.BEN)
        self.daemon.answer("switch_user", None, "Forbidden")
        self.assertEqual(self.dialogs.told, ["not_supported", "unreachable", "forbidden"])
