# SPDX-License-Identifier: Apache-2.0
"""What a person does with an account that is signed in: sign out, switch to
another user of the Plex Home."""
from .daemon import ERROR
from .flow import LACKING, explain


class Account:
    """Asks the person through dialogs, which have confirm(key) -> bool,
    choose(users) -> user or None, ask_pin(user) -> text or None, tell(key)."""

    def __init__(self, daemon, dialogs):
        self._daemon, self._dialogs = daemon, dialogs
        self._user, self._users, self._locked = {}, [], False
        self.signing_out = False

    def look(self, then, locked=False):
        """then(user, can_switch) as soon as who is signed in is known, and again
        when it turns out that there are others to switch to. With locked that user
        has to enter the PIN again, and is among them."""
        self._user, self._users, self._locked = {}, [], locked

        def known(user, error):
            self._user = user or {}
            then(self._user, bool(self._others()))

        def listed(users, error):
            self._users = users or []
            if self._user:
                then(self._user, bool(self._others()))

        self._daemon.user(known)
        self._daemon.home_users(listed)

    def _others(self):
        return [user for user in self._users if self._locked or user.uuid != self._user.get("uuid")]

    def sign_out(self):
        if not self._dialogs.confirm("confirm_sign_out"):
            return
        self.signing_out = True
        self._daemon.sign_out(lambda body, error: self._answered(error))

    def switch(self):
        user = self._dialogs.choose(self._others())
        if user is not None:
            self._switch_to(user)

    def _switch_to(self, user):
        pin = self._dialogs.ask_pin(user) if user.protected else ""
        if pin is None:
            return

        def answered(body, error):
            if error and error.name == ERROR + "PinRejected":
                self._dialogs.tell("pin_rejected")
                self._switch_to(user)
            else:
                self._answered(error)

        self._daemon.switch_user(user.uuid, pin, answered)

    def _answered(self, error):
        if error:
            self.signing_out = False
            self._dialogs.tell("not_supported" if error.name in LACKING else explain(error))
