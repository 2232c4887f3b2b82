// SPDX-License-Identifier: Apache-2.0
// Run by failures.test.ts: does one thing, and ends if nothing is left open.
const [index, how, bus] = process.argv.slice(2);
const { PlexAuth } = require(index);

process.on('exit', (status) => console.log(status === 0 ? 'ended' : 'failed'));

async function main() {
    if (how === 'no-bus') {
        await PlexAuth.connect({ bus: 'unix:path=/nowhere' }).catch(() => undefined);
        return;
    }
    if (how === 'no-daemon') {
        await PlexAuth.connect({ bus }).then(() => process.exit(1), () => undefined);
        return;
    }
    const plex = await PlexAuth.connect({ bus });
    if (how === 'disposed-in-call') {
        plex.requestPin().catch(() => undefined);
        const stream = plex.watch();
        stream.next();
        stream.next();
    }
    plex.dispose();
}

main();
