// SPDX-License-Identifier: BSD-2-Clause
// Every sender that the README promises, before and after a failover and with a stale cache, with every kind of load,
// to veth and tap guests: all of it reaches the holder, nothing the standby.
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { ADDRESSES, VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { startDaemon } from '../support/daemon.js';
import { requireRoot } from '../support/lab.js';
import { EIP, gatewayUplink, outsideLab } from '../support/outside.js';
import { addFarGuest, both, other, takeOver, type Holder, type Kind } from '../support/pair.js';

test.before(requireRoot);

interface Sender {
  readonly title: string;
  readonly from: string;
  readonly address: string;
  /** Whose cache, on which device, is the last one before the holder. */
  readonly cache: readonly [ns: string, device: string] | null;
}

const SENDERS: readonly Sender[] = [
  { title: 'same subnet', from: 'client', address: VIP, cache: ['client', 'eth0'] },
  { title: 'other subnet by a router guest', from: 'client2', address: VIP, cache: ['router', 'eth0'] },
  { title: 'other subnet by the host', from: 'client3', address: VIP, cache: ['hv', 'br-web'] },
  { title: 'the host itself', from: 'hv', address: VIP, cache: ['hv', 'br-web'] },
  { title: 'another host by the uplink', from: 'remote', address: VIP, cache: ['remote', 'eth0'] },
  { title: 'the EIP from outside', from: 'outside', address: EIP, cache: null },
  { title: 'the EIP from inside', from: 'client', address: EIP, cache: ['client', 'eth0'] },
];

const CONFIG = {
  networks: [
    {
      name: 'blue',
      subnets: [
        {
          name: 'web',
          cidr: ['10.0.1.0/24', 'fd00:1::/64'],
          bridge: 'br-web',
          uplinks: ['uplink0', gatewayUplink],
          hooks: { uplink0: 'xdp' },
          havips: [{ address: VIP }],
        },
        { name: 'app', cidr: '10.0.2.0/24', bridge: 'br-app' },
      ],
      eips: [{ address: EIP, havip: VIP }],
    },
  ],
};

async function wholeLab(t: ExecutionContext, kind: Kind): Promise<Lab> {
  const lab = await outsideLab(t, { kind, client: kind });
  await lab.addBridge('hv', 'br-app', { addresses: [`${ADDRESSES.hostApp}/24`] });
  const web = { host: 'hv', bridge: 'br-web', kind };
  const app = { host: 'hv', bridge: 'br-app', kind };
  await lab.addGuest('router', { ...web, addresses: both(ADDRESSES.router) });
  await lab.addLeg('router', 'eth1', { ...app, addresses: [`${ADDRESSES.routerApp}/24`] });
  for (const ns of ['router', 'hv']) await lab.sysctl(ns, ['net.ipv4.ip_forward=1']);
  const behindRouter = { addresses: ['10.0.2.10/24'], gateway: ADDRESSES.routerApp };
  await lab.addGuest('client2', { ...app, ...behindRouter });
  await lab.addGuest('client3', { ...app, addresses: ['10.0.2.11/24'], gateway: ADDRESSES.hostApp });
  // Answers by the way that the questions came.
  for (const guest of ['vm-a', 'vm-b'])
    await lab.ip(guest, [`route add 10.0.2.10/32 via ${ADDRESSES.router}`]);
  await addFarGuest(lab, 'remote', '10.0.1.20');
  return lab;
}

for (const kind of ['veth', 'tap'] as const) {
  test.serial(`every sender reaches the holder with every load (${kind})`, async (t) => {
    const lab = await wholeLab(t, kind);
    await startDaemon(lab, { config: CONFIG });
    for (const guest of ['vm-a', 'vm-b']) {
      await traffic.httpServer(lab, guest);
      await traffic.echoStream(lab, guest);
    }
    await takeOver(lab, 'vm-a');
    await checkAll(t, lab, 'vm-a', 'before');
    await takeOver(lab, 'vm-b');
    await checkAll(t, lab, 'vm-b', 'after a failover');
    for (const { cache } of SENDERS) {
      if (cache) await lab.staticNeighbour(cache[0], VIP, lab.mac('vm-a'), cache[1]);
    }
    await checkAll(t, lab, 'vm-b', 'with a stale cache');
  });
}

async function checkAll(t: ExecutionContext, lab: Lab, holder: Holder, when: string): Promise<void> {
  const standby = other(holder);
  // Bound, since it answers datagrams from the guest's first address otherwise.
  const server = lab.spawn(holder, ['iperf3', '-s', '-B', VIP, '--forceflush']);
  await server.waitFor(/listening/);
  const astray = await traffic.countFrames(lab, standby, 'eth0', { dst: VIP });
  for (const { title, from, address } of SENDERS) {
    const what = `${title}, ${when}`;
    const { received } = await traffic.ping(lab, from, address, 3);
    t.is(received, 3, `${what}: ping`);
    t.true((await traffic.bulk(lab, from, address)) > 1e8, `${what}: TCP bulk`);
    const got = await traffic.download(lab, from, address, { bytes: 2 << 20 });
    t.deepEqual(got, { bytes: 2 << 20, intact: true }, `${what}: download`);
    t.deepEqual(
      await traffic.fragments(lab, from, address),
      { sent: 100, echoed: 100 },
      `${what}: fragments`,
    );
  }
  await server.stop();
  const { frames } = await astray.stop();
  t.is(frames, 0, `${standby}, the standby, got ${frames} frames ${when}`);
}
