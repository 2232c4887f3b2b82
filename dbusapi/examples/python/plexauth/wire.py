# SPDX-License-Identifier: Apache-2.0
"""What travels between a frontend and plexauthd, without input or output."""
from typing import NamedTuple, Optional

from jeepney import (DBusAddress, HeaderFields, MatchRule, MessageFlag,
                     MessageType, message_bus, new_method_call)

NAME = "tv.retune.PlexAuth1"
_ERRORS = NAME + ".Error."
_STANDARD_ERRORS = "org.freedesktop.DBus.Error."

MAIN = DBusAddress("/tv/retune/PlexAuth1", NAME, NAME)
CREDENTIALS = MAIN.with_interface(NAME + ".Credentials")
HOME = MAIN.with_interface(NAME + ".Home")
_PROPERTIES = MAIN.with_interface("org.freedesktop.DBus.Properties")


class PlexAuthError(Exception):
    """A failure. code says which, for who decides on it:

    AuthRequired AuthInvalid UserLocked Forbidden PinExpired PinRejected NoServerToken NotFound
    RateLimited Unreachable ServerError InvalidResponse StorageFailed InvalidArgs
                  as plexauthd reports them
    AccessDenied  this user may not; members of the group plexauth may
    NotRunning    no plexauthd is on the bus, and the bus could start none
    NoReply       it ended or hung before it answered; what was asked may be done
    Disconnected  there is no connection to the bus
    Failed        anything else; name tells
    """

    def __init__(self, code: str, text: str, name: str = ""):
        super().__init__(text)
        self.code, self.name = code, name


class Pairing(NamedTuple):
    """A PIN that waits to be claimed."""
    id: int
    code: str        # to be shown to a person
    link_uri: str    # where a person types it
    auth_uri: str    # for a QR code
    expires_at: int  # seconds since the epoch


class Server(NamedTuple):
    """A media server."""
    machine_id: str
    uri: str


class Status(NamedTuple):
    """plexauthd's properties. They hold no secret."""
    authenticated: bool       # a token is held that plex.tv has not refused
    state: str                # signed-out, pairing, signed-in, unverified, expired, locked; more one day
    pin: Optional[Pairing]    # the pairing under way
    auth_mode: str            # legacy or jwt
    token_expires_at: int     # seconds since the epoch, 0 if not known
    selected_server: Optional[Server]
    version: str


def status_of(variants: dict) -> Status:
    values = plain(variants)
    pin = Pairing(*values.get("Pin", (0, "", "", "", 0)))
    server = Server(*values.get("SelectedServer", ("", "")))
    return Status(
        authenticated=values.get("Authenticated", False), state=values.get("State", "signed-out"),
        pin=pin if pin.id else None, auth_mode=values.get("AuthMode", ""),
        token_expires_at=values.get("TokenExpiresAt", 0),
        selected_server=server if server.machine_id else None, version=values.get("Version", ""))


def plain(variants: dict) -> dict:
    """A dictionary of variants without their types."""
    return {key: value for key, (_, value) in variants.items()}


def read_all(may_start: bool):
    """The call that reads all properties. A plexauthd that was stopped on purpose
    stays so unless may_start."""
    message = new_method_call(_PROPERTIES, "GetAll", "s", (NAME,))
    if not may_start:
        message.header.flags |= MessageFlag.no_auto_start
    return message


def subscriptions():
    """What the bus shall send to who watches, as calls that ask for it."""
    rules = [
        MatchRule(type="signal", sender=NAME, path=MAIN.object_path),
        MatchRule(type="signal", sender=message_bus.bus_name, member="NameOwnerChanged"),
    ]
    rules[1].add_arg_condition(0, NAME)
    return [(message_bus.AddMatch(rule), message_bus.RemoveMatch(rule)) for rule in rules]


def answer(reply) -> tuple:
    """The body of an answer. Raises PlexAuthError."""
    if reply.header.message_type is not MessageType.error:
        return reply.body
    name = reply.header.fields[HeaderFields.error_name]
    text = str(reply.body[0]) if reply.body else name
    raise PlexAuthError(_code_of(name), text, name)


def _code_of(name: str) -> str:
    if name.startswith(_ERRORS):
        return name[len(_ERRORS):]
    standard = name[len(_STANDARD_ERRORS):] if name.startswith(_STANDARD_ERRORS) else ""
    if standard in ("InvalidArgs", "AccessDenied", "NoReply"):
        return standard
    if standard == "InteractiveAuthorizationRequired":
        return "AccessDenied"
    # Spawn: nobody has the name and the bus failed to start who should.
    if standard in ("ServiceUnknown", "NameHasNoOwner") or standard.startswith("Spawn."):
        return "NotRunning"
    return "Failed"


def disconnected(cause) -> PlexAuthError:
    return PlexAuthError("Disconnected", "no connection to the bus: %s" % (cause or "it has ended"))


def no_reply(member: str) -> PlexAuthError:
    return PlexAuthError("NoReply", "plexauthd did not answer %s in time" % member)


def absent(error: PlexAuthError) -> bool:
    """Whether reading failed only because plexauthd is not there, or is just
    ending. Then the bus tells when it is back."""
    return error.code in ("NotRunning", "NoReply")
