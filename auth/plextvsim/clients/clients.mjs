// SPDX-License-Identifier: Apache-2.0

// Signs in at the simulator with clients from npm. Called with the port of the
// media server.
import assert from 'node:assert/strict';
import { promisify } from 'node:util';
import credentials from 'plex-api-credentials';
import PlexAPI from 'plex-api';
import { MyPlexAccount, PlexServer } from '@ctrl/plex';

const port = Number(process.argv[2]);
const login = { username: 'sim-user', password: 'correct horse' };

// plex-api with its plug-in for passwords: who signs in, then a managed user.
for (const managedUser of [undefined, { name: 'kid' }]) {
	const plugin = credentials({ ...login, managedUser });
	const token = await promisify((api, done) => plugin.authenticate(api, done))(new PlexAPI({ hostname: '127.0.0.1', port, token: 'none' }));
	assert.match(token, /^.{20}$/);
	const answer = await new PlexAPI({ hostname: '127.0.0.1', port, token }).query('/');
	assert.equal(answer.MediaContainer.friendlyName, 'Living Room');
}
const wrong = credentials({ ...login, password: 'wrong' });
await assert.rejects(promisify((api, done) => wrong.authenticate(api, done))(new PlexAPI({ hostname: '127.0.0.1', port, token: 'none' })), /401/);

// @ctrl/plex: a password, resources, and the media server that they name.
const account = await new MyPlexAccount(undefined, login.username, login.password).connect();
assert.equal(account.username, login.username);
const [resource] = await account.resources();
assert.equal(resource.name, 'Living Room');
const server = new PlexServer(`http://127.0.0.1:${port}`, resource.accessToken);
await server.connect();
assert.equal(server.friendlyName, 'Living Room');
