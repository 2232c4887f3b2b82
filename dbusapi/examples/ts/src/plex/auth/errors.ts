// SPDX-License-Identifier: Apache-2.0

/** What went wrong, for a program to decide on. */
export enum AppErrorCode {
    /** Nobody is signed in. */
    AUTH_REQUIRED = 'AUTH_REQUIRED',
    /** plex.tv has refused the token that was held: sign in again. */
    AUTH_EXPIRED = 'AUTH_EXPIRED',
    /** plex.tv refuses the token that was given. */
    AUTH_INVALID = 'AUTH_INVALID',
    /** plex.tv knows the user and does not allow this. No reason to sign out. */
    FORBIDDEN = 'FORBIDDEN',
    /** The home user in use needs a PIN again: switchUser with it, or to another user. */
    USER_LOCKED = 'USER_LOCKED',
    /** The pairing ran out of time. */
    PIN_EXPIRED = 'PIN_EXPIRED',
    /** Somebody ended the pairing on purpose. */
    PIN_CANCELLED = 'PIN_CANCELLED',
    /** The pairing ended without a sign-in. */
    PIN_FAILED = 'PIN_FAILED',
    /** The home user's PIN is wrong or missing. */
    PIN_REJECTED = 'PIN_REJECTED',
    /** There is no such pairing, media server or home user. */
    RESOURCE_NOT_FOUND = 'RESOURCE_NOT_FOUND',
    /** plex.tv gives no token for this media server. */
    NO_SERVER_TOKEN = 'NO_SERVER_TOKEN',
    /** Too many requests, or too many wrong PINs. */
    RATE_LIMITED = 'RATE_LIMITED',
    /** plex.tv cannot be reached: no route, DNS, TLS, time-out. */
    NETWORK_ERROR = 'NETWORK_ERROR',
    /** plex.tv has a fault. */
    SERVER_UNREACHABLE = 'SERVER_UNREACHABLE',
    /** What answered is not plex.tv, such as a captive portal. */
    PARSE_ERROR = 'PARSE_ERROR',
    /** The state could not be written; what is on disk is the old state, whole. */
    STORAGE_FAILED = 'STORAGE_FAILED',
    /** The caller may not call: the group plexauth, or polkit. */
    ACCESS_DENIED = 'ACCESS_DENIED',
    /** There is no bus, or it has gone. */
    BUS_UNAVAILABLE = 'BUS_UNAVAILABLE',
    /** plexauthd does not run, or does not answer. */
    DAEMON_UNAVAILABLE = 'DAEMON_UNAVAILABLE',
    /** This plexauthd is too old for the call. */
    UNSUPPORTED = 'UNSUPPORTED',
    /** A value that cannot be sent, or that plexauthd refuses. */
    INVALID_ARGUMENT = 'INVALID_ARGUMENT',
    /** dispose() was called. */
    DISPOSED = 'DISPOSED',
    /** A failure with a name that this version does not know. */
    UNKNOWN = 'UNKNOWN',
}

/** A failed call. Its message is English, for a log, and never holds a secret. */
export class PlexApiError extends Error {
    public readonly code: AppErrorCode;
    /** Always undefined: plexauthd speaks HTTP, callers do not. */
    public readonly httpStatus: number | undefined;
    /** Whether the same call may succeed later, with nobody doing anything. */
    public readonly retryable: boolean;
    /** The error's name on the bus, empty for failures on this side of it. */
    public readonly dbusName: string;

    public constructor(
        code: AppErrorCode, message: string, httpStatus?: number, retryable: boolean = false, dbusName: string = '',
    ) {
        super(message);
        this.name = 'PlexApiError';
        this.code = code;
        this.httpStatus = httpStatus;
        this.retryable = retryable;
        this.dbusName = dbusName;
    }
}

const PLEXAUTHD = 'tv.retune.PlexAuth1.Error.';
const DBUS = 'org.freedesktop.DBus.Error.';

/** All errors that have a meaning here, by their names on the bus. */
export const BUS_ERRORS: Readonly<Record<string, AppErrorCode>> = {
    [PLEXAUTHD + 'AuthRequired']: AppErrorCode.AUTH_REQUIRED,
    [PLEXAUTHD + 'AuthInvalid']: AppErrorCode.AUTH_INVALID,
    [PLEXAUTHD + 'Forbidden']: AppErrorCode.FORBIDDEN,
    [PLEXAUTHD + 'UserLocked']: AppErrorCode.USER_LOCKED,
    [PLEXAUTHD + 'PinExpired']: AppErrorCode.PIN_EXPIRED,
    [PLEXAUTHD + 'PinRejected']: AppErrorCode.PIN_REJECTED,
    [PLEXAUTHD + 'NotFound']: AppErrorCode.RESOURCE_NOT_FOUND,
    [PLEXAUTHD + 'NoServerToken']: AppErrorCode.NO_SERVER_TOKEN,
    [PLEXAUTHD + 'RateLimited']: AppErrorCode.RATE_LIMITED,
    [PLEXAUTHD + 'Unreachable']: AppErrorCode.NETWORK_ERROR,
    [PLEXAUTHD + 'ServerError']: AppErrorCode.SERVER_UNREACHABLE,
    [PLEXAUTHD + 'InvalidResponse']: AppErrorCode.PARSE_ERROR,
    [PLEXAUTHD + 'StorageFailed']: AppErrorCode.STORAGE_FAILED,
    [DBUS + 'AccessDenied']: AppErrorCode.ACCESS_DENIED,
    [DBUS + 'InvalidArgs']: AppErrorCode.INVALID_ARGUMENT,
    [DBUS + 'LimitsExceeded']: AppErrorCode.RATE_LIMITED,
    [DBUS + 'UnknownMethod']: AppErrorCode.UNSUPPORTED,
    [DBUS + 'UnknownInterface']: AppErrorCode.UNSUPPORTED,
    [DBUS + 'ServiceUnknown']: AppErrorCode.DAEMON_UNAVAILABLE,
    [DBUS + 'NameHasNoOwner']: AppErrorCode.DAEMON_UNAVAILABLE,
    [DBUS + 'UnknownObject']: AppErrorCode.DAEMON_UNAVAILABLE,
    [DBUS + 'NoReply']: AppErrorCode.DAEMON_UNAVAILABLE,
    [DBUS + 'TimedOut']: AppErrorCode.DAEMON_UNAVAILABLE,
    [DBUS + 'Timeout']: AppErrorCode.DAEMON_UNAVAILABLE,
    [DBUS + 'Disconnected']: AppErrorCode.BUS_UNAVAILABLE,
    [DBUS + 'NoServer']: AppErrorCode.BUS_UNAVAILABLE,
    [DBUS + 'AuthFailed']: AppErrorCode.BUS_UNAVAILABLE,
};

const RETRYABLE: ReadonlySet<AppErrorCode> = new Set([
    AppErrorCode.RATE_LIMITED, AppErrorCode.NETWORK_ERROR, AppErrorCode.SERVER_UNREACHABLE,
    AppErrorCode.PARSE_ERROR, AppErrorCode.BUS_UNAVAILABLE, AppErrorCode.DAEMON_UNAVAILABLE,
]);

/** An error with a code of ours. */
export function apiError(code: AppErrorCode, message: string): PlexApiError {
    return new PlexApiError(code, message, undefined, RETRYABLE.has(code));
}

/** The error for a name on the bus. A name that is not known is a failure of that call. */
export function errorNamed(dbusName: string, message: string): PlexApiError {
    let code = BUS_ERRORS[dbusName];
    if (code === undefined) {
        const started = dbusName.startsWith(DBUS + 'Spawn.');
        code = started ? AppErrorCode.DAEMON_UNAVAILABLE : AppErrorCode.UNKNOWN;
    }
    return new PlexApiError(code, message, undefined, RETRYABLE.has(code), dbusName);
}

/** Whether there is nobody to answer now. */
export function isAbsence(error: unknown): boolean {
    return error instanceof PlexApiError
        && (error.code === AppErrorCode.DAEMON_UNAVAILABLE || error.code === AppErrorCode.BUS_UNAVAILABLE);
}
