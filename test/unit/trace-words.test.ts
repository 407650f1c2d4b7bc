// SPDX-License-Identifier: BSD-2-Clause
// Each way that a packet can end has its sentence in `havip trace`.
import test from 'ava';
import { REASON_WORDS } from '../../src/kernel/trace-words.js';
import { REASONS } from '../../src/kernel/names.js';

/** What only announcements and questions end with. */
const OF_ANNOUNCEMENTS =
  /^(pass|drop) refused-|^pass (announcement|evidence|intent|advert|reflected)$|^redirect answer$/;

test('every reason that data can end with, and no other', (t) => {
  const names = REASONS.map(({ verdict, reason }) => `${verdict} ${reason}`);
  t.deepEqual(Object.keys(REASON_WORDS).sort(), names.filter((name) => !OF_ANNOUNCEMENTS.test(name)).sort());
});
