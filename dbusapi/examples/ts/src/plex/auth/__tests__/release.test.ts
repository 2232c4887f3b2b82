// SPDX-License-Identifier: Apache-2.0
// A plexauthd of another release: played here, on a real bus.
import { createClient, defineInterface, Variant, type MessageBus } from 'dbus-native';

import { AppErrorCode } from '../index';
import { Box, rejection, until } from './box';

const NAME = 'tv.retune.PlexAuth1';
const PATH = '/tv/retune/PlexAuth1';

/** Answers first and sends its signals afterwards, as the last release does. */
class Played {
    public authenticated = true;
    public state = 'signed-in';
    public error = '';
    private readonly _bus: MessageBus;

    public constructor(address: string) {
        this._bus = createClient({ busAddress: address });
    }

    public async start(): Promise<void> {
        await this._bus.export(PATH, defineInterface({ name: NAME, properties: {
            Authenticated: { type: 'b', access: 'read', get: () => this.authenticated },
            State: { type: 's', access: 'read', get: () => this.state },
        } }));
        await this._bus.export(PATH, defineInterface({ name: NAME + '.Credentials', methods: {
            GetStoredCredentials: { out: { all: 'a{sv}' }, handler: () => this._credentials() },
            GetCurrentUser: { out: { all: 'a{sv}' }, handler: () => ({ title: new Variant('s', 'Ada'), more: new Variant('t', 1n) }) },
            GetAuthHeaders: { out: { all: 'a{ss}' }, handler: () => ({ 'X-Plex-Token': 'secret' }) },
            ClearCredentials: { handler: () => this._clear() },
            ListServers: { out: { all: 'aa{sv}' }, handler: () => this._fail() },
        } }));
        await this._bus.ownName(NAME);
    }

    public stop(): Promise<void> {
        return this._bus.close();
    }

    public say(state: string): void {
        this.state = state;
        this._bus.sendSignal(PATH, NAME, 'AuthChanged', 'ba{sv}', [this.authenticated, {}]);
    }

    private _credentials(): Record<string, Variant> {
        return this.authenticated ? { token: new Variant('s', 'secret'), user_id: new Variant('s', '1') } : {};
    }

    private _clear(): void {
        this.authenticated = false;
        setTimeout(() => this.say('signed-out'), 50);
    }

    private _fail(): never {
        throw Object.assign(new Error('no'), { dbusName: this.error });
    }
}

let box: Box;
let played: Played;
beforeEach(async () => {
    box = await Box.start();
    await box.killDaemon();
    played = new Played(box.address);
    await played.start();
});
afterEach(async () => {
    await played.stop();
    await box.stop();
});

test('what was cleared is cleared, though signals come after the answer', async () => {
    const plex = await box.connect();
    const told: boolean[] = [];
    plex.on('authChange', (isAuthenticated) => told.push(isAuthenticated));
    expect([plex.isAuthenticated(), plex.user]).toMatchObject([true, { title: 'Ada', uuid: '' }]);
    await plex.clearCredentials();
    expect([plex.isAuthenticated(), plex.getCurrentUser(), plex.getAuthHeaders()]).toEqual([false, null, {}]);
    await until(plex, (now) => now.state === 'signed-out'); // the signal has come too
    expect(told).toEqual([false]);
});

test('a state of a later release is not for now, and one of this release is what it is', async () => {
    const plex = await box.connect();
    played.say('frobnicating');
    expect(await until(plex, (now) => now.state !== 'signed-in')).toMatchObject({ state: 'not-now', isAuthenticated: true });
    played.authenticated = false;
    played.say('locked');
    expect(await until(plex, (now) => now.state !== 'not-now')).toMatchObject({ state: 'locked', isAuthenticated: false });
});

test('an error of a later release fails that call, and a missing method is told', async () => {
    const plex = await box.connect();
    const names: [string, AppErrorCode][] = [
        ['tv.retune.PlexAuth1.Error.Forbidden', AppErrorCode.FORBIDDEN],
        ['tv.retune.PlexAuth1.Error.UserLocked', AppErrorCode.USER_LOCKED],
        ['tv.retune.PlexAuth1.Error.NoServerToken', AppErrorCode.NO_SERVER_TOKEN],
        ['tv.retune.PlexAuth1.Error.Frobnicated', AppErrorCode.UNKNOWN],
    ];
    for (const [name, code] of names) {
        played.error = name;
        expect(await rejection(plex.servers())).toMatchObject({ name: 'PlexApiError', code, dbusName: name });
    }
    expect(await rejection(plex.renewServerHeaders('attic'))).toMatchObject({ code: AppErrorCode.UNSUPPORTED });
    expect(plex.isAuthenticated()).toBe(true);
});
