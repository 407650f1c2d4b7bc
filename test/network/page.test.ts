// SPDX-License-Identifier: BSD-2-Clause
// The status page in a real Chromium: over a real daemon that fails over, dies and comes back; and over a made-up bad
// day, by keyboard alone.
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { browserIn, focused, keepPicture, type Browser } from '../support/browser.js';
import { startDaemon, writeConfig, type Daemon } from '../support/daemon.js';
import { labFor } from '../support/lab.js';
import { pairLab, takeOver } from '../support/pair.js';

const URL_OF = 'http://127.0.0.1:9478/';
const SHOW = fileURLToPath(new URL('../support/page-show.js', import.meta.url));
/** Chromium says so of each try while the daemon is gone; nothing else is forgiven. */
const UNREACHABLE =
  /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)/;

function start(lab: Lab): Promise<Daemon> {
  const place = ['--bridge', 'br-web', '--vip', `${VIP}/24`, '--metrics', '127.0.0.1:0'];
  return startDaemon(lab, { flags: [...place, '--web', '127.0.0.1:9478'] });
}

function checkQuiet(t: ExecutionContext, { complaints, requests }: Browser): void {
  t.deepEqual(
    complaints.filter((one) => !UNREACHABLE.test(one)),
    [],
  );
  t.deepEqual(
    requests.filter((one) => !one.startsWith(URL_OF)),
    [],
    'nothing is asked of anybody else',
  );
  t.true(requests.length > 5);
}

test.serial('a failover, the death of the daemon and its return, without a reload', async (t) => {
  const lab = await pairLab(t);
  const first = await start(lab);
  t.regex(first.child.stderr, /"web":"127.0.0.1:9478"/);
  await takeOver(lab, 'vm-a');
  const browser = await browserIn(t, lab);
  const { page } = browser;
  await page.goto(URL_OF);
  await page.evaluate('window.kept = "never reloaded"');
  const row = page.locator('#table tbody tr', { hasText: VIP });
  await row.locator('.port', { hasText: lab.port('vm-a') }).waitFor();
  await row.locator('.state.held', { hasText: 'held' }).waitFor();
  await page
    .locator('#ports tr', { hasText: lab.port('vm-b') })
    .filter({ hasText: 'attached, up' })
    .waitFor();

  await takeOver(lab, 'vm-b');
  await row.locator('.port', { hasText: lab.port('vm-b') }).waitFor();
  await page
    .locator('#events tr', { hasText: 'move' })
    .filter({ hasText: lab.port('vm-b') })
    .waitFor();
  await page
    .locator('.move', { hasText: lab.port('vm-b') })
    .first()
    .waitFor({ state: 'attached' });
  t.is((await traffic.ping(lab, 'client', VIP, 3)).received, 3);
  await row.locator('.c-packets', { hasText: /^[1-9]/ }).waitFor();

  const before = await page.locator('#daemon').textContent();
  await first.kill();
  await page.locator('body[data-live=no]').waitFor();
  await page.locator('#lost', { hasText: /What is shown is [2-9] s old, from \d\d:\d\d:\d\d UTC/ }).waitFor();
  t.regex(
    await page.evaluate<string>('getComputedStyle(document.querySelector("main")).filter'),
    /grayscale/,
  );
  t.true(await row.isVisible(), 'the last state stays to be read');
  await keepPicture(page, 'page-gone');

  const second = await start(lab);
  await page.locator('body[data-live=yes]').waitFor();
  t.true(await page.locator('#lost').isHidden());
  await page.locator('#daemon', { hasText: `process ${second.pid}` }).waitFor();
  t.not(await page.locator('#daemon').textContent(), before);
  await row.locator('.port', { hasText: lab.port('vm-b') }).waitFor();
  t.is(await page.evaluate('window.kept'), 'never reloaded');
  checkQuiet(t, browser);
});

test.serial('a stale configuration and a bridge that is not there are said at the top', async (t) => {
  const lab = await pairLab(t);
  const subnet = { name: 'web', cidr: '10.0.1.0/24', havips: [{ address: VIP }] };
  const other = { name: 'late', cidr: '10.0.9.0/24', bridge: 'br-late' };
  const places = { web: { listen: '127.0.0.1:9478' }, metrics: { listen: 'off' } };
  const config = {
    ...places,
    networks: [{ name: 'blue', subnets: [{ ...subnet, bridge: 'br-web' }, other] }],
  };
  const daemon = await startDaemon(lab, { config });
  const browser = await browserIn(t, lab);
  await browser.page.goto(URL_OF);
  await browser.page.locator('#config .warn', { hasText: 'bridge br-late' }).waitFor();
  await writeConfig(lab, 'networks:\n  - name: blue\n    brigde: x\n');
  process.kill(daemon.pid, 'SIGHUP');
  await browser.page.locator('#config .bad', { hasText: 'Configuration stale' }).waitFor();
  await browser.page.locator('#config code', { hasText: 'brigde' }).waitFor();
  checkQuiet(t, browser);
});

/** Chromium over a made-up worker, in a namespace of its own. */
async function shown(t: ExecutionContext, ...scene: string[]): Promise<Browser> {
  const lab = await labFor(t);
  await lab.addNamespace('hv');
  const server = lab.spawn('hv', [process.execPath, SHOW, '9478', ...scene]);
  await server.waitFor(/^http/);
  const browser = await browserIn(t, lab);
  await browser.page.goto(URL_OF);
  await browser.page.locator('body[data-live=yes]').waitFor();
  return browser;
}

test.serial('a dossier by keyboard alone: opened, read, zoomed, closed', async (t) => {
  const browser = await shown(t, 'busy');
  const { page } = browser;
  await page.locator('.move').first().waitFor();
  for (let stops = 0; !(await focused(page)).startsWith('Failovers over time'); stops += 1) {
    if (stops === 40) return t.fail('the timeline is not reached by the Tab key');
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('End');
  await page
    .locator('#timeline-said', { hasText: /10\.0\.1\.50: tap-a → tap-b, outage 3\.51 s/ })
    .waitFor({ state: 'attached' });
  t.is(await page.locator('.move.chosen').count(), 1);
  await page.keyboard.press('ArrowLeft');
  await page.locator('#timeline-said', { hasText: /^10\.0\.1\.9: / }).waitFor({ state: 'attached' });
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  t.regex(await focused(page), /10\.0\.1\.50 from tap-a to tap-b/);
  const text = (await page.locator('#dossier').textContent()) ?? '';
  for (const figure of [
    '3,505.500000 ms',
    '0.480000 ms',
    '0.610000 ms',
    '3,609.000000 ms',
    'advert_int 0.1',
    '+0.480000 ms',
  ])
    t.true(text.includes(figure), figure);
  const fills =
    '[...document.querySelectorAll(".move.chosen rect.edge")].map((one) => one.getAttribute("fill"))';
  const shares = ['guests', 'guests', 'network', 'traffic', 'guests'];
  t.deepEqual(
    await page.evaluate(fills),
    shares.map((share) => `url(#p-${share})`),
  );
  await keepPicture(page, 'page-light');
  await page.keyboard.press('Escape');
  t.true(await page.locator('#dossier').isHidden());
  t.regex(await focused(page), /^Failovers over time/);
  checkQuiet(t, browser);
});

test.serial('the table by keyboard: sort, move, choose; and the theme is remembered', async (t) => {
  const browser = await shown(t, 'busy');
  const { page } = browser;
  await page.getByRole('button', { name: 'Moves', exact: true }).press('Enter');
  await page.locator('th[aria-sort=descending]', { hasText: 'Moves' }).waitFor();
  await page.locator('#table tbody tr:first-child', { hasText: '10.0.1.9' }).waitFor();
  await page.locator('#table tbody tr:first-child button').focus();
  await page.keyboard.press('ArrowDown');
  t.is(await focused(page), '10.0.1.51');
  await page.keyboard.press('Enter');
  await page.locator('#table tr[aria-current=true]', { hasText: '10.0.1.51' }).waitFor();
  await page.locator('#chosen', { hasText: 'split brain' }).waitFor();
  await page
    .locator('#alarms[role=alert]', { hasText: 'Split brain: two guests speak for 1 HAVIP' })
    .waitFor();
  await page.getByRole('searchbox').fill('eth1');
  await page.locator('#pager', { hasText: '1 HAVIP' }).waitFor();
  await page.getByRole('searchbox').fill('');
  await page.getByRole('button', { name: /Dark/ }).press('Enter');
  await page.reload();
  t.is(await page.evaluate('document.documentElement.dataset.theme'), 'dark');
  await page.locator('.move').first().waitFor();
  await page.waitForTimeout(3000);
  await keepPicture(page, 'page-dark');
  checkQuiet(t, browser);
});

test.serial('names that somebody made up are text, with their control characters shown', async (t) => {
  const browser = await shown(t, 'hostile');
  const { page } = browser;
  await page.locator('#table tbody tr', { hasText: '10.9.0.6' }).waitFor();
  await page.locator('#timeline').press('End');
  await page.keyboard.press('Enter');
  for (const place of ['#table', '#ports', '#events', '#config']) {
    const text = (await page.locator(place).textContent()) ?? '';
    for (const shownAs of [
      '<script>document.title="owned"</script>',
      '<img src=x onerror=alert(1)>',
      '__proto__',
      '../../etc/passwd',
      'abc\\u202egpj.exe',
      'tab\\x09bell\\x07esc\\x1b[31m',
    ])
      t.true(text.includes(shownAs), `${place}: ${shownAs}`);
  }
  t.notRegex(
    (await page.locator('body').textContent()) ?? '',
    /[\u0000-\u0008\u000b-\u001f\u202a-\u202e\u2066-\u2069]/,
  );
  t.is(await page.locator('body script, body img:not(.top img)').count(), 0);
  t.notRegex(await page.title(), /owned/);
  await keepPicture(page, 'page-hostile');
  checkQuiet(t, browser);
});

async function makeNarrow(t: ExecutionContext, page: Page): Promise<void> {
  await page.setViewportSize({ width: 380, height: 700 });
  const width = await page.evaluate<number>('document.documentElement.scrollWidth');
  t.true(width <= 380, `nothing sticks out on a phone: ${width} pixels`);
}

test.serial('made narrow, the page is so before its pictures are drawn anew', async (t) => {
  const browser = await shown(t, 'busy');
  const { page } = browser;
  await page.addInitScript('window.ResizeObserver = class { observe() {} }');
  await page.reload();
  await page.locator('.move').first().waitFor({ state: 'attached' });
  await page.locator('.uplot').waitFor();
  await makeNarrow(t, page);
  checkQuiet(t, browser);
});

test.serial('nothing yet is said in words', async (t) => {
  const browser = await shown(t, 'empty');
  const { page } = browser;
  await page.getByText('No HAVIP is configured.').waitFor();
  await page.getByText('No address has moved since the daemon began to remember.').waitFor();
  await page.getByText('No port is served.').waitFor();
  await makeNarrow(t, page);
  await keepPicture(page, 'page-empty-narrow');
  checkQuiet(t, browser);
});

test.serial('10,000 HAVIPs: one page of rows, and the browser is not held up', async (t) => {
  const browser = await shown(t, 'many', '10000');
  const { page } = browser;
  await page.locator('#pager', { hasText: '10,000 HAVIPs, page 1 of 200' }).waitFor();
  await page.evaluate(
    'new PerformanceObserver((list) => { window.longest = Math.max(window.longest ?? 0, ...list.getEntries().map((e) => e.duration)); }).observe({ type: "longtask" })',
  );
  await page.getByRole('button', { name: 'Next ›' }).click();
  await page.locator('#pager', { hasText: 'page 2 of 200' }).waitFor();
  await page.waitForTimeout(5000);
  t.true((await page.locator('#table tbody tr').count()) <= 51);
  const longest = Number(await page.evaluate('window.longest ?? 0'));
  t.log(`longest task of the page in 5 s: ${longest.toFixed(0)} ms`);
  t.true(longest < 1000, `${longest} ms`);
  checkQuiet(t, browser);
});
