// SPDX-License-Identifier: BSD-2-Clause
// Programs behind tail calls are there as long as somebody has their map open or pinned; a program that is attached goes on
// without them: slower, and nothing is lost.
import test from 'ava';
import { createMapRef, RawMap } from 'bpf';
import { TAIL_NAMES } from '../../src/kernel/maps.js';
import { sumTraffic } from '../../src/kernel/reader.js';
import { U32 } from '../../src/kernel/table.js';
import { HOLDER, packet4, STALE } from './names.js';
import { run, world } from './observe.js';
import { HAVIP } from './world.js';

/** enum tc_tail of tc.bpf.c. */
const WRITE = 1;

test.serial(
  "a stale sender's packet gets the holder's MAC without the program that writes it in place",
  (t) => {
    world.arrange({ held: { v4: ['other', HOLDER] } });
    const both = () => [run('ingress', packet4(STALE)), run('egress', packet4(STALE))];
    const before = both();
    for (const { verdict, frame } of before) {
      t.is(verdict, 'redirect');
      t.is(frame.slice(0, 12), HOLDER.replaceAll(':', ''));
    }
    const fd = world.tails[TAIL_NAMES.indexOf('tc_tails')] ?? -1;
    const tails = new RawMap(createMapRef(fd, { transfer: false }));
    t.true(tails.delete(U32.encode(WRITE)));
    t.deepEqual(both(), before);
    const { packets, saved } = sumTraffic(world.tables.havip_counters.get(HAVIP.v4));
    t.deepEqual({ packets, saved }, { packets: 4n, saved: 4n });
  },
);
