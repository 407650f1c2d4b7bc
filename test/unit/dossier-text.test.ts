// SPDX-License-Identifier: BSD-2-Clause
// A dossier as people read it: a crash, one that nobody noticed, names that mean to write on the terminal.
import test from 'ava';
import { dossierText, duration, stageBar } from '../../src/cli/dossier-text.js';
import { dossier } from './dossiers.js';

const T = 2n ** 53n + 1n;
const MS = 1_000_000n;

test('a crash, line by line', (t) => {
  const { stamps, ...rest } = dossier({ id: 17 });
  const whole = { ...rest, stamps: { ...stamps, firstFromNewNs: T + 3_212n * MS } };
  t.deepEqual(dossierText(whole).split('\n'), [
    'move 17  10.0.1.50 blue/web',
    '  2006-07-14T23:58:24.606Z  tap-a -> tap-b, by arp-request',
    '',
    "  outage      3,211.0 ms  from tap-a's last answer to tap-b's first",
    '   guests     3,210.0 ms  # expected 3,609.0 ms after the last advert',
    '   network        800 ns  ! from the announcement to the binding',
    '   traffic        2.0 ms  . nobody sent anything',
    '',
    `  ${'#'.repeat(59)}.`,
    '',
    '       -400.0 ms  tap-a  last VRRP advert (priority 150)',
    '          0.0 ms  tap-a  last packet as 10.0.1.50',
    '          1.0 ms  tap-a  gets its last packet',
    '          1.0 ms         first packet that nobody answered',
    '          3.0 ms  havip  releases it: port-down',
    '      3,209.0 ms  tap-b  first probe or VRRP advert',
    '      3,210.0 ms  tap-b  announces 10.0.1.50 (arp-request)',
    '      3,210.0 ms  havip  has it in the map, 800 ns later',
    '      3,211.0 ms  tap-b  gets its first packet',
    '      3,212.0 ms  tap-b  first packet as 10.0.1.50',
    '',
    '  set advert_int to 0.1',
    '',
  ]);
});

test('none seen, from nobody', (t) => {
  const text = dossierText(dossier({ from: null, outageNs: null, basis: 'none', stages: [] }));
  t.regex(text, /nobody -> tap-b/);
  t.regex(text, /outage {5}none seen\n\n {2}/);
});

test('names cannot speak to the terminal, and long advice is folded', (t) => {
  const bad = { port: '\x1b]0;x\x07', mac: '' };
  const text = dossierText(dossier({ to: bad, advice: 'word '.repeat(60).trim() }));
  t.false(text.includes('\x1b') || text.includes('\x07'));
  for (const line of text.split('\n').slice(-6)) t.true(line.length <= 78, line);
});

test('the bar has a mark for each stage, and as many as there is room', (t) => {
  const stage = (share: 'guests' | 'network' | 'traffic', ms: number) =>
    ({ name: 'x', share, startNs: 0n, endNs: BigInt(ms) * MS }) as const;
  t.is(
    stageBar([stage('guests', 3000), stage('network', 0), stage('guests', 1000)], 43),
    `${'#'.repeat(31)}!${'#'.repeat(11)}`,
  );
  t.is(stageBar([], 40), '');
  t.regex(stageBar([stage('network', 1)], 4, true), /^\x1b\[31m!!!!\x1b\[39m$/);
});

test('durations', (t) => {
  t.deepEqual([800n, 1_500n, 99_900n, 100_000n, 3_505_500_000n].map(duration), [
    '800 ns',
    '1.5 µs',
    '99.9 µs',
    '0.1 ms',
    '3,505.5 ms',
  ]);
});
