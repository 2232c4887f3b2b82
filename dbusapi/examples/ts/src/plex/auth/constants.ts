// SPDX-License-Identifier: Apache-2.0

/** Names and times that callers may need. Times are in milliseconds. */
export const PLEX_AUTH_CONSTANTS = {
    /** Where plexauthd asks plex.tv. */
    PLEX_TV_BASE_URL: 'https://plex.tv/api/v2',
    /** The path of PINs below that. */
    PIN_ENDPOINT: '/pins',
    /** The path of the account below that. */
    USER_ENDPOINT: '/user',
    /** The table of plexauthd's state file that holds the sign-in. */
    STORAGE_KEY: 'retune_plex_auth',
    /** The key of plexauthd's state file that holds the client identifier. */
    CLIENT_ID_KEY: 'retune_client_id',
    /** The version of that table. */
    STORAGE_VERSION: 1,
    /** How often plexauthd asks plex.tv whether a code was entered. Nobody else has to ask. */
    PIN_POLL_INTERVAL_MS: 1000,
    /** How long a code can be entered. */
    PIN_TIMEOUT_MS: 300000,
    /** plexauthd's name on the bus. */
    BUS_NAME: 'tv.retune.PlexAuth1',
    /** Its object. */
    OBJECT_PATH: '/tv/retune/PlexAuth1',
    /** How long a call may take: plexauthd answers within 20 s. */
    CALL_TIMEOUT_MS: 30000,
    /** The first and the longest pause before the bus is tried again. */
    RETRY_DELAY_MS: 100,
    RETRY_DELAY_MAX_MS: 5000,
} as const;
