// SPDX-License-Identifier: BSD-2-Clause
// One row of the doctor's tests: a host that is spoiled in one way, all that is found wrong with it, and cures that a
// shell takes.
import test from 'ava';
import { execFileSync } from 'node:child_process';
import { examine } from '../../src/doctor/checks.js';
import type { Finding } from '../../src/doctor/finding.js';
import type { Looks } from '../../src/doctor/look.js';
import type { Sight } from '../../src/doctor/sight.js';
import * as seen from './sights.js';

export const looksOf = (sight: Sight): Looks =>
  Object.fromEntries(
    Object.entries(sight).map(([name, value]: [string, unknown]) => [name, { value }]),
  ) as unknown as Looks;

/** What is not ok on a host that is sound but for this. */
export const findingsOf = (change: Partial<Sight>): Finding[] =>
  examine(looksOf(seen.sight(change))).filter(({ state }) => state !== 'ok');

/** @param wanted `state area check`, all of them. */
export const finds = test.macro({
  exec(t, change: Partial<Sight>, wanted: readonly string[], says: RegExp) {
    const findings = examine(looksOf(seen.sight(change))).filter(({ state }) => state !== 'ok');
    t.deepEqual(
      findings.map(({ state, area, check }) => `${state} ${area} ${check}`),
      wanted,
    );
    t.regex(findings.map(({ detail, cure }) => `${detail} | ${cure}`).join('\n'), says);
    for (const { cure } of findings)
      t.notThrows(() => execFileSync('sh', ['-n', '-c', cure ?? '"']), cure ?? '');
  },
  title: (title) => `found: ${title ?? ''}`,
});
