// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';

import { DaemonLink } from './DaemonLink';
import { Emitter } from './Emitter';
import { apiError, AppErrorCode, isAbsence, PlexApiError } from './errors';
import type { IDisposable, PlexAuthEvents, PlexAuthSnapshot, PlexPinResult } from './interfaces';
import { Reader } from './Reader';
import { away, NOTHING, read, type Reading } from './Reading';
import { SnapshotStream } from './SnapshotStream';
import { numberOf, textOf } from './values';

const RETRY_MS = 1000;
const RETRY_MAX_MS = 30000;
const PINS_REMEMBERED = 16;

/** Who was signed in when authChange was sent last. */
type Announced = { isAuthenticated: boolean; userId: string; token: string };

/** What plexauthd says, kept true by its signals: each makes it read again. */
export class LiveAccount {
    public current: Reading = NOTHING;
    public readonly events: Emitter<PlexAuthEvents>;
    /** Codes and results of the last pairings, by number. */
    public readonly codes = new Map<number, string>();
    public readonly results = new Map<number, string>();
    /** Resolves at dispose(). */
    public readonly ended: Promise<void>;
    public isDisposed = false;

    private readonly _link: DaemonLink;
    private readonly _reader: Reader<Reading>;
    private readonly _streams = new Set<SnapshotStream>();
    private _announced: Announced = announcedBy(NOTHING);
    private _heardAuthChanged = false;
    private _endedPins: PlexPinResult[] = [];
    private _mayStart = true;
    private _retry: NodeJS.Timeout | undefined;
    private _retryMs = RETRY_MS;
    private _end: () => void = () => undefined;
    private _started: (failure: unknown) => void = () => undefined;

    public constructor(address: string, report: (error: unknown) => void) {
        this.ended = new Promise((resolve) => { this._end = resolve; });
        this.events = new Emitter<PlexAuthEvents>(report);
        this._link = new DaemonLink(address, {
            onTurn: (): void => void this.refresh(),
            onSignal: (member, body): void => this._hear(member, body),
        });
        this._reader = new Reader(() => this._read(), (reading, failure) => this._take(reading, failure));
    }

    /** Connects and reads. */
    public async start(patient: boolean): Promise<void> {
        await this._link.open(patient);
        const failure = await this.refresh();
        if (failure === null) {
            return;
        }
        if (!patient || !isAbsence(failure)) {
            throw failure as Error;
        }
        const later = await new Promise<unknown>((resolve) => { this._started = resolve; });
        if (later !== null) {
            throw later as Error;
        }
    }

    /** Resolves when what has changed until now is in `current`; with what failed, or null. */
    public refresh(): Promise<unknown> {
        return this._reader.again();
    }

    /** Calls a method of plexauthd. */
    public async call(iface: string, member: string, signature: string = '', body: unknown[] = []): Promise<unknown[]> {
        try {
            return await this._link.call(iface, member, signature, body);
        } catch (error) {
            const refused = error instanceof PlexApiError && error.code === AppErrorCode.AUTH_INVALID;
            if (refused && this.current.snapshot.state === 'expired' && body.length === 0) {
                throw new PlexApiError(AppErrorCode.AUTH_EXPIRED, error.message, undefined, false, error.dbusName);
            }
            throw error;
        }
    }

    /** Calls a method that changes something, and reads what it changed. */
    public async change(iface: string, member: string, signature: string = '', body: unknown[] = []): Promise<unknown[]> {
        const answer = await this.call(iface, member, signature, body);
        await this.refresh();
        return answer;
    }

    /** The snapshots from now on. */
    public watch(): SnapshotStream {
        return new SnapshotStream(this.current.snapshot, (stream): IDisposable => {
            this._streams.add(stream);
            return { dispose: (): void => { this._streams.delete(stream); } };
        });
    }

    /** Ends all of it. */
    public dispose(): void {
        this.isDisposed = true;
        this._end();
        clearTimeout(this._retry);
        this._link.dispose();
        this._reader.end();
        this.events.clear();
        for (const stream of this._streams) {
            stream.end();
        }
    }

    private _read(): Promise<Reading> {
        clearTimeout(this._retry);
        const mayStart = this._mayStart;
        this._mayStart = false; // an administrator who stops plexauthd does not want us to start it
        if (!mayStart && !this._link.isUp) {
            return Promise.reject(apiError(AppErrorCode.DAEMON_UNAVAILABLE, 'plexauthd is not on the bus'));
        }
        return read(this._link, !mayStart);
    }

    private _hear(member: string, body: unknown[]): void {
        if (member === 'AuthChanged') {
            this._heardAuthChanged = true;
        } else if (member === 'PinEnded') {
            const ended = { id: numberOf(body[0]), result: textOf(body[1]) };
            remember(this.results, ended.id, ended.result);
            this._endedPins.push(ended);
        }
        void this.refresh();
    }

    private _take(reading: Reading | null, failure: unknown): void {
        const before = this.current;
        if (reading !== null) {
            this.current = reading;
        } else if (isAbsence(failure)) {
            this.current = away(before);
        }
        if (!isAbsence(failure)) {
            this._started(failure);
        }
        this._planRetry(failure);
        const pin = this.current.snapshot.pin;
        if (pin !== null) {
            remember(this.codes, pin.id, pin.code);
        }
        this._announce(before.snapshot, this.current.snapshot);
        for (const ended of this._endedPins.splice(0)) {
            this.events.emit('pinEnded', ended);
        }
    }

    /** No signal comes when a plexauthd that hung resumes, or when plex.tv has told a user's name. */
    private _planRetry(failure: unknown): void {
        const { isAuthenticated, user } = this.current.snapshot;
        const nameless = failure === null && isAuthenticated && (user === null || user.username + user.title === '');
        const denied = failure instanceof PlexApiError && failure.code === AppErrorCode.ACCESS_DENIED;
        if (!nameless && (failure === null || denied || !this._link.isUp)) {
            this._retryMs = RETRY_MS;
            return;
        }
        this._retry = setTimeout(() => void this.refresh(), this._retryMs);
        this._retryMs = Math.min(2 * this._retryMs, RETRY_MAX_MS);
    }

    private _announce(before: PlexAuthSnapshot, now: PlexAuthSnapshot): void {
        if (before.available !== now.available) {
            this.events.emit('availabilityChange', now.available);
        }
        if (before.state !== now.state) {
            this.events.emit('stateChange', now.state);
        }
        if (!isDeepStrictEqual(before.selectedServer, now.selectedServer)) {
            this.events.emit('serverChange', now.selectedServer);
        }
        if (!isDeepStrictEqual(before.pin, now.pin)) {
            this.events.emit('pinChange', now.pin);
        }
        if (!isDeepStrictEqual(before.user, now.user)) {
            this.events.emit('userChange', now.user);
        }
        this._announceAuth();
        if (!isDeepStrictEqual(before, now)) {
            this.events.emit('change', now);
            for (const stream of [...this._streams]) {
                stream.push(now);
            }
        }
    }

    /**
     * A renewed token is no change of who is signed in; another token after
     * AuthChanged is one.
     */
    private _announceAuth(): void {
        const last = this._announced;
        const now = announcedBy(this.current);
        const replaced = this._heardAuthChanged && last.token !== now.token;
        this._heardAuthChanged = false;
        if (last.isAuthenticated !== now.isAuthenticated || last.userId !== now.userId || replaced) {
            this._announced = now;
            this.events.emit('authChange', now.isAuthenticated);
        }
    }
}

function announcedBy(reading: Reading): Announced {
    const { credentials, snapshot } = reading;
    return {
        isAuthenticated: snapshot.isAuthenticated,
        userId: credentials === null ? '' : credentials.token.userId,
        token: credentials === null ? '' : credentials.token.token,
    };
}

/** Keeps the newest few. */
function remember(map: Map<number, string>, id: number, text: string): void {
    map.delete(id);
    map.set(id, text);
    for (const oldest of map.keys()) {
        if (map.size <= PINS_REMEMBERED) {
            return;
        }
        map.delete(oldest);
    }
}
