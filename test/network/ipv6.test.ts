// SPDX-License-Identifier: BSD-2-Clause
// An IPv6 HAVIP: unsolicited advertisements re-bind it, and a sender that believes in the old holder reaches the new one.
import test from 'ava';
import { VIP6 } from '../../src/lab/topology.js';
import { events, heldBy, startDaemon, webConfig } from '../support/daemon.js';
import { requireRoot } from '../support/lab.js';
import { checkReaches, other, pairLab, type Holder } from '../support/pair.js';

test.before(requireRoot);

test.serial('an unsolicited advertisement moves the HAVIP, there and back', async (t) => {
  const lab = await pairLab(t);
  await startDaemon(lab, { config: webConfig([{ address: VIP6 }]) });
  for (const guest of ['vm-a', 'vm-b', 'vm-a'] satisfies Holder[]) {
    await lab.exec(other(guest), ['ip', 'address', 'del', `${VIP6}/128`, 'dev', 'eth0']);
    await lab.ip(guest, [`address replace ${VIP6}/128 dev eth0 nodad`]);
    await lab.announce(guest, VIP6);
    await heldBy(lab, lab.port(guest), VIP6);
    await checkReaches(t, lab, guest, { address: VIP6 });
  }
  const told = await events(lab, 'bind', 'move');
  t.deepEqual(
    told.map(({ kind, reason }) => [kind, reason]),
    [
      ['bind', 'na'],
      ['move', 'na'],
      ['move', 'na'],
    ],
  );
});
