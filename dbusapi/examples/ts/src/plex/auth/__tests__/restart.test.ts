// SPDX-License-Identifier: Apache-2.0
import { PlexAuth } from '../index';
import { Box, until } from './box';

let box: Box;
beforeEach(async () => { box = await Box.start(); });
afterEach(() => box.stop());

test('it is back after 100 of 100 kills of plexauthd, and the user stays', async () => {
    const plex = await box.connect();
    await box.signIn(plex);
    const told: boolean[] = [];
    plex.on('authChange', (isAuthenticated) => told.push(isAuthenticated));
    for (let kill = 0; kill < 100; kill++) {
        if (kill % 2 === 0) {
            void plex.servers().catch(() => undefined); // a call under way
        }
        await box.killDaemon();
        const gone = await until(plex, (now) => !now.available);
        expect(gone).toMatchObject({ state: 'unavailable', isAuthenticated: true, user: { title: 'Ada' } });
        await box.startDaemon();
        await until(plex, (now) => now.available && now.isAuthenticated);
        expect(plex.getCurrentUser()).toMatchObject({ username: 'Ada' });
    }
    expect(told).toEqual([]);
}, 600000);

test('a code is claimed over kills of plexauthd', async () => {
    const plex = await box.connect();
    for (let kill = 0; kill < 10; kill++) {
        const pin = await plex.requestPin();
        const claimed = plex.pollForPin(pin.id);
        await box.killDaemon();
        await box.claim(pin.code);
        await box.startDaemon();
        expect((await claimed).authToken).toBe((await plex.getStoredCredentials() as { token: { token: string } }).token.token);
        await plex.clearCredentials();
    }
}, 600000);

test('what happened while plexauthd was away is told', async () => {
    const plex = await box.connect();
    await box.signIn(plex);
    const told: boolean[] = [];
    plex.on('authChange', (isAuthenticated) => told.push(isAuthenticated));
    box.signalDaemon('SIGSTOP');
    const cut = plex.clearCredentials().catch((error: unknown) => error);
    await box.killDaemon();
    expect(await cut).toMatchObject({ code: 'DAEMON_UNAVAILABLE', retryable: true });
    await until(plex, (now) => !now.available);
    await box.startDaemon();
    const other = await box.connect();
    await other.clearCredentials();
    await until(plex, (now) => !now.isAuthenticated);
    expect(told).toEqual([false]);
});

test('it is back after kills of the bus', async () => {
    const plex = await box.connect();
    await box.signIn(plex);
    for (let kill = 0; kill < 10; kill++) {
        await box.killBus();
        await until(plex, (now) => !now.available);
        await expect(plex.getStoredCredentials()).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE', retryable: true });
        expect(plex.isAuthenticated()).toBe(true);
        await box.killDaemon();
        await box.startBus();
        await box.startDaemon();
        await until(plex, (now) => now.available && now.isAuthenticated);
    }
}, 600000);

test('with patience, connect waits for bus and plexauthd', async () => {
    await box.killDaemon();
    await box.killBus();
    const connecting = PlexAuth.connect({ bus: box.address, waitForDaemon: true });
    await box.startBus();
    await box.startDaemon();
    const plex = await connecting;
    expect(plex.snapshot.available).toBe(true);
    plex.dispose();
});
