// SPDX-License-Identifier: Apache-2.0
// A player in two processes, as Electron has them: this one talks to plexauthd, the
// page draws. Snapshots go to the page, its buttons come back; a token goes nowhere.
// Prints the page's address, which holds a secret: whoever has it may sign out.
// Usage: node app/main.mjs [system|session|ADDRESS]
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

import { PlexAuth } from '../dist/index.mjs';

const plex = await PlexAuth.connect({ bus: process.argv[2] || 'system', waitForDaemon: true });
const root = '/' + randomUUID() + '/';

const buttons = {
    pair: async () => { await plex.requestPin(); },
    cancel: () => plex.pin === null ? undefined : plex.cancelPin(plex.pin.id),
    'sign-out': async () => { await plex.signOut(); },
};

async function stream(response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const snapshots = plex.watch();
    response.on('close', () => snapshots.return());
    for await (const snapshot of snapshots) {
        response.write('data: ' + JSON.stringify(snapshot) + '\n\n');
    }
}

async function answer(request, response) {
    const path = request.url.startsWith(root) ? request.url.slice(root.length) : null;
    if (path === 'snapshots') {
        await stream(response);
    } else if (path === '') {
        response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
        response.end(await readFile(new URL('page.html', import.meta.url)));
    } else if (path !== null && path.startsWith('qr-')) {
        response.writeHead(200, { 'Content-Type': 'image/svg+xml', 'Cache-Control': 'no-store' });
        response.end(await plex.pinQR('svg', 8));
    } else if (path !== null && request.method === 'POST' && Object.hasOwn(buttons, path)) {
        await buttons[path]();
        response.end();
    } else {
        response.writeHead(404).end();
    }
}

const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
        if (!response.headersSent) {
            response.writeHead(503, { 'Content-Type': 'text/plain' });
        }
        response.end(String(error.code));
    });
});
server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port + root));
