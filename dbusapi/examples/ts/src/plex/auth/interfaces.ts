// SPDX-License-Identifier: Apache-2.0

/** Something that can be ended. Ending it twice is no error. */
export interface IDisposable {
    /** Ends it. */
    dispose(): void;
}

/** How to connect. All of it may be left out. */
export type PlexAuthConfig = {
    /** 'system' if not given, 'session', or a D-Bus address. */
    bus?: string;
    /** Wait for a bus and a plexauthd that are not there yet, instead of failing. */
    waitForDaemon?: boolean;
    /** Told what handlers throw; console.error if not given. */
    onHandlerError?: (error: unknown) => void;
    /** Taken for the sake of Retune's config, and not used: plexauthd says who the box is. */
    clientIdentifier?: string;
    product?: string;
    version?: string;
    platform?: string;
    platformVersion?: string;
    device?: string;
    deviceName?: string;
};

/** A pairing, and the token once its code was entered. */
export type PlexPinRequest = {
    /** plexauthd's number of the pairing. */
    id: number;
    /** What a person types at plex.tv/link. */
    code: string;
    expiresAt: Date;
    /** Null until somebody has entered the code. */
    authToken: string | null;
    clientIdentifier: string;
};

/** A pairing under way, as every frontend on the box shows it. */
export type PlexPin = {
    id: number;
    code: string;
    /** What a person reads and types, https://plex.tv/link. */
    linkUri: string;
    /** What a QR code holds. */
    authUri: string;
    expiresAt: Date;
};

/** The token that is held, and whose it is. */
export type PlexAuthToken = {
    token: string;
    userId: string;
    username: string;
    email: string;
    thumb: string;
    /** Null when not known. */
    expiresAt: Date | null;
    issuedAt: Date;
};

/** What is kept for the user who is signed in. */
export type PlexAuthData = {
    token: PlexAuthToken;
    selectedServerId: string | null;
    selectedServerUri: string | null;
};

/** Who uses the box. Fields are empty for a moment after a sign-in if plex.tv is slow. */
export type PlexUser = {
    id: string;
    uuid: string;
    username: string;
    title: string;
    email: string;
    thumb: string;
    homeAdmin: boolean;
    restricted: boolean;
};

/** A user of the Plex Home. */
export type PlexHomeUser = {
    uuid: string;
    title: string;
    thumb: string;
    admin: boolean;
    guest: boolean;
    restricted: boolean;
    /** switchUser wants a PIN. */
    protected: boolean;
};

/** A media server of the account. */
export type PlexMediaServer = {
    machineId: string;
    name: string;
    owned: boolean;
    presence: boolean;
    /** In the order in which to try them. */
    uris: string[];
};

/** The media server that the user chose. */
export type PlexSelectedServer = { machineId: string; uri: string };

/**
 * plexauthd's state. 'unavailable': it is not on the bus. 'not-now': a state that
 * this version does not know; draw neither a sign-in nor a sign-out, and wait.
 */
export type PlexAuthState =
    'signed-out' | 'pairing' | 'signed-in' | 'unverified' | 'expired' | 'locked' | 'unavailable' | 'not-now';

/**
 * What is known now. It holds no token: it may go to a page or into a log. While
 * plexauthd is away, all but `available` and `state` stay as they were.
 */
export type PlexAuthSnapshot = {
    available: boolean;
    isAuthenticated: boolean;
    state: PlexAuthState;
    pin: PlexPin | null;
    user: PlexUser | null;
    authMode: string;
    tokenExpiresAt: Date | null;
    selectedServer: PlexSelectedServer | null;
    version: string;
};

/** How a pairing ended. */
export type PlexPinResult = { id: number; result: string };

/** Events and what their handlers are given. Each is sent when the snapshot has it already. */
export type PlexAuthEvents = {
    /** Somebody signed in or out, or another user uses the box. */
    authChange: boolean;
    stateChange: PlexAuthState;
    pinChange: PlexPin | null;
    pinEnded: PlexPinResult;
    userChange: PlexUser | null;
    serverChange: PlexSelectedServer | null;
    /** plexauthd went, or is back. */
    availabilityChange: boolean;
    /** Any of these but pinEnded. */
    change: PlexAuthSnapshot;
};

/** What to pair with. */
export type PlexPinOptions = {
    /** A long code for the QR code's route, which nobody types. */
    strong?: boolean;
    /** End a pairing under way and start another. */
    force?: boolean;
};

/** Retune's interface to the Plex account. Every promise rejects with a PlexApiError. */
export interface IPlexAuth {
    /** Starts a pairing; one that is under way is returned again. */
    requestPin(): Promise<PlexPinRequest>;
    /** Asks plex.tv now whether the code was entered. */
    checkPinStatus(pinId: number): Promise<PlexPinRequest>;
    /** Ends a pairing. One that has ended already is no error. */
    cancelPin(pinId: number): Promise<void>;
    /** Resolves when the code was entered; rejects when it cannot be any more. */
    pollForPin(pinId: number): Promise<PlexPinRequest>;
    /** Asks plex.tv about any token. Changes nothing. */
    validateToken(token: string): Promise<boolean>;
    /** What is kept for the user who is signed in, or null. */
    getStoredCredentials(): Promise<PlexAuthData | null>;
    /** Signs in with a token from elsewhere. */
    storeCredentials(auth: PlexAuthData): Promise<void>;
    /** Forgets the credentials on this box. */
    clearCredentials(): Promise<void>;
    /** Whether a token is held that plex.tv has not refused. */
    isAuthenticated(): boolean;
    /** The token and whose it is, or null. */
    getCurrentUser(): PlexAuthToken | null;
    /** The headers for requests to plex.tv, with the token when there is one. */
    getAuthHeaders(): Record<string, string>;
    /** Calls the handler after every sign-in and sign-out. */
    on(event: 'authChange', handler: (isAuthenticated: boolean) => void): IDisposable;
}
