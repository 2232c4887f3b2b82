// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';

import { AppErrorCode, type IDisposable, type PlexAuthSnapshot } from '../index';
import { Box } from './box';

let box: Box;
beforeEach(async () => { box = await Box.start(); });
afterEach(() => box.stop());

test('a handler that throws hurts nobody else, and is reported', async () => {
    const reported: unknown[] = [];
    const plex = await box.connect({ onHandlerError: (error) => { reported.push(error); throw new Error('again'); } });
    const told: boolean[] = [];
    plex.on('authChange', () => { throw new Error('at once'); });
    plex.on('authChange', () => Promise.reject(new Error('later')));
    plex.on('authChange', (isAuthenticated) => told.push(isAuthenticated));
    await box.signIn(plex);
    expect(told).toEqual([true]);
    expect(reported).toEqual([new Error('at once'), new Error('later')]);
});

test('handlers end themselves, each other, and everything', async () => {
    const plex = await box.connect();
    const told: string[] = [];
    const ends: IDisposable[] = [];
    const watched = collect(plex.watch());
    ends.push(plex.on('pinChange', () => { told.push('once'); ends.forEach((each) => each.dispose()); }));
    ends.push(plex.on('pinChange', () => told.push('never')));
    plex.on('pinChange', (pin) => { told.push(pin === null ? 'none' : 'pin'); });
    const pin = await plex.requestPin();
    await plex.cancelPin(pin.id);
    expect(told).toEqual(['once', 'pin', 'none']);

    plex.on('pinChange', () => plex.dispose());
    await expect(plex.requestPin()).resolves.toMatchObject({ id: expect.any(Number) });
    await expect(plex.requestPin()).rejects.toMatchObject({ code: AppErrorCode.DISPOSED });
    expect((await watched).length).toBeGreaterThan(0);
    expect(() => plex.on('pinChange', () => undefined)).toThrow('disposed');
    expect(await collect(plex.watch())).toEqual([]);
});

test('watch begins with what is, and gives the newest to who is slow', async () => {
    const plex = await box.connect();
    const slow = plex.watch();
    const pin = await plex.requestPin();
    const [first, second] = [await slow.next(), slow.next()];
    expect(first.value).toMatchObject({ available: true, state: 'pairing', pin: { id: pin.id } });
    await plex.cancelPin(pin.id);
    expect((await second).value).toMatchObject({ state: 'signed-out', pin: null });
    const waiting = slow.next();
    await (slow.return as () => Promise<unknown>)();
    expect([await waiting, await slow.next()]).toEqual([{ done: true, value: undefined }, { done: true, value: undefined }]);
});

test('signals of others are nobody’s', async () => {
    const plex = await box.connect();
    await box.signIn(plex);
    const told: unknown[] = [];
    plex.on('authChange', (isAuthenticated) => told.push(isAuthenticated));
    plex.on('pinEnded', (result) => told.push(result));
    plex.on('availabilityChange', (available) => told.push(available));
    const read = jest.spyOn((plex as unknown as { _live: { refresh: () => unknown } })._live, 'refresh');
    for (const destination of [undefined, ...connections(box.address)]) {
        forge(box.address, destination, 'tv.retune.PlexAuth1.AuthChanged', 'boolean:false', 'dict:string:string:reason,revoked');
        forge(box.address, destination, 'tv.retune.PlexAuth1.PinEnded', 'uint64:1', 'string:claimed');
        forge(box.address, destination, 'org.freedesktop.DBus.NameOwnerChanged', 'string:tv.retune.PlexAuth1', 'string::1.1', 'string:');
    }
    await plex.validateToken('someToken'); // answered after all of those came
    expect([told, read.mock.calls.length, plex.isAuthenticated()]).toEqual([[], 0, true]);
    await plex.clearCredentials();
    expect(told).toEqual([false]);
});

async function collect(stream: AsyncIterable<PlexAuthSnapshot>): Promise<PlexAuthSnapshot[]> {
    const all: PlexAuthSnapshot[] = [];
    for await (const snapshot of stream) {
        all.push(snapshot);
    }
    return all;
}

function forge(bus: string, destination: string | undefined, name: string, ...values: string[]): void {
    const to = destination === undefined ? [] : ['--dest=' + destination];
    execFileSync('dbus-send', ['--bus=' + bus, '--type=signal', ...to, '/tv/retune/PlexAuth1', name, ...values]);
}

/** All connections: a signal to one of them needs no match. */
function connections(bus: string): string[] {
    const names = execFileSync('dbus-send', [
        '--bus=' + bus, '--print-reply', '--dest=org.freedesktop.DBus', '/', 'org.freedesktop.DBus.ListNames',
    ]).toString();
    return names.match(/:1\.\d+/g) || [];
}
