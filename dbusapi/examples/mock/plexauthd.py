'''plexauthd mock template

This is plexauthd as a frontend sees it, without plex.tv, for the frontend's own
tests. At first nobody is signed in. On the mock's interface it has, for the test:

  Claim(s title)       somebody enters the code of the pairing under way
  Expire()             the time of the pairing under way runs out
  Revoke()             plex.tv refuses the token from now on
  Lock()               the home user in use has to enter the PIN again
  Fail(s error)        what would ask plex.tv fails so, such as "RateLimited"; "" ends it
  GoOffline()          as Fail("Unreachable"); a token that is held becomes unverified
  GoOnline()           the end of that
  AddHomeUser(s title, s pin) -> s uuid
                       somebody more in the Plex Home; pin is empty or 4 digits

The mock checks no permissions, keeps nothing over a restart, and counts no wrong
PINs of home users: for those use Fail.
'''

__author__ = 'Retune'
__copyright__ = '(c) the plexauthd authors'
# SPDX-License-Identifier: Apache-2.0

import base64
import time

import dbus

from dbusmock import MOCK_IFACE

BUS_NAME = 'tv.retune.PlexAuth1'
MAIN_OBJ = '/tv/retune/PlexAuth1'
MAIN_IFACE = 'tv.retune.PlexAuth1'
CREDENTIALS = MAIN_IFACE + '.Credentials'
HOME = MAIN_IFACE + '.Home'
SYSTEM_BUS = True

LINK = 'https://plex.tv/link'
SERVER = 'mock-server'
PIXEL = base64.b64decode(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTjWugAAAABJRU5ErkJggg==')


def load(mock, _parameters):
    mock.plex_error, mock.pins = '', 0
    mock.user, mock.owner, mock.token, mock.home = None, None, '', []
    mock.AddProperties(MAIN_IFACE, dbus.Dictionary({
        'Authenticated': False, 'State': 'signed-out', 'Pin': no_pin(), 'AuthMode': 'legacy',
        'TokenExpiresAt': dbus.Int64(0), 'SelectedServer': no_server(), 'Version': '0.1.0-mock',
    }, signature='sv'))


def no_pin():
    return pin_struct(0, '', '', '', 0)


def pin_struct(number, code, link, uri, expires):
    return dbus.Struct((dbus.UInt64(number), code, link, uri, dbus.Int64(expires)), signature='tsssx')


def no_server():
    return dbus.Struct(('', ''), signature='ss')


def error(code, text):
    return dbus.exceptions.DBusException(text, name=MAIN_IFACE + '.Error.' + code)


def prop(mock, name):
    return mock.Get(MAIN_IFACE, name)


def ask_plex(mock):
    if mock.plex_error:
        raise error(mock.plex_error, 'plex.tv: ' + mock.plex_error)


def need_owner(mock):
    if mock.user is None:
        raise error('AuthRequired', 'nobody is signed in')


def need_unlocked(mock):
    need_owner(mock)
    if prop(mock, 'State') == 'locked':
        raise error('UserLocked', 'the home user has to enter the PIN again')


def need_user(mock):
    need_unlocked(mock)
    if prop(mock, 'State') == 'expired':
        raise error('AuthInvalid', 'plex.tv refused the token')


def change(mock, reason='', **properties):
    '''One PropertiesChanged with all that has changed, then AuthChanged.'''
    changed = {name: value for name, value in properties.items() if prop(mock, name) != value}
    if changed:  # not UpdateProperties: it does not know structs
        mock.props[MAIN_IFACE].update(changed)
        mock.EmitSignal(dbus.PROPERTIES_IFACE, 'PropertiesChanged', 'sa{sv}as', [
            MAIN_IFACE, variants(changed), dbus.Array([], signature='s')])
    if reason:
        details = dbus.Dictionary({'reason': dbus.String(reason, variant_level=1)}, signature='sv')
        mock.EmitSignal(MAIN_IFACE, 'AuthChanged', 'ba{sv}', [prop(mock, 'Authenticated'), details])


def end_pin(mock, result, reason='', **properties):
    number = prop(mock, 'Pin')[0]
    if not number:
        raise error('NotFound', 'no pairing is under way')
    if prop(mock, 'State') == 'pairing':
        properties.setdefault('State', 'signed-out')
    change(mock, reason, Pin=no_pin(), **properties)
    mock.EmitSignal(MAIN_IFACE, 'PinEnded', 'ts', [number, result])


def pin_of(mock, number):
    pin = prop(mock, 'Pin')
    if not number or pin[0] != number:
        raise error('NotFound', 'there is no such pairing')
    return pin


def person(title, **more):
    uuid = ''.join('%02x' % byte for byte in title.encode())[:16].ljust(16, '0')
    return dict({'uuid': uuid, 'title': title, 'pin': '', 'admin': False, 'restricted': True}, **more)


def sign_in(mock, user, token):
    mock.owner = mock.user = user
    mock.home, mock.token = [user], token


def forget(mock):
    if mock.user is None:
        return
    mock.user = mock.owner = None
    mock.token, mock.home = '', []
    state = 'pairing' if prop(mock, 'Pin')[0] else 'signed-out'
    change(mock, 'signed-out', Authenticated=False, State=state, SelectedServer=no_server())


def headers(mock):
    values = {'Accept': 'application/json', 'X-Plex-Client-Identifier': 'mock', 'X-Plex-Product': 'mock'}
    if mock.token:
        values['X-Plex-Token'] = mock.token
    return dbus.Dictionary(values, signature='ss')


def variants(values):
    return dbus.Dictionary(values, signature='sv')


# What a test does.

@dbus.service.method(MOCK_IFACE, in_signature='s')
def Claim(self, title):
    if not prop(self, 'Pin')[0]:
        raise error('NotFound', 'no pairing is under way')
    sign_in(self, person(str(title), admin=True, restricted=False), 'mock-token-%d' % self.pins)
    end_pin(self, 'claimed', 'signed-in', Authenticated=True, State='signed-in', SelectedServer=no_server())


@dbus.service.method(MOCK_IFACE)
def Expire(self):
    end_pin(self, 'expired')


@dbus.service.method(MOCK_IFACE)
def Revoke(self):
    need_user(self)
    change(self, 'revoked', Authenticated=False, State='expired')


@dbus.service.method(MOCK_IFACE)
def Lock(self):
    need_user(self)
    change(self, 'user-locked', Authenticated=False, State='locked')


@dbus.service.method(MOCK_IFACE, in_signature='s')
def Fail(self, code):
    self.plex_error = str(code)


@dbus.service.method(MOCK_IFACE)
def GoOffline(self):
    self.plex_error = 'Unreachable'
    if prop(self, 'State') == 'signed-in':
        change(self, State='unverified')


@dbus.service.method(MOCK_IFACE)
def GoOnline(self):
    self.plex_error = ''
    if prop(self, 'State') == 'unverified':
        change(self, State='signed-in')


@dbus.service.method(MOCK_IFACE, in_signature='ss', out_signature='s')
def AddHomeUser(self, title, pin):
    need_user(self)
    self.home.append(person(str(title), pin=str(pin)))
    return self.home[-1]['uuid']


# tv.retune.PlexAuth1

@dbus.service.method(MAIN_IFACE, out_signature='tsssx')
def RequestPin(self):
    return begin(self, strong=False, force=False)


@dbus.service.method(MAIN_IFACE, in_signature='a{sv}', out_signature='tsssx')
def RequestPinWithOptions(self, options):
    known = {'strong', 'force'}
    if set(options) - known:
        raise dbus.exceptions.DBusException('unknown option', name='org.freedesktop.DBus.Error.InvalidArgs')
    return begin(self, options.get('strong', False), options.get('force', False))


def begin(mock, strong, force):
    if prop(mock, 'Pin')[0]:
        if not force:
            return prop(mock, 'Pin')
        end_pin(mock, 'cancelled')
    ask_plex(mock)
    mock.pins += 1
    code = 'mock%021d' % mock.pins if strong else 'M%03d' % mock.pins
    pin = pin_struct(1000 + mock.pins, code, LINK, LINK + '/?pin=' + code, int(time.time()) + 300)
    change(mock, Pin=pin, **({} if mock.user else {'State': 'pairing'}))
    return pin


@dbus.service.method(MAIN_IFACE, in_signature='t', out_signature='bx')
def CheckPinStatus(self, number):
    pin = pin_of(self, number)
    ask_plex(self)
    return False, pin[4]


@dbus.service.method(MAIN_IFACE, in_signature='t')
def CancelPin(self, number):
    pin_of(self, number)
    end_pin(self, 'cancelled')


@dbus.service.method(MAIN_IFACE, in_signature='su', out_signature='ay')
def GetPinQR(self, image_format, _scale):
    if not prop(self, 'Pin')[0]:
        raise error('NotFound', 'no pairing is under way')
    if image_format == 'png':
        return dbus.ByteArray(PIXEL)
    return dbus.ByteArray(b'<svg xmlns="http://www.w3.org/2000/svg"/>')


@dbus.service.method(MAIN_IFACE, out_signature='a{sv}')
def GetPlexEndpoint(self):
    return variants({'url': 'https://plex.tv', 'proxy': '', 'proxy_user': False})


@dbus.service.method(MAIN_IFACE, out_signature='b')
def Validate(self):
    if self.user is None:
        raise error('AuthRequired', 'nobody is signed in')
    ask_plex(self)
    return prop(self, 'Authenticated')


# tv.retune.PlexAuth1.Credentials

@dbus.service.method(CREDENTIALS, out_signature='s')
def GetToken(self):
    need_user(self)
    return self.token


@dbus.service.method(CREDENTIALS, out_signature='a{sv}')
def GetCurrentUser(self):
    if self.user is None:
        return variants({})
    name = self.user['title']
    return variants({
        'id': '1', 'uuid': self.user['uuid'], 'username': name.lower(), 'title': name, 'email': '', 'thumb': '',
        'home_admin': self.user['admin'], 'restricted': self.user['restricted']})


@dbus.service.method(CREDENTIALS, out_signature='a{ss}')
def GetAuthHeaders(self):
    return headers(self)


@dbus.service.method(CREDENTIALS, out_signature='a{sv}')
def GetStoredCredentials(self):
    if self.user is None:
        return variants({})
    server = prop(self, 'SelectedServer')
    return variants({
        'token': self.token, 'user_id': '1', 'username': self.user['title'].lower(), 'email': '', 'thumb': '',
        'issued_at': dbus.Int64(0), 'expires_at': dbus.Int64(0),
        'selected_server_id': server[0], 'selected_server_uri': server[1]})


@dbus.service.method(CREDENTIALS, in_signature='a{sv}')
def StoreCredentials(self, credentials):
    if not credentials.get('token'):
        raise dbus.exceptions.DBusException('token is missing', name='org.freedesktop.DBus.Error.InvalidArgs')
    ask_plex(self)
    title = str(credentials.get('username') or 'mock')
    sign_in(self, person(title, admin=True, restricted=False), str(credentials['token']))
    change(self, 'signed-in', Authenticated=True, State='signed-in')


@dbus.service.method(CREDENTIALS, in_signature='s', out_signature='b')
def ValidateToken(self, token):
    ask_plex(self)
    return bool(self.token) and token == self.token and prop(self, 'Authenticated')


@dbus.service.method(CREDENTIALS)
def ClearCredentials(self):
    forget(self)


@dbus.service.method(CREDENTIALS, out_signature='b')
def SignOut(self):
    held = self.user is not None
    forget(self)
    return held and not self.plex_error


@dbus.service.method(CREDENTIALS, in_signature='ss')
def SelectServer(self, machine_id, uri):
    need_user(self)
    change(self, SelectedServer=dbus.Struct((machine_id, uri), signature='ss'))


@dbus.service.method(CREDENTIALS, out_signature='aa{sv}')
def ListServers(self):
    need_unlocked(self)
    return [variants({
        'machine_id': SERVER, 'name': 'Mock', 'owned': True, 'presence': True,
        'uris': dbus.Array(['http://127.0.0.1:32400'], signature='s')})]


@dbus.service.method(CREDENTIALS, in_signature='s', out_signature='a{ss}')
def GetServerHeaders(self, machine_id):
    need_unlocked(self)
    if machine_id != SERVER:
        raise error('NotFound', 'there is no such media server')
    return headers(self)


@dbus.service.method(CREDENTIALS, in_signature='s', out_signature='a{ss}')
def RenewServerHeaders(self, machine_id):
    need_user(self)
    ask_plex(self)
    if machine_id != SERVER:
        raise error('NotFound', 'there is no such media server')
    return headers(self)


# tv.retune.PlexAuth1.Home

@dbus.service.method(HOME, out_signature='aa{sv}')
def ListUsers(self):
    need_owner(self)
    ask_plex(self)
    return dbus.Array([variants({
        'uuid': user['uuid'], 'title': user['title'], 'thumb': '', 'admin': user['admin'], 'guest': False,
        'restricted': user['restricted'], 'protected': bool(user['pin'])}) for user in self.home], signature='a{sv}')


@dbus.service.method(HOME, in_signature='ss')
def SwitchUser(self, uuid, pin):
    need_owner(self)
    ask_plex(self)
    found = [user for user in self.home if user['uuid'] == uuid]
    if not found:
        raise error('NotFound', 'there is no such home user')
    if found[0]['pin'] != pin:
        raise error('PinRejected', 'the PIN is wrong or missing')
    self.user = found[0]
    change(self, 'user-switched', Authenticated=True, State='signed-in', SelectedServer=no_server())
