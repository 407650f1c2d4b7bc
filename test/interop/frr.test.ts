// SPDX-License-Identifier: BSD-2-Clause
// FRR's vrrpd: zebra and vrrpd in each guest, and a macvlan device with the virtual router's MAC, as its manual asks
// for. Both nodes speak under that MAC, so that a failover changes the port alone.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import type { Child } from '../../src/lab/process.js';
import { VIP, VIP6 } from '../../src/lab/topology.js';
import { requireRoot } from '../support/lab.js';
import { checkHolds, checkQuiet, counted, followed } from '../support/interop.js';
import type { Holder } from '../support/pair.js';

test.before(requireRoot);

const VRID = 51;

interface Row {
  readonly title: string;
  readonly vip: string;
  readonly mac: string;
  readonly kind: string;
  readonly line: string;
}

const ROWS: readonly Row[] = [
  { title: 'IPv4', vip: VIP, mac: '00:00:5e:00:01:33', kind: 'arp-request', line: `ip ${VIP}` },
  { title: 'IPv6', vip: VIP6, mac: '00:00:5e:00:02:33', kind: 'na', line: `ipv6 ${VIP6}` },
];

interface Router {
  /** Stops it as an operator does: it says goodbye. */
  stop(): void;
}

async function router(
  t: ExecutionContext,
  lab: Lab,
  guest: Holder,
  row: Row,
  priority: number,
): Promise<Router> {
  // Its daemons are of the user frr, who may not enter the lab's folder.
  const folder = await mkdtemp(`${tmpdir()}/${lab.prefix}-frr-`);
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const prefix = row.vip.includes(':') ? '64 nodad' : '24';
  await lab.ip(guest, [
    'link add vrrp link eth0 type macvlan mode bridge',
    `link set vrrp address ${row.mac}`,
    `address add ${row.vip}/${prefix} dev vrrp`,
    'link set vrrp up',
  ]);
  await writeFile(`${folder}/zebra.conf`, '');
  await writeFile(
    `${folder}/vrrpd.conf`,
    `interface eth0
 vrrp ${VRID} version 3
 vrrp ${VRID} priority ${priority}
 vrrp ${VRID} advertisement-interval 200
 vrrp ${VRID} ${row.line}
`,
  );
  await lab.must(guest, ['chown', '-R', 'frr:frr', folder]);
  const start = (name: string, ...more: string[]): Child =>
    lab.spawn(guest, [
      ...[`/usr/lib/frr/${name}`, '-f', `${folder}/${name}.conf`, '-i', `${folder}/${name}.pid`],
      ...['-z', `${folder}/zserv.api`, '--vty_socket', folder, '-P', '0'],
      ...['--log', 'stdout', ...more],
    ]);
  start('zebra');
  await lab.must(guest, [
    'sh',
    '-c',
    `for i in $(seq 100); do [ -S ${folder}/zserv.api ] && exit; sleep 0.1; done; exit 1`,
  ]);
  const vrrpd = start('vrrpd');
  return { stop: () => vrrpd.kill('SIGTERM') };
}

for (const row of ROWS) {
  test.serial(
    `FRR vrrpd, ${row.title}: the master is followed, and the standby after its goodbye`,
    async (t) => {
      const place = await followed(t, [row.vip]);
      const { lab } = place;
      const a = await router(t, lab, 'vm-a', row, 200);
      await checkHolds(t, place, 'vm-a', row.mac);
      await router(t, lab, 'vm-b', row, 100);
      a.stop();
      await checkHolds(t, place, 'vm-b', row.mac);
      t.is(await counted(place, 'vm-b', row.kind, 'move'), 1);
      await checkQuiet(t, place);
    },
  );
}
