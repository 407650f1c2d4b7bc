// SPDX-License-Identifier: BSD-2-Clause
// The model's word on what the programs decided: it agrees with what it would have done itself, and with nothing else;
// and it knows the holder afterwards either way.
import test from 'ava';
import type { Decision, DecisionResult } from '../../src/holders/decisions.js';
import { UNHELD, type Binding, type Holder } from '../../src/holders/rules.js';
import { holder, MS, RegistryWorld, slotOf, V, type Party } from './registry-world.js';

const NOBODY = { holder: null, former: null, moves: 0 };
const heldBy = (who: Holder, former: Holder | null = null, moves = 0): Decision['before'] => ({
  holder: who,
  former,
  moves,
});

function decision(party: Party, ms: number, result: DecisionResult, before: Decision['before']): Decision {
  const claim = { havip: V, by: holder(party), kind: 1, tsNs: BigInt(ms) * MS };
  return { claim, result, before, decidedNs: claim.tsNs, ordered: false };
}

const [a, b] = [holder('a'), holder('b')];
const HELD: Binding = { ...UNHELD, holder: a, sinceNs: 1n };

const judged = test.macro((t, given: Decision, agrees: boolean, held: string, binding: Binding = HELD) => {
  const world = new RegistryWorld(binding);
  t.is(world.registry.follow(given).agrees, agrees);
  t.is(world.held(), held);
});

test('a bind of what nobody held', judged, decision('a', 5, 'bind', NOBODY), true, 'a', UNHELD);
test('a move where nobody held it', judged, decision('a', 5, 'move', NOBODY), false, 'a', UNHELD);
test('a move to another port', judged, decision('b', 5, 'move', heldBy(a)), true, 'b');
test('another MAC of the same port', judged, decision('A', 5, 'mac-change', heldBy(a)), true, 'A');
test('a move that was none', judged, decision('A', 5, 'move', heldBy(a)), false, 'A');
test('what it found is not what is known', judged, decision('b', 5, 'move', heldBy(holder('c'))), false, 'b');
test('it counted other moves', judged, decision('b', 5, 'move', heldBy(a, null, 7)), false, 'b');
test('held back although the budget is open', judged, decision('b', 5, 'held-back', heldBy(a)), false, 'a');
test('withdrawn where nobody waits', judged, decision('a', 5, 'withdrawn', heldBy(a)), false, 'a');
test('released', judged, decision('a', 5, 'released', heldBy(a)), true, '-');

test('past the budget: held back and applied when the window opens, as the model has it', (t) => {
  const world = new RegistryWorld(HELD);
  const told = (given: Decision): string => {
    const { event, agrees } = world.registry.follow(given);
    return `${event?.kind ?? '-'} ${agrees ? 'agrees' : 'differs'}`;
  };
  t.is(told(decision('b', 10, 'move', heldBy(a))), 'move agrees');
  t.is(told(decision('a', 20, 'move', heldBy(b, a, 1))), 'move agrees');
  t.is(told(decision('b', 30, 'held-back', heldBy(a, b, 2))), 'flap agrees');
  t.true(world.registry.isFlapping(V));
  t.deepEqual(world.registry.waitingAt(slotOf('b')), [V]);
  t.is(told(decision('c', 40, 'held-back', heldBy(a, b, 2))), '- agrees');
  const opened = { ...decision('c', 40, 'move', heldBy(a, b, 2)), decidedNs: 110n * MS };
  t.is(told(opened), 'move agrees');
  t.is(world.moves(), 3);
  t.is(world.due(209), '');
  t.is(world.due(210), 'flap-end ->c (nothing written)');
});

test("a move past the budget is the model's to deny, unless the loader ordered it", (t) => {
  for (const ordered of [false, true]) {
    const world = new RegistryWorld(HELD);
    world.registry.follow(decision('b', 10, 'move', heldBy(a)));
    world.registry.follow(decision('a', 20, 'move', heldBy(b, a, 1)));
    const third = { ...decision('b', 30, 'move', heldBy(a, b, 2)), ordered };
    t.is(world.registry.follow(third).agrees, ordered);
  }
});

test('after a loss the model takes what the maps say, budget and claimant included', (t) => {
  const world = new RegistryWorld(HELD);
  const pending = { havip: V, by: holder('c'), kind: 1, tsNs: 25n * MS };
  world.registry.resync(V, { ...HELD, holder: b, former: a, moves: 2 }, [10n * MS, 20n * MS], pending);
  t.is(world.held(), 'b');
  t.deepEqual(world.registry.heldAt(slotOf('b')), [V]);
  t.deepEqual(world.registry.heldAt(slotOf('a')), []);
  t.is(world.registry.pending(V)?.mac, 'mac c');
  const opened = { ...decision('c', 25, 'move', heldBy(b, a, 2)), decidedNs: 110n * MS };
  t.true(world.registry.follow(opened).agrees);
});
