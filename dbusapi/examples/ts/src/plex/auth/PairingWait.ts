// SPDX-License-Identifier: Apache-2.0
import { disposed } from './DaemonLink';
import { apiError, AppErrorCode, isAbsence, PlexApiError } from './errors';
import type { PlexPinRequest } from './interfaces';
import type { LiveAccount } from './LiveAccount';

/** Waits for the end of a pairing, over restarts of plexauthd. */
export class PairingWait {
    private _news: () => void = () => undefined;

    /** ask asks plexauthd about a pairing that is not under way any more. */
    public constructor(
        private readonly _live: LiveAccount,
        private readonly _id: number,
        private readonly _ask: () => Promise<PlexPinRequest>,
    ) {}

    /** Resolves with the token once somebody has entered the code. */
    public async outcome(): Promise<PlexPinRequest> {
        const listening = [
            this._live.events.on('change', () => this._news()),
            this._live.events.on('pinEnded', () => this._news()),
        ];
        try {
            for (;;) {
                const news = new Promise<void>((resolve) => { this._news = resolve; });
                const ended = await this._ended();
                if (ended !== null) {
                    return ended;
                }
                await Promise.race([news, this._live.ended]);
            }
        } finally {
            listening.forEach((each) => each.dispose());
        }
    }

    /** The outcome, or null as long as there is none. */
    private async _ended(): Promise<PlexPinRequest | null> {
        if (this._live.isDisposed) {
            throw disposed();
        }
        const { available, pin } = this._live.current.snapshot;
        if (!available || (pin !== null && pin.id === this._id)) {
            return null;
        }
        try {
            const request = await this._ask();
            return request.authToken === null ? null : request;
        } catch (error) {
            if (!isAbsence(error)) {
                throw this._judged(error);
            }
        }
        // plexauthd has just gone. If it is back already, there will be no news.
        await this._live.refresh();
        return this._ended();
    }

    /** An error that says how the pairing ended, where that is known. */
    private _judged(error: unknown): unknown {
        if (error instanceof PlexApiError && error.code === AppErrorCode.RESOURCE_NOT_FOUND) {
            switch (this._live.results.get(this._id)) {
                case 'cancelled':
                    return apiError(AppErrorCode.PIN_CANCELLED, 'the pairing was ended on purpose');
                case 'failed':
                    return apiError(AppErrorCode.PIN_FAILED, 'the pairing ended without a sign-in');
            }
        }
        return error;
    }
}
