// SPDX-License-Identifier: BSD-2-Clause
// Past the move budget: the newest claimant is kept and bound when the window opens, and no claim is lost.
import test from 'ava';
import { SPENT, story } from './registry-world.js';

test(
  'past the budget it flaps: told once, nothing written',
  story,
  [...SPENT, [['claim', 'b', 30], 'flap a>b (nothing written)'], [['claim', 'c', 31], ' (nothing written)']],
  'a',
  2,
);
test(
  'when the window opens the newest claimant is bound',
  story,
  [
    ...SPENT,
    [['claim', 'b', 30], 'flap a>b (nothing written)'],
    [['claim', 'c', 31], ' (nothing written)'],
    [['due', 109], ''],
    [['due', 110], 'move a>c'],
  ],
  'c',
  3,
);
test(
  'flapping ends one quiet window after that',
  story,
  [
    ...SPENT,
    [['claim', 'b', 30], 'flap a>b (nothing written)'],
    [['due', 110], 'move a>b'],
    [['due', 209], ''],
    [['due', 210], 'flap-end ->b (nothing written)'],
    [['due', 500], ''],
  ],
  'b',
  3,
);
test(
  'a holder that is back before the window opens keeps it',
  story,
  [
    ...SPENT,
    [['claim', 'b', 30], 'flap a>b (nothing written)'],
    [['claim', 'a', 40], ''],
    [['due', 110], 'flap-end ->a (nothing written)'],
  ],
  'a',
  2,
);
test(
  'a claimant whose port leaves before the window opens gets nothing',
  story,
  [
    ...SPENT,
    [['claim', 'b', 30], 'flap a>b (nothing written)'],
    [['release', 'b', 50], ''],
    [['due', 110], 'flap-end ->a (nothing written)'],
  ],
  'a',
  2,
);
test(
  'a holder that leaves while another waits: nobody until the window opens, then the one that waits',
  story,
  [
    ...SPENT,
    [['claim', 'b', 30], 'flap a>b (nothing written)'],
    [['release', 'a', 50], 'release a>-'],
    [['due', 110], 'move a>b'],
  ],
  'b',
  3,
);
test(
  'the same port binds while it flaps: a bind spends nothing',
  story,
  [
    ...SPENT,
    [['claim', 'b', 30], 'flap a>b (nothing written)'],
    [['release', 'a', 50], 'release a>-'],
    [['claim', 'a', 60], 'bind ->a'],
    [['due', 110], 'flap-end ->a (nothing written)'],
  ],
  'a',
  2,
);
test(
  'after the oldest move is out of the window a move is allowed at once',
  story,
  [...SPENT, [['claim', 'b', 110], 'move a>b'], [['claim', 'a', 111], 'flap b>a (nothing written)']],
  'b',
  3,
);
test(
  'a HAVIP flaps anew after it had come to rest',
  story,
  [
    ...SPENT,
    [['claim', 'b', 30], 'flap a>b (nothing written)'],
    [['due', 110], 'move a>b'],
    [['due', 210], 'flap-end ->b (nothing written)'],
    [['claim', 'a', 211], 'move b>a'],
    [['claim', 'b', 212], 'move a>b'],
    [['claim', 'a', 213], 'flap b>a (nothing written)'],
  ],
  'b',
  5,
);
