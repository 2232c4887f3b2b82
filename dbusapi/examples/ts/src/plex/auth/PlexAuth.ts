// SPDX-License-Identifier: Apache-2.0
import { dictionary, integer64 } from './bus';
import { PLEX_AUTH_CONSTANTS } from './constants';
import { disposed } from './DaemonLink';
import { AppErrorCode, PlexApiError } from './errors';
import type {
    IDisposable, IPlexAuth, PlexAuthConfig, PlexAuthData, PlexAuthEvents, PlexAuthSnapshot, PlexAuthState, PlexAuthToken,
    PlexHomeUser, PlexMediaServer, PlexPin, PlexPinOptions, PlexPinRequest, PlexSelectedServer, PlexUser,
} from './interfaces';
import { LiveAccount } from './LiveAccount';
import { PairingWait } from './PairingWait';
import { credentialsOf, dateOf, homeUsersOf, mediaServersOf, pinOf, storable, textOf, textsOf } from './values';

const MAIN = PLEX_AUTH_CONSTANTS.BUS_NAME;
const CREDENTIALS = MAIN + '.Credentials';
const HOME = MAIN + '.Home';

/** Who is signed in to Plex on this box, as plexauthd says. */
export class PlexAuth implements IPlexAuth {
    private constructor(private readonly _live: LiveAccount) {}

    /** Resolves when it is known who is signed in. */
    public static async connect(config: PlexAuthConfig = {}): Promise<PlexAuth> {
        const report = config.onHandlerError || ((error: unknown): void => console.error('a handler of PlexAuth failed:', error));
        const live = new LiveAccount(config.bus || 'system', report);
        try {
            await live.start(config.waitForDaemon === true);
        } catch (error) {
            live.dispose();
            throw error;
        }
        return new PlexAuth(live);
    }

    /** Starts a pairing; one that is under way is returned again. */
    public async requestPin(options: PlexPinOptions = {}): Promise<PlexPinRequest> {
        const flags: Record<string, [string, unknown]> = {};
        if (options.strong === true) {
            flags['strong'] = ['b', true];
        }
        if (options.force === true) {
            flags['force'] = ['b', true];
        }
        const answer = Object.keys(flags).length === 0
            ? await this._live.change(MAIN, 'RequestPin')
            : await this._live.change(MAIN, 'RequestPinWithOptions', 'a{sv}', [dictionary(flags)]);
        const pin = pinOf(answer) as PlexPin;
        return this._pinRequest(pin.id, pin.code, pin.expiresAt, null);
    }

    /** Asks plex.tv now whether the code was entered. */
    public async checkPinStatus(pinId: number): Promise<PlexPinRequest> {
        const [claimed, expiresAt] = await this._live.change(MAIN, 'CheckPinStatus', 't', [integer64(pinId)]);
        const code = this._live.codes.get(pinId);
        const expires = dateOf(expiresAt);
        const token = claimed === true ? await this._token() : null;
        return this._pinRequest(pinId, code === undefined ? '' : code, expires === null ? new Date(0) : expires, token);
    }

    /** Ends a pairing. One that has ended already is no error. */
    public async cancelPin(pinId: number): Promise<void> {
        try {
            await this._live.change(MAIN, 'CancelPin', 't', [integer64(pinId)]);
        } catch (error) {
            const ended = [AppErrorCode.RESOURCE_NOT_FOUND, AppErrorCode.PIN_EXPIRED];
            if (!(error instanceof PlexApiError) || !ended.includes(error.code)) {
                throw error;
            }
        }
    }

    /** Resolves when the code was entered; rejects when it cannot be any more. It asks nobody meanwhile. */
    public pollForPin(pinId: number): Promise<PlexPinRequest> {
        return new PairingWait(this._live, pinId, () => this.checkPinStatus(pinId)).outcome();
    }

    /** Draws the QR code of the pairing under way. */
    public async pinQR(format: 'png' | 'svg' = 'png', scale: number = 8): Promise<Uint8Array> {
        const [image] = await this._live.call(MAIN, 'GetPinQR', 'su', [format, scale]);
        return image as Uint8Array;
    }

    /** Asks plex.tv now about the token that is held. */
    public async validate(): Promise<boolean> {
        const [valid] = await this._live.change(MAIN, 'Validate');
        return valid === true;
    }

    /** Asks plex.tv about any token. Changes nothing. */
    public async validateToken(token: string): Promise<boolean> {
        const [valid] = await this._live.call(CREDENTIALS, 'ValidateToken', 's', [token]);
        return valid === true;
    }

    /** What is kept for the user who is signed in, or null. */
    public async getStoredCredentials(): Promise<PlexAuthData | null> {
        const [stored] = await this._live.call(CREDENTIALS, 'GetStoredCredentials');
        return credentialsOf(stored);
    }

    /** Signs in with a token from elsewhere. */
    public async storeCredentials(auth: PlexAuthData): Promise<void> {
        await this._live.change(CREDENTIALS, 'StoreCredentials', 'a{sv}', [dictionary(storable(auth))]);
    }

    /** Forgets the credentials on this box. */
    public async clearCredentials(): Promise<void> {
        await this._live.change(CREDENTIALS, 'ClearCredentials');
    }

    /** Forgets the credentials and revokes the token. Resolves with whether plex.tv confirmed that. */
    public async signOut(): Promise<boolean> {
        const [revoked] = await this._live.change(CREDENTIALS, 'SignOut');
        return revoked === true;
    }

    /** Whether a token is held that plex.tv has not refused. */
    public isAuthenticated(): boolean {
        return this._live.current.snapshot.isAuthenticated;
    }

    /** The token and whose it is, or null. */
    public getCurrentUser(): PlexAuthToken | null {
        const { credentials } = this._live.current;
        return credentials === null ? null : { ...credentials.token };
    }

    /** The headers for requests to plex.tv, with the token when there is one. */
    public getAuthHeaders(): Record<string, string> {
        return { ...this._live.current.headers };
    }

    /** The users of the Plex Home. */
    public async users(): Promise<PlexHomeUser[]> {
        const [users] = await this._live.call(HOME, 'ListUsers');
        return homeUsersOf(users);
    }

    /** Lets another user of the Plex Home use the box. */
    public async switchUser(uuid: string, pin: string = ''): Promise<void> {
        await this._live.change(HOME, 'SwitchUser', 'ss', [uuid, pin]);
    }

    /** The media servers of the user. */
    public async servers(): Promise<PlexMediaServer[]> {
        const [servers] = await this._live.call(CREDENTIALS, 'ListServers');
        return mediaServersOf(servers);
    }

    /** The headers for requests to that media server, with the token that it takes. */
    public async serverHeaders(machineId: string): Promise<Record<string, string>> {
        const [headers] = await this._live.call(CREDENTIALS, 'GetServerHeaders', 's', [machineId]);
        return textsOf(headers);
    }

    /** Other headers, for a media server that has refused those (401). */
    public async renewServerHeaders(machineId: string): Promise<Record<string, string>> {
        const [headers] = await this._live.call(CREDENTIALS, 'RenewServerHeaders', 's', [machineId]);
        return textsOf(headers);
    }

    /** Remembers which media server the user chose. Both empty: none. */
    public async selectServer(machineId: string, uri: string): Promise<void> {
        await this._live.change(CREDENTIALS, 'SelectServer', 'ss', [machineId, uri]);
    }

    /** All that is known, without a token. */
    public get snapshot(): PlexAuthSnapshot {
        return this._live.current.snapshot;
    }

    /** plexauthd's state. */
    public get state(): PlexAuthState {
        return this.snapshot.state;
    }

    /** The pairing under way, whoever asked for it. */
    public get pin(): PlexPin | null {
        return this.snapshot.pin;
    }

    /** Who uses the box. */
    public get user(): PlexUser | null {
        return this.snapshot.user;
    }

    /** The media server that the user chose. */
    public get selectedServer(): PlexSelectedServer | null {
        return this.snapshot.selectedServer;
    }

    /** Calls the handler at each event, until what is returned is disposed of. */
    public on<Name extends keyof PlexAuthEvents>(event: Name, handler: (value: PlexAuthEvents[Name]) => unknown): IDisposable {
        if (this._live.isDisposed) {
            throw disposed();
        }
        return this._live.events.on(event, handler);
    }

    /** Snapshots for a `for await` loop: the present one, and another after each change. */
    public watch(): AsyncIterableIterator<PlexAuthSnapshot> {
        const stream = this._live.watch();
        if (this._live.isDisposed) {
            stream.end();
        }
        return stream;
    }

    /** Ends the connection, all handlers and all loops. Calls under way reject with DISPOSED. */
    public dispose(): void {
        this._live.dispose();
    }

    private async _token(): Promise<string> {
        const [token] = await this._live.call(CREDENTIALS, 'GetToken');
        return textOf(token);
    }

    private _pinRequest(id: number, code: string, expiresAt: Date, authToken: string | null): PlexPinRequest {
        const identifier = this._live.current.headers['X-Plex-Client-Identifier'];
        return { id, code, expiresAt, authToken, clientIdentifier: identifier === undefined ? '' : identifier };
    }
}
