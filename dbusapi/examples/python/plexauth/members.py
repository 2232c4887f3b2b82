# SPDX-License-Identifier: Apache-2.0
"""plexauthd's methods, once for every way to wait for an answer."""
from jeepney import new_method_call

from .wire import CREDENTIALS, HOME, MAIN, Pairing, plain

_STORED = {"issued_at": "x", "expires_at": "x"}  # the others are s


class Members:
    """Every call raises PlexAuthError. In plexauth.blocking a call returns its
    result, in plexauth.aio an awaitable for it. _ask is what the two differ in:
    it sends a message and gives what take makes of the answer's values.
    """

    def request_pin(self):
        """Starts pairing and gives the Pairing; the one under way if there is one."""
        return self._call(MAIN, "RequestPin", take=Pairing)

    def request_pin_with_options(self, strong=False, force=False):
        """As request_pin. strong: a long code for the auth_uri alone; force: end
        a pairing under way and start a new one."""
        options = {"strong": ("b", strong), "force": ("b", force)}
        return self._call(MAIN, "RequestPinWithOptions", "a{sv}", options, take=Pairing)

    def check_pin_status(self, id):
        """Asks plex.tv now: (claimed, expires_at). Who watches never needs it."""
        return self._call(MAIN, "CheckPinStatus", "t", id, take=lambda *both: both)

    def cancel_pin(self, id):
        """Ends the pairing."""
        return self._call(MAIN, "CancelPin", "t", id)

    def get_pin_qr(self, format="png", scale=0):
        """The auth_uri of the pairing under way as a picture, png or svg, in bytes."""
        return self._call(MAIN, "GetPinQR", "su", format, scale, take=bytes)

    def plex_endpoint(self):
        """How the daemon reaches plex.tv, as a dictionary: url, proxy, proxy_user."""
        return self._call(MAIN, "GetPlexEndpoint", take=plain)

    def validate(self):
        """Asks plex.tv now whether the token is good."""
        return self._call(MAIN, "Validate")

    def token(self):
        """The token. Ask each time instead of keeping it."""
        return self._call(CREDENTIALS, "GetToken")

    def current_user(self):
        """Who uses the box, as a dictionary: id, uuid, username, title, email,
        thumb, home_admin, restricted. Empty when signed out."""
        return self._call(CREDENTIALS, "GetCurrentUser", take=plain)

    def auth_headers(self):
        """The HTTP headers for a request to plex.tv."""
        return self._call(CREDENTIALS, "GetAuthHeaders")

    def stored_credentials(self):
        """What is kept for who is signed in, token included. Empty when nobody is."""
        return self._call(CREDENTIALS, "GetStoredCredentials", take=plain)

    def store_credentials(self, credentials):
        """Signs in with a token from elsewhere; keys as in stored_credentials."""
        variants = {key: (_STORED.get(key, "s"), value) for key, value in credentials.items()}
        return self._call(CREDENTIALS, "StoreCredentials", "a{sv}", variants)

    def validate_token(self, token):
        """Asks plex.tv whether it takes that token."""
        return self._call(CREDENTIALS, "ValidateToken", "s", token)

    def clear_credentials(self):
        """Forgets the account on this box."""
        return self._call(CREDENTIALS, "ClearCredentials")

    def sign_out(self):
        """Forgets the account, and tells whether plex.tv revoked the token too."""
        return self._call(CREDENTIALS, "SignOut")

    def select_server(self, machine_id, uri):
        """Remembers the media server that the user chose."""
        return self._call(CREDENTIALS, "SelectServer", "ss", machine_id, uri)

    def list_servers(self):
        """The user's media servers, as dictionaries: machine_id, name, owned,
        presence, uris."""
        return self._call(CREDENTIALS, "ListServers", take=_each_plain)

    def get_server_headers(self, machine_id):
        """The HTTP headers for a request to that media server."""
        return self._call(CREDENTIALS, "GetServerHeaders", "s", machine_id)

    def renew_server_headers(self, machine_id):
        """As get_server_headers, for who was refused with those."""
        return self._call(CREDENTIALS, "RenewServerHeaders", "s", machine_id)

    def list_users(self):
        """The users of the Plex Home, as dictionaries: uuid, title, thumb, admin,
        guest, restricted, protected."""
        return self._call(HOME, "ListUsers", take=_each_plain)

    def switch_user(self, uuid, pin=""):
        """Lets that user of the home use the box."""
        return self._call(HOME, "SwitchUser", "ss", uuid, pin)

    def _call(self, address, member, signature=None, *values, take=lambda value=None: value):
        return self._ask(new_method_call(address, member, signature, values), take)

    def _ask(self, message, take):
        raise NotImplementedError


def _each_plain(dictionaries):
    return [plain(each) for each in dictionaries]
