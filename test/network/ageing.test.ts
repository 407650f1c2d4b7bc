// SPDX-License-Identifier: BSD-2-Clause
// What is redirected never crosses the bridge, which would so forget its sender and flood the answers. With an
// ageing time of 3 s and streams of 20 s, bystanders must see nothing but what is for everybody.
import test from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { ADDRESSES, VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { frames, startDaemon, webConfig } from '../support/daemon.js';
import { requireRoot } from '../support/lab.js';
import { addFarGuest, addGuest, pairLab, takeOver } from '../support/pair.js';
import { capture, hexOf, hexOfIpv4 } from '../support/raw.js';

test.before(requireRoot);

const CLIENTS = { client: ADDRESSES.client, 'tap-client': '10.0.1.21', far: '10.0.1.22' };
const SECONDS = 20;

/** No neighbour is asked for: an ARP frame would have the bridge learn what only the data may teach it. */
async function fixNeighbours(lab: Lab): Promise<void> {
  for (const [client, address] of Object.entries(CLIENTS)) {
    await lab.staticNeighbour(client, VIP, lab.mac('vm-b'));
    await lab.staticNeighbour('vm-a', address, lab.mac(client));
  }
}

/** Frames that a bystander has no business with: IPv4 with the HAVIP at either end. */
function ofTheStream(frame: string): boolean {
  return frame.slice(24, 28) === '0800' && frame.slice(52, 68).includes(hexOfIpv4(VIP));
}

test.serial(
  'with an ageing time of 3 s, a 20 s stream and its answers reach client and holder alone',
  async (t) => {
    const lab = await pairLab(t, { ageingTimeS: 3, 'vm-a': 'tap' });
    await addGuest(lab, 'tap-client', CLIENTS['tap-client'], 'tap');
    await addFarGuest(lab, 'far', CLIENTS.far);
    const uplink = { uplinks: ['uplink0'], hooks: { uplink0: 'xdp' } };
    const daemon = await startDaemon(lab, { config: webConfig([{ address: VIP }], uplink) });
    await takeOver(lab, 'vm-a');
    await fixNeighbours(lab);

    const seen = await capture(lab, 'vm-b');
    const astray = await Promise.all(
      Object.keys(CLIENTS).map(async (client) => ({ client, seen: await capture(lab, client) })),
    );
    await traffic.echoStream(lab, 'vm-a');
    const streams = await Promise.all(
      Object.keys(CLIENTS).map((client) =>
        traffic.sendStream(lab, client, { to: VIP, rateHz: 100, seconds: SECONDS }),
      ),
    );
    for (const { finish } of streams)
      t.like(await finish(false), { sent: SECONDS * 100, lost: 0, duplicated: 0 });

    const foreign = (await seen.stop()).filter((frame) => ofTheStream(frame));
    t.deepEqual(foreign.slice(0, 3), [], `${foreign.length} frames at a bystander`);
    for (const one of astray) {
      const wrong = (await one.seen.stop()).filter(
        (frame) => ofTheStream(frame) && !frame.startsWith(hexOf(lab.mac(one.client))),
      );
      t.deepEqual(wrong.slice(0, 3), [], `${wrong.length} frames at ${one.client}`);
    }
    // Some frames took the bridge, few of all.
    for (const port of [lab.port('client'), lab.port('tap-client'), 'uplink0']) {
      const learnt = await frames(lab, daemon, port, 'rewrite', 'learn');
      t.true(learnt > SECONDS / 3 && learnt < SECONDS * 10, `${learnt} of ${port}`);
    }
  },
);
