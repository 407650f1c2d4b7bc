// SPDX-License-Identifier: BSD-2-Clause
// The move budget: at most so many in any window, to the nanosecond.
import test from 'ava';
import { MoveBudget, type Damping } from '../../src/holders/damping.js';

const MS = 1_000_000n;
const damping: Damping = { moves: 3, windowMs: 10 };

const opens = test.macro((t, spentMs: readonly number[], opensMs: number, given: Damping = damping) => {
  const budget = new MoveBudget();
  for (const at of spentMs) budget.spend(BigInt(at) * MS);
  const opensNs = BigInt(opensMs) * MS;
  t.is(budget.opensNs(given), opensNs);
  t.true(budget.allows(given, opensNs));
  if (opensMs > 0) t.false(budget.allows(given, opensNs - 1n));
});

test('a budget that nobody touched is open', opens, [], 0);
test('what is left of a budget is open', opens, [5, 6], 0);
test('a spent budget opens one window after its oldest move', opens, [5, 6, 7], 15);
test('each later move shuts it until the next oldest is out of the window', opens, [5, 6, 7, 15], 16);
test('and so on', opens, [5, 6, 7, 15, 16, 17, 25], 26);
test('a budget of one', opens, [5], 15, { moves: 1, windowMs: 10 });
test('moves of one instant', opens, [5, 5, 5], 15);

test('a smaller budget counts the latest moves', (t) => {
  const budget = new MoveBudget();
  for (const at of [1n, 2n, 3n]) budget.spend(at * MS);
  t.is(budget.opensNs({ moves: 1, windowMs: 10 }), 13n * MS);
  t.is(budget.opensNs({ moves: 2, windowMs: 10 }), 12n * MS);
});

test('a larger budget has room at once', (t) => {
  const budget = new MoveBudget();
  for (const at of [1n, 2n, 3n]) budget.spend(at * MS);
  t.true(budget.allows({ moves: 4, windowMs: 10 }, 3n * MS));
});
