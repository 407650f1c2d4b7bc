// SPDX-License-Identifier: BSD-2-Clause
// The holder registry: what each claim and each leaving port makes of the binding, and what is told of it. Times are
// milliseconds of a clock that the tests turn.
import test from 'ava';
import { UNHELD, type Binding } from '../../src/holders/rules.js';
import { BOUND, DAMPING, holder, MS, RegistryWorld, slotOf, story, V } from './registry-world.js';

test('the first claim binds', story, [BOUND], 'a', 0);
test('the holder again changes nothing', story, [BOUND, [['claim', 'a', 2], '']], 'a', 0);
test('another port moves it', story, [BOUND, [['claim', 'b', 2], 'move a>b']], 'b', 1);
test(
  'another MAC on the same vNIC is a mac-change',
  story,
  [BOUND, [['claim', 'A', 2], 'mac-change a>A']],
  'A',
  0,
);
test(
  'another MAC behind the uplink is a move',
  story,
  [
    [['claim', 'x', 1], 'bind ->x'],
    [['claim', 'y', 2], 'move x>y'],
  ],
  'y',
  1,
);
test('a leaving port releases', story, [BOUND, [['release', 'a', 2], 'release a>-']], '-', 0);
test('a port that holds nothing leaves without a word', story, [BOUND, [['release', 'b', 2], '']], 'a', 0);
test(
  'a second release of one port says nothing',
  story,
  [BOUND, [['release', 'a', 2], 'release a>-'], [['release', 'a', 3], '']],
  '-',
  0,
);
test(
  'the same port after a release binds',
  story,
  [BOUND, [['release', 'a', 2], 'release a>-'], [['claim', 'a', 3], 'bind ->a']],
  'a',
  0,
);
test(
  'another port after a release moves, from the last holder',
  story,
  [BOUND, [['release', 'a', 2], 'release a>-'], [['claim', 'b', 3], 'move a>b']],
  'b',
  1,
);
test(
  'another MAC of the same port after a release binds',
  story,
  [BOUND, [['release', 'a', 2], 'release a>-'], [['claim', 'A', 3], 'bind ->A']],
  'A',
  0,
);
test(
  'a claim that is replayed changes nothing',
  story,
  [BOUND, [['claim', 'b', 5], 'move a>b'], [['claim', 'b', 5], ''], [['claim', 'a', 1], '']],
  'b',
  1,
);
test(
  'an older claim of a third changes nothing',
  story,
  [BOUND, [['claim', 'b', 5], 'move a>b'], [['claim', 'c', 4], '']],
  'b',
  1,
);
test(
  'a claim of the same instant as the last changes nothing',
  story,
  [BOUND, [['claim', 'b', 1], '']],
  'a',
  0,
);
test(
  "a holder's repeat makes older claims old",
  story,
  [BOUND, [['claim', 'a', 7], ''], [['claim', 'b', 5], '']],
  'a',
  0,
);
test(
  'a claim that reached the hook before a release is still applied after it',
  story,
  [BOUND, [['release', 'a', 50], 'release a>-'], [['claim', 'b', 40, 51], 'move a>b']],
  'b',
  1,
);
test(
  'releases spend no budget, and neither do binds',
  story,
  [
    BOUND,
    [['release', 'a', 2], 'release a>-'],
    [['claim', 'a', 3], 'bind ->a'],
    [['release', 'a', 4], 'release a>-'],
    [['claim', 'a', 5], 'bind ->a'],
    [['claim', 'A', 6], 'mac-change a>A'],
    [['claim', 'b', 7], 'move A>b'],
    [['claim', 'c', 8], 'move b>c'],
    [['claim', 'a', 9], 'flap c>a (nothing written)'],
  ],
  'c',
  2,
);
test('the binding names the frame: its kind, its arrival and the reason told', (t) => {
  const { registry } = new RegistryWorld();
  const change = registry.claim({ havip: V, by: holder('a'), kind: 4, tsNs: 7n }, 9n);
  const binding = { holder: holder('a'), former: null, sinceNs: 7n, moves: 0, by: 4 };
  const event = { kind: 'bind', havip: V, tsNs: 7n, from: null, to: holder('a'), reason: 'kind-4' };
  t.deepEqual(change, { havip: V, binding, events: [event] });
});

test('a release names its cause and its own time', (t) => {
  const { registry } = new RegistryWorld();
  registry.claim({ havip: V, by: holder('a'), kind: 1, tsNs: 7n }, 9n);
  const [change] = registry.release(slotOf('a'), 'port-down', 12n);
  t.deepEqual(change?.events, [
    { kind: 'release', havip: V, tsNs: 12n, from: holder('a'), to: null, reason: 'port-down' },
  ]);
  t.deepEqual(change?.binding, { holder: null, former: holder('a'), sinceNs: 12n, moves: 0, by: 1 });
});

test('a port that leaves releases every HAVIP that it holds, and no other', (t) => {
  const { registry } = new RegistryWorld();
  for (const havip of [1, 2, 3, 4]) {
    registry.define(havip, DAMPING);
    registry.claim({ havip, by: holder(havip === 3 ? 'b' : 'a'), kind: 1, tsNs: 5n }, 5n);
  }
  registry.claim({ havip: 4, by: holder('b'), kind: 1, tsNs: 6n }, 6n);
  t.deepEqual(registry.heldAt(slotOf('a')), [1, 2]);
  t.deepEqual(
    registry.release(slotOf('a'), 'port-left', 8n).map(({ havip }) => havip),
    [1, 2],
  );
  t.deepEqual(registry.heldAt(slotOf('a')), []);
  t.deepEqual(registry.heldAt(slotOf('b')), [3, 4]);
});

test('what an earlier run left is carried on: its claims are old, its holder is indexed', (t) => {
  const pinned: Binding = { holder: holder('a'), former: holder('a'), sinceNs: 50n * MS, moves: 7, by: 1 };
  const world = new RegistryWorld(pinned);
  t.deepEqual(world.registry.heldAt(slotOf('a')), [V]);
  t.is(world.claim('a', 50), '');
  t.is(world.claim('b', 49), '');
  t.is(world.claim('b', 51), 'move a>b');
  t.is(world.moves(), 8);
});

test('a HAVIP that is defined again keeps its holder and takes the new budget', (t) => {
  const world = new RegistryWorld();
  world.claim('a', 1);
  world.registry.define(V, { moves: 1, windowMs: 100 }, UNHELD);
  t.is(world.held(), 'a');
  t.is(world.claim('b', 2), 'move a>b');
  t.is(world.claim('a', 3), 'flap b>a (nothing written)');
});

test('a HAVIP that was taken out is forgotten whole', (t) => {
  const world = new RegistryWorld();
  for (const [party, at] of [
    ['a', 1],
    ['b', 2],
    ['a', 3],
    ['b', 4],
  ] as const)
    world.claim(party, at);
  t.true(world.registry.isFlapping(V));
  world.registry.undefine(V);
  t.is(world.registry.binding(V), undefined);
  t.false(world.registry.isFlapping(V));
  t.is(world.dueMs(), null);
  t.deepEqual(world.registry.heldAt(slotOf('a')), []);
  t.is(world.claim('a', 9), '');
  t.is(world.due(1000), '');
  t.deepEqual(world.registry.release(slotOf('a'), 'port-left', 10n), []);
});

test('the next due time is the earliest window of all HAVIPs', (t) => {
  const world = new RegistryWorld();
  t.is(world.dueMs(), null);
  for (const [party, at] of [
    ['a', 1],
    ['b', 10],
    ['a', 20],
    ['b', 30],
  ] as const)
    world.claim(party, at);
  t.is(world.dueMs(), 110);
  world.registry.define(2, { moves: 1, windowMs: 50 });
  for (const [party, at] of [
    ['a', 1n],
    ['b', 31n],
    ['a', 32n],
  ] as const) {
    world.registry.claim({ havip: 2, by: holder(party), kind: 1, tsNs: at * MS }, at * MS);
  }
  t.is(world.dueMs(), 81);
  t.is(world.registry.isFlapping(2), true);
});

test('an answer to one station finds a holder where there is none, and displaces nobody', (t) => {
  const answer = (party: 'a' | 'b', ms: number) =>
    ({ havip: V, by: holder(party), kind: 3, tsNs: BigInt(ms) * MS, onlyUnheld: true }) as const;
  const { registry } = new RegistryWorld();
  t.is(registry.claim(answer('a', 1), MS)?.events[0]?.kind, 'bind');
  t.is(registry.claim(answer('b', 2), 2n * MS), null);
  t.deepEqual(registry.binding(V)?.holder, holder('a'));
});

test('history costs nothing of the move budget', (t) => {
  const { registry } = new RegistryWorld();
  const claim = (party: 'a' | 'b', ms: number, free: boolean) =>
    registry.claim({ havip: V, by: holder(party), kind: 1, tsNs: BigInt(ms) * MS }, 50n * MS, free);
  claim('a', 1, true);
  for (let ms = 2; ms < 2 + 2 * DAMPING.moves; ms++)
    t.is(claim(ms % 2 ? 'a' : 'b', ms, true)?.events[0]?.kind, 'move');
  for (let i = 0; i < DAMPING.moves; i++)
    t.is(claim(i % 2 ? 'a' : 'b', 20 + i, false)?.events[0]?.kind, 'move');
  t.is(claim(DAMPING.moves % 2 ? 'a' : 'b', 30, false)?.events[0]?.kind, 'flap');
});
