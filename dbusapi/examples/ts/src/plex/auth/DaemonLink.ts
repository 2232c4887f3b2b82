// SPDX-License-Identifier: Apache-2.0
import { Bus, type BusSignal } from './bus';
import { PLEX_AUTH_CONSTANTS } from './constants';
import { apiError, AppErrorCode, PlexApiError } from './errors';

const { BUS_NAME, OBJECT_PATH, RETRY_DELAY_MS, RETRY_DELAY_MAX_MS } = PLEX_AUTH_CONSTANTS;
const DBUS = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };
const RULES = [
    `type='signal',sender='${DBUS.destination}',member='NameOwnerChanged',arg0='${BUS_NAME}'`,
    `type='signal',sender='${BUS_NAME}',path='${OBJECT_PATH}'`,
];

/** What a link tells. */
export interface ILinkListener {
    /** plexauthd came or went, or the bus did. */
    onTurn(): void;
    /** plexauthd sent a signal. */
    onSignal(member: string, body: unknown[]): void;
}

/**
 * The way to plexauthd, over a bus that may go and come back. It knows which
 * connection has plexauthd's name, and hears that one alone.
 */
export class DaemonLink {
    private _bus: Bus | null = null;
    private _owner = '';
    private _disposed = false;
    private _turned = false;
    private _pause: { timer: NodeJS.Timeout; end: () => void } | null = null;

    public constructor(private readonly _address: string, private readonly _listener: ILinkListener) {}

    /** Whether plexauthd has its name on the bus. */
    public get isUp(): boolean {
        return this._owner !== '';
    }

    /** Connects to the bus. With patience it tries until there is one. */
    public async open(patient: boolean): Promise<void> {
        for (let delay: number = RETRY_DELAY_MS; ; delay = Math.min(2 * delay, RETRY_DELAY_MAX_MS)) {
            try {
                await this._connect();
                return;
            } catch (error) {
                if (!patient || this._disposed) {
                    throw error;
                }
            }
            await this._wait(delay);
        }
    }

    /** Calls a method of plexauthd. */
    public async call(
        iface: string, member: string, signature: string = '', body: unknown[] = [], noAutoStart: boolean = false,
    ): Promise<unknown[]> {
        if (this._bus === null) {
            throw this._disposed ? disposed() : apiError(AppErrorCode.BUS_UNAVAILABLE, 'the connection to the bus has ended');
        }
        const call = { destination: BUS_NAME, path: OBJECT_PATH, interface: iface, member, noAutoStart };
        try {
            return await this._bus.call(signature === '' ? call : { ...call, signature, body });
        } catch (error) {
            throw this._disposed ? disposed() : error;
        }
    }

    /** Ends the connection. Calls under way reject with DISPOSED. */
    public dispose(): void {
        this._disposed = true;
        this._owner = '';
        if (this._bus !== null) {
            this._bus.close();
            this._bus = null;
        }
        if (this._pause !== null) {
            clearTimeout(this._pause.timer);
            this._pause.end();
        }
    }

    private async _connect(): Promise<void> {
        const bus = await Bus.open(this._address, {
            onSignal: (signal): void => this._hear(signal),
            onClose: (): void => this._lost(),
        });
        try {
            for (const rule of RULES) {
                await bus.call({ ...DBUS, member: 'AddMatch', signature: 's', body: [rule] });
            }
            this._turned = false;
            const owner = await ownerOf(bus);
            // What NameOwnerChanged said meanwhile is at least as new.
            this._owner = this._turned ? this._owner : owner;
        } catch (error) {
            bus.close();
            throw this._disposed ? disposed() : error;
        }
        if (this._disposed) {
            bus.close();
            throw disposed();
        }
        this._bus = bus;
    }

    private _hear(signal: BusSignal): void {
        if (signal.sender === DBUS.destination && signal.member === 'NameOwnerChanged' && signal.body[0] === BUS_NAME) {
            this._owner = String(signal.body[2]);
            this._turned = true;
            this._listener.onTurn();
        } else if (this._owner !== '' && signal.sender === this._owner && signal.path === OBJECT_PATH) {
            this._listener.onSignal(signal.member, signal.body);
        }
    }

    private _lost(): void {
        if (this._bus === null) {
            return; // it was not ready yet: who opens it knows
        }
        this._bus = null;
        this._owner = '';
        this._listener.onTurn();
        this.open(true).then(() => this._listener.onTurn(), () => undefined);
    }

    /** The timer keeps the process alive, as the connection does. */
    private _wait(milliseconds: number): Promise<void> {
        return new Promise((resolve, reject) => {
            const end = (): void => {
                this._pause = null;
                if (this._disposed) {
                    reject(disposed());
                } else {
                    resolve();
                }
            };
            this._pause = { timer: setTimeout(end, milliseconds), end };
        });
    }
}

/** The error of whatever is asked after dispose(). */
export function disposed(): PlexApiError {
    return apiError(AppErrorCode.DISPOSED, 'this PlexAuth has been disposed of');
}

/** Who has plexauthd's name, or nobody. */
async function ownerOf(bus: Bus): Promise<string> {
    try {
        const [owner] = await bus.call({ ...DBUS, member: 'GetNameOwner', signature: 's', body: [BUS_NAME] });
        return String(owner);
    } catch (error) {
        if (error instanceof PlexApiError && error.code === AppErrorCode.DAEMON_UNAVAILABLE) {
            return '';
        }
        throw error;
    }
}
