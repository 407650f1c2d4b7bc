// SPDX-License-Identifier: BSD-2-Clause
// How the doctor runs its checks: a sound host has no warning, what was not seen is said, nobody sees more than it asks for.
import test from 'ava';
import { execFileSync } from 'node:child_process';
import { CHECKS, examine } from '../../src/doctor/checks.js';
import { some, word } from '../../src/doctor/finding.js';
import type { Looks } from '../../src/doctor/look.js';
import { servedSubnets } from '../../src/doctor/served.js';
import type { Sight } from '../../src/doctor/sight.js';
import { HavipError } from '../../src/errors.js';
import { looksOf } from './doctor-finds.js';
import * as seen from './sights.js';

test('a sound host has no warning, whichever check looks at it', (t) => {
  const findings = examine(looksOf(seen.sight()));
  t.deepEqual(
    findings.filter(({ state }) => state !== 'ok'),
    [],
  );
  t.true(findings.length > 20);
});

test('what may not be looked at is one warning, what cannot is a failure, and the rest is judged', (t) => {
  const looks: Looks = {
    ...looksOf(seen.sight()),
    maps: { error: new HavipError('PERMISSION', 'EPERM') },
    programs: { error: new HavipError('PERMISSION', 'EPERM') },
    network: { error: new HavipError('FAILED', 'netlink RTM_GETLINK: ENOBUFS') },
  };
  const findings = examine(looks);
  t.deepEqual(
    findings.filter(({ state }) => state !== 'ok').map(({ check, detail }) => `${check}: ${detail}`),
    ['unseen: may not look at: programs, maps', 'look at network: netlink RTM_GETLINK: ENOBUFS'],
  );
  t.true(findings.some(({ area }) => area === 'kernel'));
});

test('a check asks for what it needs and sees no more', (t) => {
  const sight = seen.sight();
  for (const { needs, run } of CHECKS) {
    const only = Object.fromEntries(needs.map((need) => [need, sight[need]])) as unknown as Sight;
    t.notThrows(() => run(only));
  }
});

test('without a file the pinned ports say what is served', (t) => {
  t.like(servedSubnets(seen.maps()), [{ bridge: 'br0', uplinks: ['eth1'], gateways: [] }]);
  t.deepEqual(servedSubnets(null), []);
});

test('long lists are cut, and words of a shell are quoted', (t) => {
  t.is(some(['a', 'b', 'c'], 2), 'a, b and 1 more');
  t.is(word('tap-1'), 'tap-1');
  t.is(execFileSync('sh', ['-c', `printf %s ${word("a'; rm -rf $x")}`]).toString(), "a'; rm -rf $x");
});
