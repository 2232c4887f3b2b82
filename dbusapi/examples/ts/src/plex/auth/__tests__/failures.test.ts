// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

import { AppErrorCode, PlexApiError, PlexAuth } from '../index';
import { Box, rejection } from './box';

let box: Box;
beforeEach(async () => { box = await Box.start(); });
afterEach(() => box.stop());

test('no bus, no plexauthd, no address: a typed error each', async () => {
    const [bus, daemon] = [AppErrorCode.BUS_UNAVAILABLE, AppErrorCode.DAEMON_UNAVAILABLE];
    for (const address of ['unix:path=/nowhere', 'unix:abstract=plexauth-nowhere', 'nonsense', 'tcp:host=127.0.0.1,port=1', '']) {
        expect(await rejection(PlexAuth.connect({ bus: address || ';' }))).toMatchObject({ name: 'PlexApiError', code: bus, retryable: true });
    }
    await box.killDaemon();
    const error = await rejection(PlexAuth.connect({ bus: box.address }));
    expect(error).toBeInstanceOf(PlexApiError);
    expect(error).toMatchObject({ code: daemon, retryable: true, dbusName: 'org.freedesktop.DBus.Error.ServiceUnknown' });
});

test('who is not in the group is told so', async () => {
    await box.killBus();
    await box.killDaemon();
    // What the system's policy says of people outside the group: properties, and no methods of plexauthd.
    await box.startBus('<deny send_destination="tv.retune.PlexAuth1" send_interface="tv.retune.PlexAuth1.Credentials"/>');
    const connecting = rejection(box.startDaemon());
    expect(await connecting).toMatchObject({ name: 'PlexApiError', code: AppErrorCode.ACCESS_DENIED, retryable: false });
    expect(await rejection(box.connect())).toMatchObject({ dbusName: 'org.freedesktop.DBus.Error.AccessDenied' });
});

test('a call under way at dispose rejects, and so does every later one', async () => {
    const plex = await box.connect();
    const pin = await plex.requestPin();
    await box.sim('fail?delay=5s');
    const calls = [plex.validateToken('someToken'), plex.checkPinStatus(pin.id), plex.pollForPin(pin.id), plex.clearCredentials()];
    const errors = Promise.all(calls.map(rejection));
    plex.dispose();
    plex.dispose();
    for (const error of await errors) {
        expect(error).toMatchObject({ name: 'PlexApiError', code: AppErrorCode.DISPOSED });
    }
    expect(await rejection(plex.requestPin())).toMatchObject({ code: AppErrorCode.DISPOSED });
});

test('what cannot be sent is refused here', async () => {
    const plex = await box.connect();
    for (const id of [1.5, NaN, -1, 2 ** 60]) {
        expect(await rejection(plex.checkPinStatus(id))).toMatchObject({ code: AppErrorCode.INVALID_ARGUMENT });
    }
    expect(await rejection(plex.validateToken('a\0b'))).toMatchObject({ code: AppErrorCode.INVALID_ARGUMENT });
    expect(await rejection(plex.validateToken(undefined as unknown as string))).toMatchObject({ code: AppErrorCode.INVALID_ARGUMENT });
    expect(await rejection(plex.pinQR('bmp' as 'png'))).toMatchObject({ code: AppErrorCode.INVALID_ARGUMENT });
    expect(plex.snapshot.available).toBe(true);
});

// A process of its own shows what is left open, and rejections that nobody handles.
test('nothing keeps Node from ending, and no rejection is left', async () => {
    for (const how of ['no-bus', 'disposed', 'disposed-in-call', 'no-daemon']) {
        if (how === 'no-daemon') {
            await box.killDaemon();
        }
        const program = resolve(__dirname, 'ending.cjs');
        const index = resolve(__dirname, '../../../../dist/index.js');
        const { stdout } = await promisify(execFile)(process.execPath, [program, index, how, box.address], { timeout: 60000 });
        expect(stdout).toBe('ended\n');
    }
});
