// SPDX-License-Identifier: BSD-2-Clause
// EIPs: from outside to the holder and back by the gateway, by XDP and by tc.
import test from 'ava';
import { frames, startDaemon } from '../support/daemon.js';
import { requireRoot } from '../support/lab.js';
import { EIP, eipConfig, outsideLab } from '../support/outside.js';
import { checkLoads, takeOver } from '../support/pair.js';

test.before(requireRoot);

for (const kind of ['veth', 'tap'] as const) {
  for (const hook of ['tc', 'xdp'] as const) {
    test.serial(`from outside to whoever holds it (${kind}, gateway by ${hook})`, async (t) => {
      const lab = await outsideLab(t, { kind });
      const daemon = await startDaemon(lab, { config: eipConfig(hook) });
      for (const guest of ['vm-a', 'vm-b'] as const) {
        await takeOver(lab, guest);
        await checkLoads(t, lab, { server: guest, client: 'outside', address: EIP }, { bulk: true });
      }
      t.true((await frames(lab, daemon, 'ext0', 'redirect', 'holder')) > 1000);
      t.true((await frames(lab, daemon, lab.port('vm-b'), 'redirect', 'out')) > 1000);
    });
  }
}
