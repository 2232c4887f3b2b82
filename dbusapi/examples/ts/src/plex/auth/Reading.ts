// SPDX-License-Identifier: Apache-2.0
import type { DaemonLink } from './DaemonLink';
import { PLEX_AUTH_CONSTANTS } from './constants';
import { AppErrorCode, isAbsence, PlexApiError } from './errors';
import type { PlexAuthData, PlexAuthSnapshot, PlexAuthState } from './interfaces';
import { credentialsOf, dateOf, dictionaryOf, pinOf, selectedServerOf, stateOf, textOf, textsOf, userOf, type Dictionary } from './values';

const { BUS_NAME } = PLEX_AUTH_CONSTANTS;
const CREDENTIALS = BUS_NAME + '.Credentials';

/** All that plexauthd said at one moment. */
export type Reading = {
    snapshot: PlexAuthSnapshot;
    credentials: PlexAuthData | null;
    headers: Record<string, string>;
};

/** What is known before anything was read. */
export const NOTHING: Reading = {
    snapshot: {
        available: false, isAuthenticated: false, state: 'unavailable', pin: null, user: null,
        authMode: '', tokenExpiresAt: null, selectedServer: null, version: '',
    },
    credentials: null,
    headers: {},
};

/** Reads all that there is to know. Rejects if plexauthd is not there, or does not let us. */
export async function read(link: DaemonLink, noAutoStart: boolean): Promise<Reading> {
    const [all] = await link.call('org.freedesktop.DBus.Properties', 'GetAll', 's', [BUS_NAME], noAutoStart);
    const properties = dictionaryOf(all);
    const [credentials, user, headers] = await Promise.all([
        ask(link, 'GetStoredCredentials'), ask(link, 'GetCurrentUser'), ask(link, 'GetAuthHeaders'),
    ]);
    const isAuthenticated = properties['Authenticated'] === true;
    return {
        snapshot: { ...snapshotOf(properties), user: isAuthenticated ? userOf(user) : null },
        credentials: isAuthenticated ? credentialsOf(credentials) : null,
        headers: withToken(textsOf(headers), isAuthenticated),
    };
}

/** What stays true while plexauthd is away. */
export function away(last: Reading): Reading {
    const state: PlexAuthState = 'unavailable';
    return { ...last, snapshot: { ...last.snapshot, available: false, state } };
}

function snapshotOf(properties: Dictionary): PlexAuthSnapshot {
    return {
        available: true,
        isAuthenticated: properties['Authenticated'] === true,
        state: stateOf(properties['State']),
        pin: pinOf(properties['Pin']),
        user: null,
        authMode: textOf(properties['AuthMode']),
        tokenExpiresAt: dateOf(properties['TokenExpiresAt']),
        selectedServer: selectedServerOf(properties['SelectedServer']),
        version: textOf(properties['Version']),
    };
}

/**
 * One answer. A refusal that depends on the moment, such as AuthRequired, or a token
 * that cannot be renewed now, costs only what was asked.
 */
async function ask(link: DaemonLink, member: string): Promise<unknown> {
    try {
        const [answer] = await link.call(CREDENTIALS, member);
        return answer;
    } catch (error) {
        if (isAbsence(error) || !(error instanceof PlexApiError) || MATTERS.has(error.code)) {
            throw error;
        }
        return undefined;
    }
}

const MATTERS: ReadonlySet<AppErrorCode> = new Set([AppErrorCode.ACCESS_DENIED, AppErrorCode.DISPOSED]);

function withToken(headers: Record<string, string>, isAuthenticated: boolean): Record<string, string> {
    if (!isAuthenticated) {
        delete headers['X-Plex-Token'];
    }
    return headers;
}
