// SPDX-License-Identifier: BSD-2-Clause
// What has to be so before a demo or a lab for people is built: root, the tools that Debian's packages bring, a
// prefix that no other demo has; and what killed demos left behind is swept.
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HavipError } from '../errors.js';
import { labPrefixes, removeLab } from './cleanup.js';
import { tool } from './lab.js';

/** One at a time; namespaces are called `haviplab-NAME`. */
export const KEPT_PREFIX = 'haviplab';

const DEMO_PREFIX = 'havipdemo';

const PACKAGES = {
  keepalived: 'keepalived',
  ip: 'iproute2',
  ethtool: 'ethtool',
  sysctl: 'procps',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  mount: 'mount',
  curl: 'curl',
} as const;

/** Errors: PERMISSION. */
export function requireRoot(): void {
  if (process.geteuid?.() === 0) return;
  const cure = 'run it as root; it touches nothing outside network namespaces of its own';
  throw new HavipError('PERMISSION', 'the lab makes network namespaces and loads BPF programs', { cure });
}

/**
 * @param more Other tools, and Debian's packages that have them.
 * Errors: PERMISSION when not root, FAILED when something is missing, with the package that has it.
 */
export function requireMeans(more: Readonly<Record<string, string>> = {}): void {
  requireRoot();
  // `su` without `-` leaves root with a user's path, in which none of these is.
  process.env.PATH = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;
  const missing = Object.entries({ ...PACKAGES, ...more }).filter(([name]) => !isInPath(name));
  if (missing.length > 0) throw lacking(missing);
  if (!isExecutable(tool('stream'))) {
    throw new HavipError('FAILED', `${tool('stream')} is not built`, { cure: 'make' });
  }
}

function lacking(missing: readonly (readonly [string, string])[]): HavipError {
  const names = missing.map(([name]) => name).join(', ');
  const packages = [...new Set(missing.map(([, debian]) => debian))].join(' ');
  return new HavipError('FAILED', `not installed: ${names} (Debian: ${packages})`, {
    cure: `apt-get install ${packages}`,
  });
}

export function isInPath(name: string): boolean {
  const folders = (process.env.PATH ?? '').split(':').filter(Boolean);
  return folders.some((folder) => isExecutable(join(folder, name)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** By process, so that two demos do not meet. */
export function demoPrefix(): string {
  return `${DEMO_PREFIX}${process.pid}`;
}

/** Takes away what demos left that were killed. @returns their prefixes */
export async function sweepDeadDemos(): Promise<string[]> {
  const dead = (await labPrefixes()).filter(isDeadDemo);
  // What is left is the next start's: another demo may be sweeping the same one right now.
  for (const prefix of dead) await removeLab(prefix);
  return dead;
}

function isDeadDemo(prefix: string): boolean {
  const pid = new RegExp(`^${DEMO_PREFIX}(\\d+)$`).exec(prefix)?.[1];
  return pid !== undefined && !isDemo(Number(pid));
}

/** Not any process of that number: numbers come round again. */
function isDemo(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes('demo');
  } catch {
    return false;
  }
}
