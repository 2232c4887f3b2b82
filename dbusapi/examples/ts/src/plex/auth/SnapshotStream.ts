// SPDX-License-Identifier: Apache-2.0
import type { IDisposable, PlexAuthSnapshot } from './interfaces';

type Result = IteratorResult<PlexAuthSnapshot, undefined>;

/**
 * Snapshots, the present one first. Whoever is slow gets the newest one next: what
 * to show follows from that alone.
 */
export class SnapshotStream implements AsyncIterableIterator<PlexAuthSnapshot> {
    private _newest: PlexAuthSnapshot | null;
    private _ended = false;
    private readonly _waiting: ((result: Result) => void)[] = [];
    private readonly _source: IDisposable;

    public constructor(first: PlexAuthSnapshot, subscribe: (stream: SnapshotStream) => IDisposable) {
        this._newest = first;
        this._source = subscribe(this);
    }

    /** Takes another snapshot. */
    public push(snapshot: PlexAuthSnapshot): void {
        const waiting = this._waiting.shift();
        if (waiting === undefined) {
            this._newest = snapshot;
        } else {
            waiting({ done: false, value: snapshot });
        }
    }

    /** Ends the loop over it. */
    public end(): void {
        this._ended = true;
        this._newest = null;
        this._source.dispose();
        for (const waiting of this._waiting.splice(0)) {
            waiting({ done: true, value: undefined });
        }
    }

    /** The next snapshot. */
    public next(): Promise<Result> {
        const newest = this._newest;
        if (newest !== null) {
            this._newest = null;
            return Promise.resolve({ done: false, value: newest });
        }
        if (this._ended) {
            return Promise.resolve({ done: true, value: undefined });
        }
        return new Promise((resolve) => this._waiting.push(resolve));
    }

    /** Called when a loop over it is left. */
    public return(): Promise<Result> {
        this.end();
        return Promise.resolve({ done: true, value: undefined });
    }

    /** A loop over it takes it as it is. */
    public [Symbol.asyncIterator](): this {
        return this;
    }
}
