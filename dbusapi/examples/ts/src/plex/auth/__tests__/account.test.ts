// SPDX-License-Identifier: Apache-2.0
import { AppErrorCode, type PlexAuthData } from '../index';
import { Box, rejection, until } from './box';

let box: Box;
beforeEach(async () => { box = await Box.start(); });
afterEach(() => box.stop());

test('stored credentials come back as they were given', async () => {
    const plex = await box.connect();
    expect(await plex.getStoredCredentials()).toBeNull();
    await box.signIn(plex);
    const stored = await plex.getStoredCredentials() as PlexAuthData;
    expect(stored.token).toEqual(plex.getCurrentUser());
    expect(stored.token.issuedAt).toBeInstanceOf(Date);
    expect(JSON.parse(JSON.stringify(stored))).toMatchObject({ token: { username: 'Ada' }, selectedServerId: null });
    expect(await plex.validateToken(stored.token.token)).toBe(true);
    expect(await plex.validate()).toBe(true);

    await plex.clearCredentials();
    const expiresAt = new Date('2030-01-01T00:00:00Z');
    await plex.storeCredentials({ ...stored, token: { ...stored.token, expiresAt }, selectedServerId: 'attic', selectedServerUri: 'http://attic:32400' });
    expect(plex.getCurrentUser()).toEqual({ ...stored.token, expiresAt });
    expect(plex.selectedServer).toEqual({ machineId: 'attic', uri: 'http://attic:32400' });
    await plex.selectServer('', '');
    expect(plex.selectedServer).toBeNull();
    expect(await plex.signOut()).toBe(true);
    expect(await plex.validateToken('otherToken')).toBe(false);
    expect(plex.isAuthenticated()).toBe(false);
});

test('home users take turns', async () => {
    const plex = await box.connect();
    await box.signIn(plex);
    await box.sim('home-user?user=Bea&pin=2468');
    const users = await plex.users();
    const bea = users.find((user) => user.title === 'Bea');
    expect(bea).toMatchObject({ protected: true, admin: false, uuid: expect.any(String) });
    const uuid = bea === undefined ? '' : bea.uuid;
    expect(await rejection(plex.switchUser(uuid, '0000'))).toMatchObject({ code: AppErrorCode.PIN_REJECTED });
    const told: boolean[] = [];
    plex.on('authChange', (isAuthenticated) => told.push(isAuthenticated));
    await plex.switchUser(uuid, '2468');
    expect(plex.user).toMatchObject({ uuid, title: 'Bea' });
    expect(told).toEqual([true]);
    expect(await rejection(plex.switchUser('nobody'))).toMatchObject({ code: AppErrorCode.RESOURCE_NOT_FOUND });
});

test('media servers and what they take', async () => {
    const plex = await box.connect();
    expect(await rejection(plex.servers())).toMatchObject({ code: AppErrorCode.AUTH_REQUIRED });
    await box.signIn(plex);
    const [server] = await plex.servers();
    expect(server).toMatchObject({ machineId: expect.any(String), owned: true, uris: [expect.stringMatching(/^http/)] });
    const machineId = server === undefined ? '' : server.machineId;
    expect((await plex.serverHeaders(machineId))['X-Plex-Token']).toEqual(expect.any(String));
    expect((await plex.renewServerHeaders(machineId))['X-Plex-Token']).toEqual(expect.any(String));
    expect(await rejection(plex.serverHeaders('nowhere'))).toMatchObject({ code: AppErrorCode.RESOURCE_NOT_FOUND });
});

test('a failure of plex.tv is that, and no sign-out', async () => {
    const plex = await box.connect();
    await box.signIn(plex);
    const token = plex.getAuthHeaders()['X-Plex-Token'];
    expect(await rejection(plex.storeCredentials({
        token: { token: 'bad', userId: '', username: '', email: '', thumb: '', expiresAt: null, issuedAt: new Date(0) },
        selectedServerId: null, selectedServerUri: null,
    }))).toMatchObject({ code: AppErrorCode.AUTH_INVALID, retryable: false });
    const faults: [string, AppErrorCode][] = [
        ['status=503', AppErrorCode.SERVER_UNREACHABLE],
        ['reset=1', AppErrorCode.NETWORK_ERROR],
        ['captive-portal=1', AppErrorCode.PARSE_ERROR],
        ['status=429&retry-after=600', AppErrorCode.RATE_LIMITED],
    ];
    for (const [fault, code] of faults) {
        await box.sim('fail?' + fault);
        expect(await rejection(plex.validateToken('token' + code))).toMatchObject({ name: 'PlexApiError', code, retryable: true });
        await box.sim('clear');
    }
    expect([plex.isAuthenticated(), plex.getAuthHeaders()['X-Plex-Token']]).toEqual([true, token]);
});

test('what is handed out can be changed by whoever got it', async () => {
    const plex = await box.connect();
    await box.signIn(plex);
    const [user, headers] = [plex.getCurrentUser(), plex.getAuthHeaders()];
    Object.assign(user as object, { token: 'x' });
    Object.assign(headers, { 'X-Plex-Token': 'x' });
    expect(plex.getCurrentUser()).not.toMatchObject({ token: 'x' });
    expect(plex.getAuthHeaders()['X-Plex-Token']).not.toBe('x');
    expect(await until(plex, (now) => now.isAuthenticated)).toMatchObject({ user: { title: 'Ada' } });
});
