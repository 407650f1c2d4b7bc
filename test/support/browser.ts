// SPDX-License-Identifier: BSD-2-Clause
// Debian's Chromium inside a namespace of a lab, where the daemon's loopback is, and from where no other place can
// be reached. What the page logs, asks for and throws is kept.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { chromium, type Page } from 'playwright-core';
import type { Lab } from '../../src/lab/lab.js';
import { namespacePath } from '../../src/lab/cleanup.js';

const CHROMIUM = '/usr/bin/chromium';
/** It runs as root, in a namespace without a way out; and is not to look for one. */
const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
];

export interface Browser {
  readonly page: Page;
  /** Errors and warnings of the console, and what was thrown. */
  readonly complaints: string[];
  /** Every address that was asked for. */
  readonly requests: string[];
}

/** Closed when the test ends. */
export async function browserIn(t: ExecutionContext, lab: Lab, ns = 'hv'): Promise<Browser> {
  const context = await chromium.launchPersistentContext(join(lab.tempDir, 'chromium'), {
    ...{ executablePath: await wrapper(lab, ns), headless: true, args: FLAGS },
    viewport: { width: 1440, height: 900 },
  });
  t.teardown(() => context.close());
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const browser: Browser = { page, complaints: [], requests: [] };
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) browser.complaints.push(message.text());
  });
  page.on('pageerror', (error) => browser.complaints.push(error.message));
  context.on('request', (request) => browser.requests.push(request.url()));
  return browser;
}

/** The pipe that Playwright speaks through passes nsenter by. */
async function wrapper(lab: Lab, ns: string): Promise<string> {
  const path = join(lab.tempDir, 'chromium.sh');
  const enter = `nsenter --net=${namespacePath(lab.namespace(ns))}`;
  await writeFile(path, `#!/bin/sh\nexec ${enter} -- ${CHROMIUM} "$@"\n`, { mode: 0o700 });
  return path;
}

const ARTIFACTS = process.env.CI_ARTIFACTS ?? fileURLToPath(new URL('../../artifacts/', import.meta.url));

/** Kept for whoever looks at a run of the tests. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  await mkdir(ARTIFACTS, { recursive: true });
  await page.screenshot({ path: join(ARTIFACTS, `${name}.png`), fullPage: true });
}

/** Where the focus is, by the words that a reader hears. */
export const focused = (page: Page): Promise<string> =>
  page.evaluate(
    '(document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent).trim()',
  );
