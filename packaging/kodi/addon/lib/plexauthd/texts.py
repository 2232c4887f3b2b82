# SPDX-License-Identifier: Apache-2.0
"""The add-on's texts, by key; translations are in resources/language."""

NUMBERS = {key: 32000 + i for i, key in enumerate((
    "heading",           # the screen's title
    "connecting",
    "asking",
    "scan",              # next to the QR code
    "go_to",             # above the link
    "enter",             # above the code
    "left",              # before the minutes
    "cancel",
    "close",
    "new_code",
    "try_again",
    "code_over",
    "code_expired",
    "code_cancelled",
    "code_failed",
    "not_ready",
    "no_daemon",
    "no_bus",
    "no_code",
    "unreachable",
    "server_error",
    "invalid_response",
    "rate_limited",
    "storage_failed",
    "access_denied",
    "failed",
    "not_supported",
    "signed_in_as",
    "sign_out",
    "switch_user",
    "confirm_sign_out",
    "choose_user",
    "user_pin",          # %s: the user
    "pin_rejected",
    "note_signed_in",    # %s: the user, as in the next
    "note_switched",
    "note_signed_out",
    "scan_only",         # in place of a code too long to type
    "protected",         # below a user who has a PIN
    "forbidden",
    "locked",            # above the user who has to enter the PIN again
))}


class Texts:
    """localize is Kodi's: a number's text in the person's language."""

    def __init__(self, localize):
        self._localize = localize

    def __call__(self, key, *values):
        text = self._localize(NUMBERS[key]) if key else ""
        return text % values if values else text
