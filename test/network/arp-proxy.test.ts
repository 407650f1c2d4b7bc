// SPDX-License-Identifier: BSD-2-Clause
// `arp: proxy`: who asks for a held HAVIP is answered where it asks, and its traffic reaches the holder; with a service
// MAC a neighbour that takes no notice of announcements never has to.
import test from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { VIP, VIP6 } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { frames, heldBy, startDaemon, webConfig } from '../support/daemon.js';
import { requireRoot } from '../support/lab.js';
import { checkLoads, pairLab, takeOver, type Kind } from '../support/pair.js';
import { capture, hexOf } from '../support/raw.js';

test.before(requireRoot);

const SERVICE_MAC = '02:00:00:00:00:5e';

/** What the neighbour table says of an address; '' where it says nothing. */
async function believes(lab: Lab, guest: string, address: string, device = 'eth0'): Promise<string> {
  const text = await lab.must(guest, ['ip', 'neighbour', 'show', address, 'dev', device]);
  return /lladdr (\S+)/.exec(text)?.[1] ?? '';
}

for (const kind of ['veth', 'tap'] as Kind[]) {
  test.serial(`a ${kind} guest and the host are answered for the holder, which is not asked`, async (t) => {
    const lab = await pairLab(t, { client: kind, 'vm-a': kind, 'vm-b': kind });
    const daemon = await startDaemon(lab, { config: webConfig([{ address: VIP, arp: 'proxy' }]) });
    await takeOver(lab, 'vm-a');
    await lab.clearNeighbours('client');
    await lab.clearNeighbours('hv', 'br-web');
    const asked = await capture(lab, 'vm-a');
    await checkLoads(t, lab, { server: 'vm-a', client: 'client', address: VIP }, { bulk: true });
    await checkLoads(t, lab, { server: 'vm-a', client: 'hv', address: VIP });
    // ARP, operation 1, about the HAVIP.
    const requests = (await asked.stop()).filter(
      (frame) => frame.slice(24, 28) === '0806' && frame.slice(40, 44) === '0001',
    );
    t.deepEqual(
      requests.filter((frame) => frame.slice(76, 84) === '0a000132'),
      [],
    );
    t.is(await believes(lab, 'client', VIP), lab.mac('vm-a'));
    t.is(await believes(lab, 'hv', VIP, 'br-web'), lab.mac('vm-a'));
    t.true((await frames(lab, daemon, lab.port('client'), 'redirect', 'answer')) >= 1);
    t.true((await frames(lab, daemon, 'br-web', 'redirect', 'answer')) >= 1);
  });
}

test.serial('nobody answers for what nobody holds; probes reach everybody', async (t) => {
  const lab = await pairLab(t);
  await startDaemon(lab, { config: webConfig([{ address: VIP, arp: 'proxy' }]) });
  t.is((await traffic.ping(lab, 'client', VIP, 1)).received, 0);
  t.is(await believes(lab, 'client', VIP), '');
  await takeOver(lab, 'vm-a');
  const seen = await capture(lab, 'vm-a');
  // Duplicate address detection: its answer is the holder's own.
  const { code, stdout } = await lab.exec('client', [
    'arping',
    '-D',
    '-c',
    '1',
    '-w',
    '2',
    '-I',
    'eth0',
    VIP,
  ]);
  t.is(code, 1, stdout);
  t.true(
    (await seen.stop()).some((frame) => frame.startsWith(`ffffffffffff${hexOf(lab.mac('client'))}0806`)),
  );
});

test.serial('with a service MAC a neighbour that ignores announcements reaches each holder', async (t) => {
  const lab = await pairLab(t, { 'vm-b': 'tap' });
  const options = { arp: 'proxy', serviceMac: SERVICE_MAC };
  const daemon = await startDaemon(lab, {
    config: webConfig([
      { address: VIP, ...options },
      { address: VIP6, ...options },
    ]),
  });
  // A router that ignores gratuitous ARP; the holders ask their own questions by their own addresses.
  for (const guest of ['vm-a', 'vm-b']) await lab.sysctl(guest, ['net.ipv4.conf.all.arp_announce=2']);
  await lab.must('client', ['nft', 'add table arp deaf']);
  await lab.must('client', ['nft', 'add chain arp deaf in { type filter hook input priority 0; }']);
  await lab.must('client', ['nft', `add rule arp deaf in arp saddr ip ${VIP} arp daddr ip ${VIP} drop`]);
  for (const guest of ['vm-a', 'vm-b', 'vm-a'] as const) {
    await takeOver(lab, guest);
    await checkLoads(t, lab, { server: guest, client: 'client', address: VIP }, { bulk: true });
    t.is(await believes(lab, 'client', VIP), SERVICE_MAC);
  }
  await lab.ip('vm-b', [`address add ${VIP6}/128 dev eth0 nodad`]);
  await lab.announce('vm-b', VIP6);
  await heldBy(lab, lab.port('vm-b'), VIP6);
  const answered = (): Promise<number> => frames(lab, daemon, lab.port('client'), 'redirect', 'answer');
  const before = await answered();
  t.is((await traffic.ping(lab, 'client', VIP6, 3)).received, 3);
  t.is(await answered(), before + 1);
});
