// SPDX-License-Identifier: BSD-2-Clause
// The re-point suite in short: every announcement of a lot is a move that is told with its time, whatever goes on
// besides; and what is said to go on does.
import test from 'ava';
import { status } from '../support/daemon.js';
import { requireRoot } from '../support/lab.js';
import { addressOf } from '../../src/bench/host.js';
import { move, MOVING, repointSite } from '../../src/bench/repoint-site.js';

test.before(requireRoot);

for (const mode of ['kernel', 'loader'] as const) {
  test.serial(`a thousand moves, idle and under each load (${mode})`, async (t) => {
    const site = await repointSite(mode);
    t.teardown(() => site.lab.close());
    const row = (): ReturnType<typeof status> => status(site.lab, addressOf(1));
    for (const load of ['idle', 'packets', 'flood'] as const) {
      const before = await row();
      const { samples, sent } = await move(site, load, 500);
      const after = await row();
      t.is(samples.length, MOVING);
      t.true(
        samples.every((us) => us > 0),
        load,
      );
      t.is(sent.count > 0, load !== 'idle', load);
      t.is(after.moves - before.moves, 1, load);
      t.not(after.holder?.port, before.holder?.port, load);
      t.is(after.packets > before.packets, load === 'packets', load);
    }
  });
}
