// SPDX-License-Identifier: BSD-2-Clause
// Labs for ava tests: one with a prefix of its own for each test, gone when the test is over, and labs of test
// runs that were killed cleared away.
import { existsSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import type { ExecutionContext } from 'ava';
import { labPrefixes } from '../../src/lab/cleanup.js';
import { Lab } from '../../src/lab/lab.js';
import { standardLab, type StandardLabOptions } from '../../src/lab/topology.js';

export { isClean, leftovers } from '../../src/lab/cleanup.js';

let labs = 0;

/** A test of the network that cannot run is a failure: skipped, it would look like one that passed. */
export function requireRoot(): void {
  if (process.getuid?.() !== 0)
    throw new Error('network tests make namespaces and load BPF: run them as root');
}

/** A prefix that no other test has: ava runs test files in threads of one process. */
export function uniquePrefix(): string {
  labs += 1;
  return `ht${process.pid}x${threadId * 1000 + labs}`;
}

/** An empty lab, closed when the test ends. */
export async function labFor(t: ExecutionContext): Promise<Lab> {
  requireRoot();
  if (labs === 0) await removeOrphans();
  const lab = await Lab.create({ prefix: uniquePrefix() });
  t.teardown(() => lab.close());
  return lab;
}

/** The standard lab, closed when the test ends. */
export async function standardLabFor(t: ExecutionContext, options: StandardLabOptions = {}): Promise<Lab> {
  const lab = await labFor(t);
  await standardLab(lab, options);
  return lab;
}

/** Labs of test runs that no longer live: ava that is interrupted runs no teardown. */
async function removeOrphans(): Promise<void> {
  for (const prefix of await labPrefixes()) {
    const pid = /^ht(\d+)x\d+$/.exec(prefix)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await Lab.remove(prefix);
  }
}

/** Asks until it is so. For what the kernel does in its own time; give it a limit that a defect would pass. */
export async function eventually(
  what: string,
  isSo: () => Promise<boolean>,
  timeoutMs = 5000,
): Promise<void> {
  for (const end = Date.now() + timeoutMs; Date.now() < end;) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}`);
}
