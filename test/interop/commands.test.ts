// SPDX-License-Identifier: BSD-2-Clause
// Those that announce once: iputils' arping in both forms, and the kernel itself when a device comes up (arp_notify,
// ndisc_notify). Failover scripts are made of them.
import test from 'ava';
import { VIP, VIP6 } from '../../src/lab/topology.js';
import type { Lab } from '../../src/lab/lab.js';
import { requireRoot } from '../support/lab.js';
import { checkHolds, checkQuiet, counted, followed } from '../support/interop.js';
import { other, type Holder } from '../support/pair.js';

test.before(requireRoot);

async function hand(lab: Lab, guest: Holder, address: string): Promise<void> {
  const prefix = address.includes(':') ? '128' : '32';
  await lab.exec(other(guest), ['ip', 'address', 'del', `${address}/${prefix}`, 'dev', 'eth0']);
  await lab.ip(guest, [`address replace ${address}/${prefix} dev eth0${prefix === '128' ? ' nodad' : ''}`]);
}

for (const [flag, kind] of [
  ['-U', 'arp-request'],
  ['-A', 'arp-reply'],
] as const) {
  test.serial(`arping ${flag}: there and back`, async (t) => {
    const place = await followed(t);
    const { lab } = place;
    // More than 10 s apart it would be no quarrel; here the one that loses it says nothing more.
    for (const guest of ['vm-a', 'vm-b'] as const) {
      await hand(lab, guest, VIP);
      await lab.must(guest, ['arping', flag, '-c', '2', '-I', 'eth0', VIP]);
      await checkHolds(t, place, guest);
    }
    t.is(await counted(place, 'vm-b', kind, 'move'), 1);
    t.true((await counted(place, 'vm-b', kind, 'refresh')) >= 1);
    await checkQuiet(t, place);
  });
}

for (const { name, address, sysctl, kind } of [
  { name: 'arp_notify', address: VIP, sysctl: 'net.ipv4.conf.eth0.arp_notify=1', kind: 'arp-request' },
  { name: 'ndisc_notify', address: VIP6, sysctl: 'net.ipv6.conf.eth0.ndisc_notify=1', kind: 'na' },
]) {
  test.serial(`the kernel's own ${name}: a guest that comes up with the address`, async (t) => {
    const place = await followed(t, [address]);
    const { lab } = place;
    for (const guest of ['vm-a', 'vm-b'] as const) {
      await lab.sysctl(guest, [sysctl, 'net.ipv6.conf.eth0.keep_addr_on_down=1']);
      await lab.ip(guest, ['link set eth0 down']);
      await hand(lab, guest, address);
      await lab.ip(guest, ['link set eth0 up']);
      await checkHolds(t, place, guest);
    }
    t.true((await counted(place, 'vm-b', kind, 'move')) === 1);
    await checkQuiet(t, place);
  });
}
