// SPDX-License-Identifier: Apache-2.0
// All that is known of the D-Bus library, and what it lacks: whoever wants another
// one changes this file.
import { connect, type NetConnectOpts, type Socket } from 'node:net';

import { createClient, DBusError, Variant, type Message, type MessageBus } from 'dbus-native';

import { endpointsOf } from './address';
import { PLEX_AUTH_CONSTANTS } from './constants';
import { apiError, AppErrorCode, errorNamed, PlexApiError } from './errors';

const NO_AUTO_START = 2;
const SIGNAL = 4;

/** A call to make. */
export type BusCall = {
    destination: string;
    path: string;
    interface: string;
    member: string;
    signature?: string;
    body?: unknown[];
    /** Do not have the bus start what has the name. */
    noAutoStart?: boolean;
};

/** A signal that came. */
export type BusSignal = { sender: string; path: string; interface: string; member: string; body: unknown[] };

/** What a connection tells. */
export interface IBusListener {
    /** A signal came, from whoever it may be. */
    onSignal(signal: BusSignal): void;
    /** The connection has ended, and not because of close(). */
    onClose(): void;
}

/** A connection to a message bus. */
export class Bus {
    private _closing = false;

    private constructor(private readonly _client: MessageBus, private readonly _listener: IBusListener) {
        // Without a listener, Node ends the process over an error of the socket.
        _client.connection.on('error', () => undefined);
        _client.connection.on('message', (message: Message) => this._hear(message));
        _client.connection.on('close', () => this._ended());
    }

    /** Connects and authenticates. Rejects with BUS_UNAVAILABLE. */
    public static async open(bus: string, listener: IBusListener): Promise<Bus> {
        let reason: unknown = null;
        for (const endpoint of endpointsOf(bus)) {
            try {
                const stream = await dial(endpoint);
                return await Bus._greet(stream, listener);
            } catch (error) {
                reason = error;
            }
        }
        throw reason;
    }

    private static async _greet(stream: Socket, listener: IBusListener): Promise<Bus> {
        const timeout = PLEX_AUTH_CONSTANTS.CALL_TIMEOUT_MS;
        // The stream is ours, so that a failure to connect is known as such.
        const client = createClient({ stream, authMethods: ['EXTERNAL'], timeout });
        const bus = new Bus(client, listener);
        let refused: Error | null = null;
        client.connection.on('error', (error: Error) => {
            refused = error;
            stream.destroy(); // a refused authentication leaves it open
        });
        try {
            await bus.call({
                destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus', member: 'GetId',
            });
            return bus;
        } catch (error) {
            bus.close();
            stream.destroy();
            const said = refused === null ? error as Error : refused as Error;
            throw apiError(AppErrorCode.BUS_UNAVAILABLE, 'the bus does not let us in: ' + said.message);
        }
    }

    /** Calls a method and returns what it answers, with numbers in place of BigInts. */
    public call(call: BusCall): Promise<unknown[]> {
        const message: Message = { destination: call.destination, path: call.path, interface: call.interface, member: call.member };
        if (call.signature !== undefined && call.body !== undefined) {
            message.signature = call.signature;
            message.body = call.body;
        }
        if (call.noAutoStart === true) {
            message.flags = NO_AUTO_START;
        }
        return new Promise((resolve, reject) => {
            this._client.invoke(message, (error: unknown, ...body: unknown[]) => {
                if (error) {
                    reject(failure(error));
                } else {
                    resolve(body.map(plain));
                }
            });
        });
    }

    /** Ends the connection. Calls under way fail. */
    public close(): void {
        this._closing = true;
        this._client.connection.end();
        // The other end of the socket may be a bus that has stopped.
        (this._client.connection.stream as Socket).destroy();
    }

    private _hear(message: Message): void {
        if (message.type !== SIGNAL || this._closing) {
            return;
        }
        this._listener.onSignal({
            sender: message.sender || '', path: message.path || '', interface: message.interface || '', member: message.member || '',
            body: (message.body || []).map(plain),
        });
    }

    private _ended(): void {
        if (!this._closing) {
            this._closing = true;
            this._listener.onClose();
        }
    }
}

/** The values of an a{sv}, each with its type. */
export function dictionary(values: Record<string, [signature: string, value: unknown]>): Record<string, Variant> {
    const variants: Record<string, Variant> = {};
    for (const [key, [signature, value]] of Object.entries(values)) {
        variants[key] = new Variant(signature, value);
    }
    return variants;
}

/** A number as the 64 bits that it is on the bus. */
export function integer64(value: number): bigint {
    if (!Number.isSafeInteger(value)) {
        throw apiError(AppErrorCode.INVALID_ARGUMENT, 'not a whole number: ' + String(value));
    }
    return BigInt(value);
}

function dial(endpoint: NetConnectOpts): Promise<Socket> {
    return new Promise((resolve, reject) => {
        const socket = connect(endpoint);
        const failed = (error: Error): void => reject(apiError(AppErrorCode.BUS_UNAVAILABLE, 'there is no bus: ' + error.message));
        socket.once('error', failed);
        socket.once('connect', () => {
            socket.removeListener('error', failed);
            resolve(socket);
        });
    });
}

/** plexauthd's numbers and times fit into 53 bits. JSON.stringify throws at a BigInt. */
function plain(value: unknown): unknown {
    if (typeof value === 'bigint') {
        return Number(value);
    }
    if (value instanceof Uint8Array || value === null || typeof value !== 'object') {
        return value;
    }
    if (Array.isArray(value)) {
        return value.map(plain);
    }
    const copy: Record<string, unknown> = {};
    for (const [key, each] of Object.entries(value)) {
        copy[key] = plain(each);
    }
    return copy;
}

function failure(error: unknown): PlexApiError {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof DBusError && error.dbusName !== undefined) {
        return errorNamed(error.dbusName, message);
    }
    // It did not leave this process: a text with a NUL, for example.
    return apiError(AppErrorCode.INVALID_ARGUMENT, 'the call cannot be sent: ' + message);
}
