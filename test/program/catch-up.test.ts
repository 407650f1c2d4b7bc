// SPDX-License-Identifier: BSD-2-Clause
// A move into larger maps: what the programs decide in the old ones meanwhile is not lost, and what they have already
// decided in the new ones stays.
import test from 'ava';
import { catchUp } from '../../src/kernel/catch-up.js';
import { POLICY_FLAGS } from '../../src/kernel/layout.gen.js';
import { testRun } from '../../src/native/index.js';
import { announceReply, announceRequest, HOLDER, SENDER, tagged } from './names.js';
import { HAVIP, KEYS, TAG, World, type HavipName } from './world.js';
import { holderName } from './observe.js';

const flags = POLICY_FLAGS.OPEN | POLICY_FLAGS.REBIND_KERNEL;
const SITUATION = { flags, held: { v4: ['other', HOLDER], tagged: ['other', HOLDER] } } as const;

const holderIn = (world: World, name: HavipName): string =>
  holderName(world.tables.bindings.get(KEYS[name])?.holder);

test('decisions in the old maps come after; newer ones in the new maps stay', (t) => {
  const [old, fresh] = [new World(), new World()];
  for (const world of [old, fresh]) world.arrange(SITUATION);
  testRun(old.programs.xdp, announceRequest());
  testRun(old.programs.xdp, announceReply({}, tagged(TAG.outer)));
  fresh.writePort({ in: 'tap' });
  testRun(fresh.programs.xdp, announceRequest({}, tagged(TAG.outer)));

  t.is(
    catchUp(old.tables, fresh.tables, (havip) => fresh.steer(havip)),
    1,
  );
  t.is(holderIn(fresh, 'v4'), `guest ${SENDER}`);
  t.is(holderIn(fresh, 'tagged'), `tap ${SENDER}`);
  const [theirs, ours] = [old, fresh].map((world) => world.tables.states.get(HAVIP.v4));
  t.deepEqual([ours?.seq, ours?.moved, ours?.newestNs], [theirs?.seq, 1, theirs?.newestNs]);
  t.is(
    catchUp(old.tables, fresh.tables, (havip) => fresh.steer(havip)),
    0,
  );
});
