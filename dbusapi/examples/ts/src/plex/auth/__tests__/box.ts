// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

import { PlexAuth, type PlexAuthConfig, type PlexAuthSnapshot } from '../index';

const PROGRAMS = process.env['PLEXAUTHD_PROGRAMS'] || resolve(__dirname, '../../../../../../../bin');

/** A machine with a bus, a plex.tv, a plexauthd and people. */
export class Box {
    public address = '';
    private readonly _dir = mkdtempSync(join(tmpdir(), 'plexauth-'));
    private readonly _opened: PlexAuth[] = [];
    private _url = '';
    private _bus: ChildProcess | null = null;
    private _plex: ChildProcess | null = null;
    private _daemon: ChildProcess | null = null;

    public static async start(): Promise<Box> {
        const box = new Box();
        await box.startBus();
        await box._startPlex();
        await box.startDaemon();
        return box;
    }

    public async stop(): Promise<void> {
        this._opened.forEach((each) => each.dispose());
        await this.killDaemon();
        await end(this._plex);
        await this.killBus();
        rmSync(this._dir, { recursive: true, force: true });
    }

    /** policy is XML: what else than everything is allowed or denied. */
    public async startBus(policy: string = ''): Promise<void> {
        const config = join(this._dir, 'bus.conf');
        this.address = 'unix:path=' + join(this._dir, 'bus');
        writeFileSync(config, busConfig(this.address, policy));
        rmSync(join(this._dir, 'bus'), { force: true });
        this._bus = spawn('dbus-daemon', ['--nofork', '--print-address', '--config-file=' + config], { stdio: ['ignore', 'pipe', 'ignore'] });
        await lineOf(this._bus, /^unix:/);
    }

    public async startDaemon(): Promise<void> {
        const config = join(this._dir, 'config.toml');
        writeFileSync(config, '[pairing]\npoll_interval = "100ms"\n');
        this._daemon = spawn(join(PROGRAMS, 'plexauthd'), [
            '--bus', this.address, '--config', config, '--state', join(this._dir, 'state', 'state.toml'),
            '--plex-url', this._url, '--log-level', 'error',
        ], { stdio: ['ignore', 'ignore', 'inherit'] });
        const plex = await PlexAuth.connect({ bus: this.address, waitForDaemon: true });
        plex.dispose();
    }

    public killDaemon(): Promise<void> {
        return end(this._daemon);
    }

    public signalDaemon(signal: NodeJS.Signals): void {
        (this._daemon as ChildProcess).kill(signal);
    }

    public async killBus(): Promise<void> {
        await end(this._bus);
    }

    /** Connects; stop() disposes of it. */
    public async connect(config: PlexAuthConfig = {}): Promise<PlexAuth> {
        const plex = await PlexAuth.connect({ bus: this.address, ...config });
        this._opened.push(plex);
        return plex;
    }

    /** Tells the simulator, as its --help says. */
    public async sim(what: string): Promise<void> {
        const response = await fetch(this._url + '/sim/' + what, { method: 'POST' });
        if (!response.ok) {
            throw new Error(what + ': ' + await response.text());
        }
    }

    /** Ada enters the code at plex.tv/link. */
    public claim(code: string): Promise<void> {
        return this.sim('claim?code=' + code);
    }

    /** Signs Ada in. */
    public async signIn(plex: PlexAuth): Promise<void> {
        const pin = await plex.requestPin();
        await this.claim(pin.code);
        await plex.pollForPin(pin.id);
    }

    private async _startPlex(): Promise<void> {
        this._plex = spawn(join(PROGRAMS, 'plextv-sim'), [
            '--listen', '127.0.0.1:0', '--user', 'Ada', '--media-server', '127.0.0.1:0',
        ], { stdio: ['ignore', 'pipe', 'inherit'] });
        const line = await lineOf(this._plex, /^listening on /);
        this._url = line.slice('listening on '.length);
    }
}

/** Resolves with the first snapshot that is as wanted. */
export async function until(plex: PlexAuth, wanted: (snapshot: PlexAuthSnapshot) => boolean): Promise<PlexAuthSnapshot> {
    for await (const snapshot of plex.watch()) {
        if (wanted(snapshot)) {
            return snapshot;
        }
    }
    throw new Error('disposed of');
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
    try {
        await promise;
    } catch (error) {
        return error;
    }
    throw new Error('it did not reject');
}

/** Kills a process and waits until it is gone. */
export async function end(child: ChildProcess | null): Promise<void> {
    if (child !== null && child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
    }
}

/** The first line of a process that is as wanted. */
export async function lineOf(child: ChildProcess, wanted: RegExp): Promise<string> {
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    return new Promise((resolved, reject) => {
        child.once('error', reject);
        child.once('exit', () => reject(new Error(child.spawnfile + ' has ended')));
        lines.on('line', (line) => {
            if (wanted.test(line)) {
                resolved(line);
            }
        });
    });
}

function busConfig(address: string, policy: string): string {
    return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>${address}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>${policy}</policy></busconfig>`;
}
