// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';

import { chromium, type Browser, type Page } from 'playwright-core';

import { Box, end, lineOf } from '../../plex/auth/__tests__/box';

const ROOT = resolve(__dirname, '../../..');
const SCREENSHOTS = resolve(ROOT, 'dist/screenshots');

let box: Box;
let app: ChildProcess;
let browser: Browser;
beforeEach(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    box = await Box.start();
    app = spawn(process.execPath, [resolve(ROOT, 'app/main.mjs'), box.address], { stdio: ['ignore', 'pipe', 'inherit'] });
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
});
afterEach(async () => {
    await browser.close();
    await end(app);
    await box.stop();
});

test('the app pairs, shows code, QR and user, outlives plexauthd, and signs out', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    page.setDefaultTimeout(60000);
    await page.goto(await lineOf(app, /^http:/));
    await page.click('text=Sign in');
    await page.locator('#pairing').waitFor();
    await page.waitForFunction('document.getElementById("qr").naturalWidth > 0');
    await shoot(page, 'pairing');
    const code = await page.locator('#code').innerText();
    await box.claim(code);
    await page.locator('text=Signed in as Ada').waitFor();
    await box.killDaemon();
    await page.locator('text=Waiting for plexauthd.').waitFor();
    await shoot(page, 'away');
    expect(await page.locator('#in').isVisible()).toBe(true);
    await box.startDaemon();
    await page.locator('#away').waitFor({ state: 'hidden' });
    await shoot(page, 'signed-in');
    await page.click('text=Sign out');
    await page.locator('text=Nobody is signed in').waitFor();
    await shoot(page, 'signed-out');
    expect(await page.locator('#error').innerText()).toBe('');
});

async function shoot(page: Page, name: string): Promise<void> {
    await page.screenshot({ path: resolve(SCREENSHOTS, name + '.png') });
}
