// SPDX-License-Identifier: Apache-2.0
// For import: the same module as for require, so that there is one PlexApiError.
import plexauth from './index.js';

export const { AppErrorCode, PLEX_AUTH_CONSTANTS, PlexApiError, PlexAuth } = plexauth;
