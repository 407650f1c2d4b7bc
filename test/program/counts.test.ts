// SPDX-License-Identifier: BSD-2-Clause
// The size of the fast path changes only on purpose: `make bench-record` writes down what it is now.
import test from 'ava';
import { countPrograms } from '../bench/counts.js';
import { incomparable, recordedCounts } from '../bench/recorded.js';

test('verifier and JIT count what is recorded in test/bench/counts.json', (t) => {
  const [here, there] = [countPrograms(), recordedCounts()];
  const why = incomparable(here, there);
  if (why === null) {
    t.deepEqual(here.programs, there.programs, 'if that is meant: make bench-record');
    return;
  }
  // Another compiler or kernel makes other code of it; that there are the same programs holds everywhere.
  t.log(`NOT COMPARED: ${why}`);
  t.log(JSON.stringify(here.programs));
  t.deepEqual(Object.keys(here.programs), Object.keys(there.programs));
});
