// SPDX-License-Identifier: Apache-2.0
import type { IDisposable } from './interfaces';

type Handler = (value: never) => unknown;

/** Events and their handlers. What a handler throws is reported and hurts nobody else. */
export class Emitter<Events> {
    private readonly _handlers = new Map<keyof Events, Set<{ call: Handler }>>();

    public constructor(private readonly _report: (error: unknown) => void) {}

    /** Calls the handler at each event, until what is returned is disposed of. */
    public on<Name extends keyof Events>(name: Name, handler: (value: Events[Name]) => unknown): IDisposable {
        const entry = { call: handler as Handler };
        const entries = this._handlers.get(name) || new Set();
        this._handlers.set(name, entries.add(entry));
        return { dispose: (): void => { entries.delete(entry); } };
    }

    /** Calls the handlers that are there now, but those that end meanwhile. */
    public emit<Name extends keyof Events>(name: Name, value: Events[Name]): void {
        const entries = this._handlers.get(name) || new Set();
        for (const entry of [...entries]) {
            if (entries.has(entry)) {
                this._call(entry.call as (value: Events[Name]) => unknown, value);
            }
        }
    }

    /** Forgets all handlers. */
    public clear(): void {
        for (const entries of this._handlers.values()) {
            entries.clear();
        }
    }

    private _call<Value>(handler: (value: Value) => unknown, value: Value): void {
        try {
            const result = handler(value);
            if (result instanceof Promise) {
                result.catch((error: unknown) => this._tell(error));
            }
        } catch (error) {
            this._tell(error);
        }
    }

    private _tell(error: unknown): void {
        try {
            this._report(error);
        } catch {
            // Who is told of what handlers throw must not throw.
        }
    }
}
