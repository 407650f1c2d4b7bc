// SPDX-License-Identifier: BSD-2-Clause
// Decisions in the order in which they were made, whatever order they rang in, and what is lost counted.
import test from 'ava';
import fc from 'fast-check';
import { Sequencer, type Numbered } from '../../src/control/sequencer.js';

const item = (seq: number, havip = 1): Numbered => ({ havip, seq });
const numbers = (items: readonly Numbered[]): number[] => items.map(({ seq }) => seq);

function started(seq = 0): Sequencer<Numbered> {
  const sequencer = new Sequencer<Numbered>();
  sequencer.start(1, seq);
  return sequencer;
}

test('in order, each is taken up at once; known ones and those of others are not', (t) => {
  const sequencer = started(4);
  t.deepEqual(numbers(sequencer.take(item(5), 0n)), [5]);
  t.deepEqual(numbers(sequencer.take(item(5), 0n)), []);
  t.deepEqual(numbers(sequencer.take(item(3), 0n)), []);
  t.deepEqual(numbers(sequencer.take(item(1, 2), 0n)), []);
  t.is(sequencer.at(1), 5);
  t.is(sequencer.at(2), undefined);
});

test('one that comes early waits for those before it, and no longer', (t) => {
  const sequencer = started();
  t.deepEqual(numbers(sequencer.take(item(3), 10n)), []);
  t.deepEqual(numbers(sequencer.take(item(2), 20n)), []);
  t.deepEqual([sequencer.hasGaps, sequencer.waiting(9n), sequencer.waiting(10n)], [true, [], [1]]);
  t.deepEqual(numbers(sequencer.take(item(1), 30n)), [1, 2, 3]);
  t.false(sequencer.hasGaps);
});

test('given up, what waits is taken up in order, and what is missing counted', (t) => {
  const sequencer = started();
  for (const seq of [7, 3, 5]) sequencer.take(item(seq), 0n);
  const { items, missing } = sequencer.giveUp(1);
  t.deepEqual([numbers(items), missing], [[3, 5, 7], 4]);
  t.deepEqual(numbers(sequencer.take(item(8), 0n)), [8]);
  t.deepEqual(sequencer.giveUp(1), { items: [], missing: 0 });
});

test('a new start forgets what waited', (t) => {
  const sequencer = started();
  sequencer.take(item(3), 0n);
  sequencer.start(1, 2);
  t.false(sequencer.hasGaps);
  t.deepEqual(numbers(sequencer.take(item(3), 0n)), [3]);
  sequencer.forget(1);
  t.deepEqual(numbers(sequencer.take(item(4), 0n)), []);
});

test('in any order, all are taken up once and in theirs', (t) => {
  const shuffled = fc.integer({ min: 1, max: 30 }).chain((count) => {
    const seqs = Array.from({ length: count }, (_, at) => at + 1);
    return fc.shuffledSubarray(seqs, { minLength: count, maxLength: count });
  });
  fc.assert(
    fc.property(shuffled, (seqs) => {
      const sequencer = started();
      const taken = seqs.flatMap((seq) => numbers(sequencer.take(item(seq), 0n)));
      t.deepEqual(
        taken,
        [...seqs].sort((a, b) => a - b),
      );
    }),
  );
});
