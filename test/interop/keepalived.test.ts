// SPDX-License-Identifier: BSD-2-Clause
// Debian's keepalived as operators run it: IPv4, IPv6, virtual MACs, unicast peers, a sync group. Each is followed to
// the master, and to the standby when the master says goodbye.
import test from 'ava';
import type { KeepalivedOptions } from '../../src/lab/keepalived.js';
import type { Lab } from '../../src/lab/lab.js';
import { ADDRESSES, VIP, VIP6 } from '../../src/lab/topology.js';
import { requireRoot } from '../support/lab.js';
import { checkHolds, checkQuiet, counted, followed } from '../support/interop.js';
import { other, type Holder } from '../support/pair.js';

test.before(requireRoot);

interface Row {
  readonly title: string;
  readonly vips: readonly string[];
  /** The form of the frame by which it takes the address. */
  readonly kind: string;
  readonly mac?: string;
  config(guest: Holder, priority: number): KeepalivedOptions | string;
}

const VRID = 51;
const PRIORITY = { 'vm-a': 150, 'vm-b': 100 } as const;
const base = (vip: string, priority: number, extra: string[] = []): KeepalivedOptions => ({
  vrid: VRID,
  vip,
  priority,
  advertIntervalS: 0.2,
  extra,
});

/** Two instances that go together, with the addresses of one and the other. */
const GROUP = ['10.0.1.50', '10.0.1.51', '10.0.1.52', '10.0.1.53', '10.0.1.54'];

function syncGroup(guest: Holder, priority: number): string {
  const instance = (name: string, vrid: number, vips: readonly string[]): string => `vrrp_instance ${name} {
  state BACKUP
  interface eth0
  virtual_router_id ${vrid}
  priority ${priority}
  advert_int 0.2
  version 3
  virtual_ipaddress {
${vips.map((vip) => `    ${vip} dev eth0`).join('\n')}
  }
}
`;
  return `global_defs {
  router_id ${guest}
}
vrrp_sync_group all {
  group {
    one
    two
  }
}
${instance('one', 61, GROUP.slice(0, 3))}${instance('two', 62, GROUP.slice(3))}`;
}

const ROWS: readonly Row[] = [
  { title: 'IPv4', vips: [VIP], kind: 'arp-request', config: (_, priority) => base(VIP, priority) },
  { title: 'IPv6', vips: [VIP6], kind: 'na', config: (_, priority) => base(VIP6, priority) },
  {
    title: 'use_vmac',
    vips: [VIP],
    kind: 'arp-request',
    mac: '00:00:5e:00:01:33',
    config: (_, priority) => base(VIP, priority, ['use_vmac']),
  },
  {
    title: 'unicast peers',
    vips: [VIP],
    kind: 'arp-request',
    config: (guest, priority) =>
      base(VIP, priority, [
        `unicast_src_ip ${ADDRESSES[guest]}`,
        'unicast_peer {',
        ADDRESSES[other(guest)],
        '}',
      ]),
  },
  { title: 'several HAVIPs in a sync group', vips: GROUP, kind: 'arp-request', config: syncGroup },
];

for (const row of ROWS) {
  test.serial(
    `keepalived, ${row.title}: the master is followed, and the standby after its goodbye`,
    async (t) => {
      const place = await followed(t, row.vips);
      const { lab } = place;
      const start = (guest: Holder) => lab.keepalived(guest, row.config(guest, PRIORITY[guest]));
      const a = await start('vm-a');
      await checkHolds(t, place, 'vm-a', row.mac ?? lab.mac('vm-a'));
      const b = await start('vm-b');
      await b.waitFor(/Entering BACKUP STATE/);
      a.kill('SIGTERM');
      await checkHolds(t, place, 'vm-b', row.mac ?? lab.mac('vm-b'));
      t.true((await counted(place, 'vm-b', row.kind, 'move')) === row.vips.length);
      t.true((await adverts(lab, place)) > 0, 'adverts are seen');
      await checkQuiet(t, place);
    },
  );
}

const adverts = (_: Lab, place: Parameters<typeof counted>[0]): Promise<number> =>
  counted(place, 'vm-a', 'vrrp-advert', 'observed');
