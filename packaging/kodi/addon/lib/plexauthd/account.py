"""What a person does with an account that is signed in: sign out, switch to
another user of the Plex Home."""
from .daemon import ERROR
from .flow import LACKING, explain


class Account:
    """Asks the person through dialogs, which have confirm(key) -> bool,
    choose(users) -> user or None, ask_pin(user) -> text or None, tell(key)."""

    def __init__(self, daemon, dialogs):
        self._daemon, self._dialogs = daemon, dialogs
        self._users = []
        self.signing_out = False

    def look(self, then):
        """then(user, can_switch) as soon as who is signed in is known, and again
        when it turns out that there are others to switch to."""
        self._users, user = [], {}

        def known(found, error):
            user.update(found or {})
            then(user, bool(self._users))

        def others(users, error):
            self._users = users if users and len(users) > 1 else []
            then(user, bool(self._users))

        self._daemon.user(known)
        self._daemon.home_users(others)

    def sign_out(self):
        if not self._dialogs.confirm("confirm_sign_out"):
            return
        self.signing_out = True
        self._daemon.sign_out(lambda body, error: self._answered(error))

    def switch(self):
        user = self._dialogs.choose(self._users)
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
