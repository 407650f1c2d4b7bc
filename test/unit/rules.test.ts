// SPDX-License-Identifier: BSD-2-Clause
// The model's verdict on a claim, row by row of ANNOUNCEMENTS.md, "State"; and the binding that comes of it.
import test from 'ava';
import {
  bound,
  judge,
  released,
  UNHELD,
  type Binding,
  type Holder,
  type Outcome,
} from '../../src/holders/rules.js';

const A: Holder = { port: 1, mac: '02:00:00:00:00:0a' };
const B: Holder = { port: 2, mac: '02:00:00:00:00:0b' };
const A_OTHER_MAC: Holder = { port: 1, mac: '02:00:00:00:00:0c' };
const A_MAC_AT_2: Holder = { port: 2, mac: A.mac };

const heldBy = (holder: Holder): Binding => ({ holder, former: holder, sinceNs: 5n, moves: 3, by: 1 });
const leftBy = (former: Holder): Binding => ({ ...heldBy(former), holder: null });

const verdict = test.macro((t, binding: Binding, by: Holder, vnic: Outcome, uplink: Outcome) => {
  t.deepEqual([judge(binding, by, false), judge(binding, by, true)], [vnic, uplink]);
});

test('the first claim ever is a bind', verdict, UNHELD, A, 'bind', 'bind');
test('the holder again is a refresh', verdict, heldBy(A), { ...A }, 'refresh', 'refresh');
test('another port with another MAC is a move', verdict, heldBy(A), B, 'move', 'move');
test(
  'another port with the same MAC is a move (VRRP virtual MAC)',
  verdict,
  heldBy(A),
  A_MAC_AT_2,
  'move',
  'move',
);
test(
  'another MAC on the port is a mac-change; behind an uplink it is another station, a move',
  verdict,
  heldBy(A),
  A_OTHER_MAC,
  'mac-change',
  'move',
);
test('the last holder again after a release is a bind', verdict, leftBy(A), A, 'bind', 'bind');
test('another port after a release is a move', verdict, leftBy(A), B, 'move', 'move');
test(
  "the last holder's MAC on another port after a release is a move",
  verdict,
  leftBy(A),
  A_MAC_AT_2,
  'move',
  'move',
);
test(
  "another MAC on the last holder's port after a release is a bind; behind an uplink a move",
  verdict,
  leftBy(A),
  A_OTHER_MAC,
  'bind',
  'move',
);

const claim = { havip: 9, by: B, kind: 2, tsNs: 77n };
const becomes = test.macro((t, outcome: Exclude<Outcome, 'refresh'>, moves: number) => {
  t.deepEqual(bound(heldBy(A), claim, outcome), { holder: B, former: A, sinceNs: 77n, moves, by: 2 });
});
test('a move is counted', becomes, 'move', 4);
test('a bind is no move', becomes, 'bind', 3);
test('a mac-change is no move', becomes, 'mac-change', 3);

test('a release keeps who it was, and how often it moved', (t) => {
  t.deepEqual(released(heldBy(A), 88n), { holder: null, former: A, sinceNs: 88n, moves: 3, by: 1 });
});
test('a release of what nobody holds keeps the one before', (t) => {
  t.deepEqual(released(leftBy(A), 88n).former, A);
});
