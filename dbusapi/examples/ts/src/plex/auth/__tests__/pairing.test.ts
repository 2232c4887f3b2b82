// SPDX-License-Identifier: Apache-2.0
import { AppErrorCode, PLEX_AUTH_CONSTANTS } from '../index';
import { Box, rejection, until } from './box';

let box: Box;
beforeEach(async () => { box = await Box.start(); });
afterEach(() => box.stop());

test('a code is shown, claimed, and the three answer at once', async () => {
    const plex = await box.connect();
    const told: boolean[] = [];
    plex.on('authChange', (isAuthenticated) => {
        told.push(isAuthenticated);
        // What the handler reads is what it is told.
        expect(plex.isAuthenticated()).toBe(isAuthenticated);
        expect(plex.getCurrentUser() !== null).toBe(isAuthenticated);
    });
    expect([plex.isAuthenticated(), plex.getCurrentUser(), plex.state]).toEqual([false, null, 'signed-out']);
    const headers = plex.getAuthHeaders();
    expect(headers['X-Plex-Token']).toBeUndefined();

    const pin = await plex.requestPin();
    expect(pin).toEqual({
        id: expect.any(Number), code: expect.stringMatching(/^[0-9A-Z]{4}$/), expiresAt: expect.any(Date),
        authToken: null, clientIdentifier: headers['X-Plex-Client-Identifier'],
    });
    expect(plex.pin).toMatchObject({ id: pin.id, code: pin.code, linkUri: 'https://plex.tv/link' });
    expect(plex.state).toBe('pairing');
    await box.claim(pin.code);

    const claimed = await plex.pollForPin(pin.id);
    const user = plex.getCurrentUser();
    expect(user).toMatchObject({ token: claimed.authToken, username: 'Ada', issuedAt: expect.any(Date) });
    expect(plex.getAuthHeaders()['X-Plex-Token']).toBe(claimed.authToken);
    expect([plex.isAuthenticated(), plex.state, plex.pin]).toEqual([true, 'signed-in', null]);
    expect(JSON.stringify(plex.snapshot)).not.toContain(claimed.authToken);
    expect(await plex.checkPinStatus(pin.id)).toMatchObject({ id: pin.id, code: pin.code, authToken: claimed.authToken });

    await plex.clearCredentials();
    expect([plex.isAuthenticated(), plex.getCurrentUser()]).toEqual([false, null]);
    expect(plex.getAuthHeaders()['X-Plex-Token']).toBeUndefined();
    expect(told).toEqual([true, false]);
});

test('pollForPin asks plexauthd nothing while it waits', async () => {
    const plex = await box.connect();
    const pin = await plex.requestPin();
    const asked = jest.spyOn(plex, 'checkPinStatus');
    const outcome = plex.pollForPin(pin.id);
    await box.sim('fail?endpoint=pins.check&status=503&times=3');
    await plex.validateToken('somebody-elses'); // as good as a pause
    expect(asked).not.toHaveBeenCalled();
    await box.claim(pin.code);
    expect((await outcome).authToken).not.toBeNull();
    expect(asked).toHaveBeenCalledTimes(1);
});

test('a pairing that ends otherwise says how', async () => {
    const plex = await box.connect();
    const ended: unknown[] = [];
    plex.on('pinEnded', (result) => ended.push(result));
    const cancelled = await plex.requestPin();
    const first = rejection(plex.pollForPin(cancelled.id));
    await plex.cancelPin(cancelled.id);
    expect(await first).toMatchObject({ name: 'PlexApiError', code: AppErrorCode.PIN_CANCELLED });
    await plex.cancelPin(cancelled.id); // again is no error

    const expired = await plex.requestPin();
    const second = rejection(plex.pollForPin(expired.id));
    await box.sim('expire?code=' + expired.code);
    expect(await second).toMatchObject({ name: 'PlexApiError', code: AppErrorCode.PIN_EXPIRED });
    expect(ended).toEqual([{ id: cancelled.id, result: 'cancelled' }, { id: expired.id, result: 'expired' }]);
    expect(await rejection(plex.pollForPin(4711))).toMatchObject({ code: AppErrorCode.RESOURCE_NOT_FOUND });
    expect(await rejection(plex.pollForPin(0.5))).toMatchObject({ code: AppErrorCode.INVALID_ARGUMENT });
});

test('a strong code, and the QR code of a pairing', async () => {
    const plex = await box.connect();
    const short = await plex.requestPin();
    expect((await plex.requestPin()).id).toBe(short.id);
    const strong = await plex.requestPin({ strong: true, force: true });
    expect(strong.id).not.toBe(short.id);
    expect(strong.code.length).toBeGreaterThan(4);
    const png = await plex.pinQR('png', 2);
    expect(Buffer.from(png.subarray(1, 4)).toString()).toBe('PNG');
    expect(Buffer.from(await plex.pinQR('svg')).toString()).toContain('<svg');
});

test('two in one process see the same', async () => {
    const [one, other] = [await box.connect(), await box.connect()];
    const pin = await one.requestPin();
    expect((await until(other, (now) => now.pin !== null)).pin).toMatchObject({ id: pin.id });
    await box.claim(pin.code);
    await Promise.all([until(one, (now) => now.isAuthenticated), until(other, (now) => now.isAuthenticated)]);
    expect(one.getCurrentUser()).toEqual(other.getCurrentUser());
    one.dispose();
    await other.clearCredentials();
    expect(other.isAuthenticated()).toBe(false);
});

test('the constants name plexauthd', () => {
    expect(PLEX_AUTH_CONSTANTS).toMatchObject({ BUS_NAME: 'tv.retune.PlexAuth1', STORAGE_KEY: 'retune_plex_auth' });
});
