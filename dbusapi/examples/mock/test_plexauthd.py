# SPDX-License-Identifier: Apache-2.0
'''A frontend's own test, with plexauthd's mock. Run by "make frontend-test"; takes
the interface's XML as INTERFACE in the environment.'''
import os
import subprocess
import sys
import unittest
import xml.etree.ElementTree

import dbus
import dbusmock

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.path.join(HERE, '..', 'python')
sys.path.insert(0, PYTHON)

from plexauth import PlexAuthError  # noqa: E402
from plexauth.blocking import Client  # noqa: E402


class Frontend(dbusmock.DBusTestCase):
    @classmethod
    def setUpClass(cls):
        cls.start_system_bus()
        cls.system = cls.get_dbus(system_bus=True)

    def setUp(self):
        self.server, self.object = self.spawn_server_template(
            os.path.join(HERE, 'plexauthd.py'), {}, stdout=subprocess.DEVNULL)
        self.mock = dbus.Interface(self.object, dbusmock.MOCK_IFACE)
        self.plex = Client('system')

    def tearDown(self):
        self.plex.close()
        self.server.terminate()
        self.server.wait()

    def refused(self, code, call, *arguments):
        with self.assertRaises(PlexAuthError) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.code, code)

    def test_a_program_signs_in(self):
        program = subprocess.Popen([sys.executable, '-B', os.path.join(PYTHON, 'signin.py')],
                                   stdout=subprocess.PIPE, text=True)
        self.assertEqual(program.stdout.readline(), 'Go to https://plex.tv/link and enter M001\n')
        self.mock.Expire()
        self.assertEqual(program.stdout.readline(), 'Go to https://plex.tv/link and enter M002\n')
        self.mock.Claim('Ada')
        self.assertEqual(program.communicate(), ('Signed in as Ada\n', None))
        self.assertEqual(program.returncode, 0)

    def test_one_pairing_for_everybody(self):
        pin = self.plex.request_pin()
        self.assertEqual(self.plex.request_pin(), pin)
        self.assertEqual(self.plex.status().pin, pin)
        self.assertEqual(self.plex.status().state, 'pairing')
        self.assertTrue(self.plex.get_pin_qr('png', 8).startswith(b'\x89PNG'))
        self.assertNotEqual(self.plex.request_pin_with_options(force=True), pin)
        self.refused('NotFound', self.plex.cancel_pin, pin.id)
        self.plex.cancel_pin(self.plex.status().pin.id)
        self.assertEqual(self.plex.status().state, 'signed-out')

    def test_revoked(self):
        self.plex.request_pin()
        self.mock.Claim('Ada')
        self.assertTrue(self.plex.validate())
        self.mock.Revoke()
        self.assertEqual(self.plex.status()[:2], (False, 'expired'))
        self.refused('AuthInvalid', self.plex.token)
        self.plex.request_pin()
        self.mock.Claim('Ada')
        self.assertEqual(self.plex.status().state, 'signed-in')

    def test_offline(self):
        self.mock.GoOffline()
        self.refused('Unreachable', self.plex.request_pin)
        self.mock.Fail('RateLimited')
        self.refused('RateLimited', self.plex.request_pin)
        self.mock.GoOnline()
        self.plex.request_pin()
        self.mock.Claim('Ada')
        self.mock.GoOffline()
        self.assertEqual(self.plex.status()[:2], (True, 'unverified'))
        self.assertTrue(self.plex.token())
        self.mock.GoOnline()
        self.assertEqual(self.plex.status().state, 'signed-in')

    def test_home(self):
        self.plex.request_pin()
        self.mock.Claim('Ada')
        bea = self.mock.AddHomeUser('Bea', '2468')
        self.assertEqual([user['title'] for user in self.plex.list_users()], ['Ada', 'Bea'])
        self.refused('PinRejected', self.plex.switch_user, bea, '0000')
        self.plex.switch_user(bea, '2468')
        self.assertEqual(self.plex.current_user()['title'], 'Bea')

    def test_locked(self):
        self.plex.request_pin()
        self.mock.Claim('Ada')
        bea = self.mock.AddHomeUser('Bea', '2468')
        self.plex.switch_user(bea, '2468')
        self.mock.Lock()
        self.assertEqual(self.plex.status()[:2], (False, 'locked'))
        self.refused('UserLocked', self.plex.token)
        self.refused('UserLocked', self.plex.list_servers)
        self.assertEqual(len(self.plex.list_users()), 2)
        self.refused('PinRejected', self.plex.switch_user, bea, '0000')
        self.plex.switch_user(bea, '2468')
        self.assertEqual(self.plex.status()[:2], (True, 'signed-in'))

    def test_credentials(self):
        self.assertEqual(self.plex.current_user(), {})
        self.assertEqual(self.plex.stored_credentials(), {})
        self.refused('AuthRequired', self.plex.token)
        self.plex.store_credentials({'token': 'one', 'username': 'ada'})
        self.assertTrue(self.plex.validate_token('one'))
        self.assertEqual(self.plex.auth_headers()['X-Plex-Token'], 'one')
        server, = self.plex.list_servers()
        self.assertEqual(self.plex.get_server_headers(server['machine_id'])['X-Plex-Token'], 'one')
        self.assertEqual(self.plex.renew_server_headers(server['machine_id'])['X-Plex-Token'], 'one')
        self.plex.select_server(server['machine_id'], server['uris'][0])
        self.assertEqual(self.plex.status().selected_server, ('mock-server', server['uris'][0]))
        self.assertTrue(self.plex.sign_out())
        self.assertEqual(self.plex.status()[:3], (False, 'signed-out', None))
        self.assertIsNone(self.plex.status().selected_server)

    def test_has_every_member_as_the_daemon(self):
        mocked = members(dbus.Interface(self.object, dbus.INTROSPECTABLE_IFACE).Introspect())
        for name, types in members(os.environ['INTERFACE']).items():
            self.assertEqual(mocked.get(name), types, name)


def members(text):
    '''Methods and properties with their types.'''
    found = {}
    for interface in xml.etree.ElementTree.fromstring(text).findall('interface'):
        for method in interface.findall('method'):
            types = [(arg.get('direction', 'in'), arg.get('type')) for arg in method.findall('arg')]
            found[interface.get('name'), method.get('name')] = [
                ''.join(kind for way, kind in types if way == direction) for direction in ('in', 'out')]
        for prop in interface.findall('property'):
            found[interface.get('name'), prop.get('name')] = prop.get('type')
    return found


if __name__ == '__main__':
    unittest.main()
