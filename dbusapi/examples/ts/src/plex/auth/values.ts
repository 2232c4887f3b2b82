// SPDX-License-Identifier: Apache-2.0
// What plexauthd's values are in TypeScript. Keys that are missing or of another
// type are empty: dictionaries grow, and an older plexauthd has fewer.
import type {
    PlexAuthData, PlexAuthState, PlexHomeUser, PlexMediaServer, PlexPin, PlexSelectedServer, PlexUser,
} from './interfaces';

/** A dictionary from the bus. */
export type Dictionary = Record<string, unknown>;

const STATES: ReadonlySet<string> = new Set(['signed-out', 'pairing', 'signed-in', 'unverified', 'expired', 'locked']);

/** The value, if it is a dictionary. */
export function dictionaryOf(value: unknown): Dictionary {
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Dictionary : {};
}

/** The value, if it is text. */
export function textOf(value: unknown): string {
    return typeof value === 'string' ? value : '';
}

/** The value, if it is a number. */
export function numberOf(value: unknown): number {
    return typeof value === 'number' ? value : 0;
}

/** Seconds since the epoch as a Date, or null for 0, which is not known. */
export function dateOf(seconds: unknown): Date | null {
    return numberOf(seconds) === 0 ? null : new Date(numberOf(seconds) * 1000);
}

/** A Date as seconds since the epoch. */
export function secondsOf(date: Date | null): number {
    const seconds = date === null ? 0 : Math.floor(date.getTime() / 1000);
    return Number.isFinite(seconds) ? seconds : 0;
}

/** The texts of a dictionary, such as headers. */
export function textsOf(value: unknown): Record<string, string> {
    const texts: Record<string, string> = {};
    for (const [key, each] of Object.entries(dictionaryOf(value))) {
        texts[key] = textOf(each);
    }
    return texts;
}

/** A state. One that is not known is not for now. */
export function stateOf(value: unknown): PlexAuthState {
    return STATES.has(textOf(value)) ? value as PlexAuthState : 'not-now';
}

/** The property Pin, null when no pairing is under way. */
export function pinOf(value: unknown): PlexPin | null {
    const [id, code, linkUri, authUri, expiresAt] = Array.isArray(value) ? value as unknown[] : [];
    if (numberOf(id) === 0) {
        return null;
    }
    const expires = dateOf(expiresAt);
    return {
        id: numberOf(id), code: textOf(code), linkUri: textOf(linkUri), authUri: textOf(authUri),
        expiresAt: expires === null ? new Date(0) : expires,
    };
}

/** The property SelectedServer, null when none is. */
export function selectedServerOf(value: unknown): PlexSelectedServer | null {
    const [machineId, uri] = Array.isArray(value) ? value as unknown[] : [];
    return textOf(machineId) === '' ? null : { machineId: textOf(machineId), uri: textOf(uri) };
}

/** What GetStoredCredentials gives, null when nothing is stored. */
export function credentialsOf(value: unknown): PlexAuthData | null {
    const stored = dictionaryOf(value);
    if (textOf(stored['token']) === '') {
        return null;
    }
    const issuedAt = dateOf(stored['issued_at']);
    return {
        token: {
            token: textOf(stored['token']), userId: textOf(stored['user_id']), username: textOf(stored['username']),
            email: textOf(stored['email']), thumb: textOf(stored['thumb']),
            expiresAt: dateOf(stored['expires_at']), issuedAt: issuedAt === null ? new Date(0) : issuedAt,
        },
        selectedServerId: textOf(stored['selected_server_id']) || null,
        selectedServerUri: textOf(stored['selected_server_uri']) || null,
    };
}

/** What StoreCredentials takes. Empty fields are left out: plexauthd asks plex.tv for them. */
export function storable(auth: PlexAuthData): Record<string, [string, unknown]> {
    const texts: Record<string, string | null> = {
        token: auth.token.token, user_id: auth.token.userId, username: auth.token.username, email: auth.token.email,
        thumb: auth.token.thumb, selected_server_id: auth.selectedServerId, selected_server_uri: auth.selectedServerUri,
    };
    const values: Record<string, [string, unknown]> = {};
    for (const [key, text] of Object.entries(texts)) {
        if (text) {
            values[key] = ['s', text];
        }
    }
    for (const [key, date] of Object.entries({ issued_at: auth.token.issuedAt, expires_at: auth.token.expiresAt })) {
        if (secondsOf(date) !== 0) {
            values[key] = ['x', BigInt(secondsOf(date))];
        }
    }
    return values;
}

/** What GetCurrentUser gives, null when nobody is signed in. */
export function userOf(value: unknown): PlexUser | null {
    const user = dictionaryOf(value);
    if (Object.keys(user).length === 0) {
        return null;
    }
    return {
        id: textOf(user['id']), uuid: textOf(user['uuid']), username: textOf(user['username']), title: textOf(user['title']),
        email: textOf(user['email']), thumb: textOf(user['thumb']),
        homeAdmin: user['home_admin'] === true, restricted: user['restricted'] === true,
    };
}

/** What ListUsers gives. */
export function homeUsersOf(value: unknown): PlexHomeUser[] {
    return listOf(value).map((user) => ({
        uuid: textOf(user['uuid']), title: textOf(user['title']), thumb: textOf(user['thumb']), admin: user['admin'] === true,
        guest: user['guest'] === true, restricted: user['restricted'] === true, protected: user['protected'] === true,
    }));
}

/** What ListServers gives. */
export function mediaServersOf(value: unknown): PlexMediaServer[] {
    return listOf(value).map((server) => ({
        machineId: textOf(server['machine_id']), name: textOf(server['name']),
        owned: server['owned'] === true, presence: server['presence'] === true,
        uris: Array.isArray(server['uris']) ? server['uris'].map(textOf) : [],
    }));
}

function listOf(value: unknown): Dictionary[] {
    return Array.isArray(value) ? value.map(dictionaryOf) : [];
}
