// SPDX-License-Identifier: Apache-2.0
import { disposed } from './DaemonLink';

type Waiting = { turn: number; settle: (failure: unknown) => void };

/**
 * Reads again whenever it is told to, one reading at a time. What was read while
 * there was news is old, and is read once more: only the last reading counts.
 */
export class Reader<Value> {
    private _turn = 0;
    private _running = false;
    private _ended = false;
    private _waiting: Waiting[] = [];
    private _overtake: () => void = () => undefined;

    /** read reads; take is given each reading, or why there is none. */
    public constructor(
        private readonly _read: () => Promise<Value>,
        private readonly _take: (reading: Value | null, failure: unknown) => void,
    ) {}

    /** Resolves when a reading that begins after now was taken; with what failed, or null. */
    public again(): Promise<unknown> {
        if (this._ended) {
            return Promise.resolve(disposed());
        }
        this._turn += 1;
        this._overtake();
        const turn = this._turn;
        const done = new Promise<unknown>((settle) => this._waiting.push({ turn, settle }));
        if (!this._running) {
            void this._run();
        }
        return done;
    }

    /** Takes no more. */
    public end(): void {
        this._ended = true;
        this._settle(Infinity, disposed());
        this._overtake();
    }

    private async _run(): Promise<void> {
        this._running = true;
        while (!this._ended && this._waiting.length > 0) {
            const turn = this._turn;
            const overtaken = new Promise<null>((resolve) => { this._overtake = (): void => resolve(null); });
            const outcome = await Promise.race([overtaken, this._attempt()]);
            if (outcome !== null && turn === this._turn && !this._ended) {
                this._take(outcome.value, outcome.failure);
                this._settle(turn, outcome.failure);
            }
        }
        this._running = false;
    }

    private async _attempt(): Promise<{ value: Value | null; failure: unknown }> {
        try {
            return { value: await this._read(), failure: null };
        } catch (failure) {
            return { value: null, failure };
        }
    }

    private _settle(turn: number, failure: unknown): void {
        const due = this._waiting.filter((each) => each.turn <= turn);
        this._waiting = this._waiting.filter((each) => each.turn > turn);
        for (const each of due) {
            each.settle(failure);
        }
    }
}
