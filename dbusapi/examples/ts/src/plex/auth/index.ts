// SPDX-License-Identifier: Apache-2.0
export { PLEX_AUTH_CONSTANTS } from './constants';
export { AppErrorCode, PlexApiError } from './errors';
export type * from './interfaces';
export { PlexAuth } from './PlexAuth';
