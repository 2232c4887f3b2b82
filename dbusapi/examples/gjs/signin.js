#!/usr/bin/gjs -m
// SPDX-License-Identifier: Apache-2.0
// Signs this box in to Plex: shows a code, waits, says who it is.
// GLib alone: in GTK or GNOME Shell the main loop is there already.
import GLib from 'gi://GLib';
import system from 'system';

import {PlexAuth, codeOf} from './plexauth.js';

// What to tell a person; other failures speak for themselves.
const SAY = {
    Unreachable: 'Plex cannot be reached. Is the network up?',
    InvalidResponse: 'Plex cannot be reached. Does the network want you to log in first?',
    ServerError: 'Plex has a problem. Trying again.',
    RateLimited: 'Plex is busy. Trying again.',
    UserLocked: 'Who is watching? plexauthctl switch asks for the PIN.',
    Forbidden: 'Plex does not allow this user to do that.',
    AccessDenied: 'You may not sign this box in. Join the group plexauth.',
    NotRunning: 'Waiting for plexauthd.',
    NoReply: 'Waiting for plexauthd.',
};

// What to show for a status, and whether somebody is signed in.
async function face(plex, status, withToken) {
    if (!status)
        return [SAY.NotRunning, false];
    if (status.authenticated) {
        // Empty for a moment after a sign-in, and if the sign-out was faster than this.
        const user = await plex.currentUser();
        const text = `Signed in as ${user.title || 'somebody'}`;
        return [withToken ? `${text}, token ${await plex.token()}` : text, true];
    }
    if (status.state === 'locked') // in a player, the list of users
        return [SAY.UserLocked, false];
    // Somebody started this program to sign in. In a player it is a button.
    const pin = status.pin ?? await plex.requestPin();
    return [`Go to ${pin.linkUri} and enter ${pin.code}`, false];
}

async function signIn(options) {
    const plex = await PlexAuth.connect(options.bus);
    let shown = null;
    for await (const status of plex.watch(options.again)) {
        let text, done = false;
        try {
            [text, done] = await face(plex, status, options.withToken);
        } catch (error) {
            text = SAY[codeOf(error)] ?? error.message;
        }
        if (text !== shown)
            print(text);
        shown = text;
        if (done && !options.watch)
            return;
    }
}

function valueOf(option, otherwise) {
    const at = ARGV.indexOf(option);
    return at < 0 ? otherwise : ARGV[at + 1];
}

const options = {
    bus: valueOf('--bus', 'system'),
    again: Number(valueOf('--again', 5)), // seconds until what failed is tried again
    watch: ARGV.includes('--watch'),
    withToken: ARGV.includes('--with-token'), // it gives access to the account
};
const loop = new GLib.MainLoop(null, false);
let status = 0;
signIn(options).catch(error => {
    printerr(`signin: ${error.message}`);
    status = 1;
}).finally(() => loop.quit());
loop.run();
system.exit(status);
