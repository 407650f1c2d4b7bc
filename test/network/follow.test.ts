// SPDX-License-Identifier: BSD-2-Clause
// The main job: packets for the HAVIP reach whoever announced it last, from senders that believe in the other one,
// for every kind of port, with all offloads as they are by default.
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { ADDRESSES, ipv6, VIP, VIP6 } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { events, heldBy, startDaemon, status, webConfig } from '../support/daemon.js';
import { labFor, requireRoot, standardLabFor } from '../support/lab.js';
import { bindByHand } from '../support/maps.js';
import {
  addFarGuest,
  checkLoads,
  checkReaches,
  pairLab,
  takeOver,
  type PairOptions,
} from '../support/pair.js';

test.before(requireRoot);

interface Row extends PairOptions {
  hook?: 'xdp' | 'auto';
}

const ROWS: Row[] = [
  { client: 'veth', 'vm-a': 'veth', 'vm-b': 'veth' },
  { client: 'veth', 'vm-a': 'tap', 'vm-b': 'veth' },
  { client: 'tap', 'vm-a': 'tap', 'vm-b': 'tap' },
  { client: 'tap', 'vm-a': 'veth', 'vm-b': 'tap' },
  { client: 'uplink', hook: 'xdp', 'vm-a': 'veth', 'vm-b': 'tap' },
  { client: 'uplink', hook: 'auto', 'vm-a': 'tap', 'vm-b': 'veth' },
];

for (const row of ROWS) {
  const from = row.client === 'uplink' ? `an uplink (hook ${row.hook})` : `a ${row.client} guest`;
  test.serial(
    `a stale client on ${from} reaches the holder, on ${row['vm-a']}, then on ${row['vm-b']}, and back`,
    async (t) => {
      const lab = await pairLab(t, row);
      const uplink = row.hook === undefined ? {} : { uplinks: ['uplink0'], hooks: { uplink0: row.hook } };
      await startDaemon(lab, { config: webConfig([{ address: VIP }], uplink) });
      for (const guest of ['vm-a', 'vm-b'] as const) {
        await takeOver(lab, guest);
        await checkReaches(t, lab, guest, { bulk: true });
      }
      await takeOver(lab, 'vm-a');
      await checkReaches(t, lab, 'vm-a');
      t.is((await status(lab)).moves, 2);
      const told = await events(lab, 'bind', 'move', 'release', 'mac-change', 'refuse');
      t.deepEqual(
        told.map(({ kind, to }) => [kind, to?.port]),
        [
          ['bind', lab.port('vm-a')],
          ['move', lab.port('vm-b')],
          ['move', lab.port('vm-a')],
        ],
      );
    },
  );
}

/** Segments that a guest's TCP has sent, as the wire would carry them; the kernel counts those sent again apart. */
async function tcpSegments(lab: Lab, guest: string): Promise<number> {
  const [names = '', values = ''] = (await lab.must(guest, ['grep', '^Tcp:', '/proc/net/snmp'])).split('\n');
  const valueOf = (name: string): number => Number(values.split(' ')[names.split(' ').indexOf(name)]);
  return valueOf('OutSegs') + valueOf('RetransSegs');
}

for (const row of [
  { client: 'veth' },
  { client: 'tap', 'vm-a': 'tap' },
  { client: 'uplink', hook: 'xdp' },
] as Row[]) {
  test.serial(`status counts wire segments and whole frames of a sender on ${row.client}`, async (t) => {
    const lab = await pairLab(t, row);
    const uplink = row.hook === undefined ? {} : { uplinks: ['uplink0'], hooks: { uplink0: row.hook } };
    await startDaemon(lab, { config: webConfig([{ address: VIP }], uplink) });
    await takeOver(lab, 'vm-a');
    t.like(await status(lab), { state: 'held', packets: 0, bytes: 0, savedPackets: 0 });

    await lab.staticNeighbour('client', VIP, lab.mac('vm-a'));
    await countDatagrams(t, lab, { saved: false });
    await lab.staticNeighbour('client', VIP, lab.mac('vm-b'));
    await countDatagrams(t, lab, { saved: true });
    await countSegments(t, lab);
  });
}

/** 500 datagrams of 16 bytes: 58 bytes each with Ethernet, IPv4 and UDP headers. */
async function countDatagrams(t: ExecutionContext, lab: Lab, { saved }: { saved: boolean }): Promise<void> {
  const before = await status(lab);
  const echo = await traffic.echoStream(lab, 'vm-a');
  const stream = await traffic.sendStream(lab, 'client', { to: VIP, seconds: 0.5 });
  t.like(await stream.finish(false), { sent: 500, lost: 0, duplicated: 0 });
  await echo.child.stop();
  const after = await status(lab);
  t.is(after.packets - before.packets, 500);
  t.is(after.bytes - before.bytes, 500 * 58);
  t.is(after.savedPackets - before.savedPackets, saved ? 500 : 0);
}

async function countSegments(t: ExecutionContext, lab: Lab): Promise<void> {
  const [before, sentBefore] = [await status(lab), await tcpSegments(lab, 'client')];
  const received = await traffic.countFrames(lab, 'vm-a', 'eth0', { dst: VIP });
  await traffic.tcpBulk(lab, { server: 'vm-a', address: VIP, client: 'client' }, { seconds: 1 });
  const { bytes } = await received.stop();
  const [after, sentAfter] = [await status(lab), await tcpSegments(lab, 'client')];
  const [packets, sent] = [after.packets - before.packets, sentAfter - sentBefore];
  // A full queue before the hook loses a few, which TCP sends again.
  t.true(packets > sent * 0.97 && packets < sent * 1.001, `${packets} counted, ${sent} sent`);
  t.is(after.savedPackets - before.savedPackets, packets);
  // The receiver's tap counts a merged frame once; each of its segments had 66 bytes of headers, or some more.
  const counted = after.bytes - before.bytes;
  t.true(counted >= bytes && counted <= bytes + packets * 78, `${counted} bytes counted, ${bytes} received`);
}

for (const row of [{ 'vm-a': 'veth' }, { client: 'uplink', hook: 'xdp', 'vm-a': 'tap' }] as Row[]) {
  const title = `an IPv6 HAVIP, once bound, is reached on ${row['vm-a']} by a stale client on ${row.client ?? 'veth'}`;
  test.serial(title, async (t) => {
    const lab = await pairLab(t, row);
    const uplink = row.hook === undefined ? {} : { uplinks: ['uplink0'], hooks: { uplink0: row.hook } };
    await startDaemon(lab, { config: webConfig([{ address: VIP6 }], uplink) });
    await lab.ip('vm-a', [`address add ${VIP6}/128 dev eth0 nodad`]);
    await bindByHand(lab, VIP6, 'vm-a');
    await heldBy(lab, lab.port('vm-a'), VIP6);
    await checkReaches(t, lab, 'vm-a', { address: VIP6, bulk: true });
    const { packets, savedPackets } = await status(lab, VIP6);
    t.true(packets > 1000 && savedPackets === packets, `${packets} packets, ${savedPackets} saved`);
  });
}

test.serial('what the host itself sends reaches the holder, by a stale entry of its own', async (t) => {
  const lab = await pairLab(t, { 'vm-a': 'tap' });
  await startDaemon(lab);
  for (const guest of ['vm-a', 'vm-b'] as const) {
    await takeOver(lab, guest);
    await checkReaches(t, lab, guest, { from: 'hv', device: 'br-web', bulk: true });
  }
});

test.serial(
  'a client in another subnet reaches the holder through a router with a stale entry',
  async (t) => {
    const lab = await standardLabFor(t, { kind: { router: 'tap' } });
    await startDaemon(lab);
    await takeOver(lab, 'vm-b');
    await lab.staticNeighbour('router', VIP, lab.mac('vm-a'));
    const astray = await traffic.countFrames(lab, 'vm-a', 'eth0', { dst: VIP });
    await checkLoads(t, lab, { server: 'vm-b', client: 'client2', address: VIP }, { bulk: true });
    t.is((await astray.stop()).frames, 0);
  },
);

test.serial('a holder behind the uplink is reached by stale local guests', async (t) => {
  const lab = await labFor(t);
  await lab.addNamespace('hv');
  await lab.addBridge('hv', 'br-web');
  for (const [name, kind] of [
    ['client', 'veth'],
    ['vm-b', 'tap'],
  ] as const) {
    const addresses = [`${ADDRESSES[name]}/24`, `${ipv6(ADDRESSES[name])}/64`];
    await lab.addGuest(name, { host: 'hv', bridge: 'br-web', kind, addresses });
  }
  await addFarGuest(lab, 'vm-a', ADDRESSES['vm-a']);
  const uplink = { uplinks: ['uplink0'], hooks: { uplink0: 'xdp' } };
  await startDaemon(lab, { config: webConfig([{ address: VIP }], uplink) });
  await lab.ip('vm-a', [`address add ${VIP}/32 dev eth0`]);
  await lab.announce('vm-a', VIP);
  await heldBy(lab, 'uplink0');
  t.like((await status(lab)).holder, { location: 'uplink', mac: lab.mac('vm-a') });
  await checkReaches(t, lab, 'vm-a', { bulk: true });
});

test.serial(
  'what is not for a HAVIP passes as before, and so do frames to one that nobody holds',
  async (t) => {
    const lab = await pairLab(t);
    await startDaemon(lab);
    await checkLoads(t, lab, { server: 'vm-b', client: 'client', address: ADDRESSES['vm-b'] });
    await checkLoads(t, lab, { server: 'vm-b', client: 'client', address: ipv6(ADDRESSES['vm-b']) });
    // Neither announced nor admitted when the daemon asks: the bridge delivers by MAC, as without us.
    await lab.sysctl('vm-b', ['net.ipv4.conf.all.arp_ignore=8']);
    await lab.ip('vm-b', [`address add ${VIP}/32 dev eth0`]);
    await lab.staticNeighbour('client', VIP, lab.mac('vm-b'));
    t.is((await traffic.ping(lab, 'client', VIP, 3)).received, 3);
    t.like(await status(lab), { state: 'unheld', holder: null, packets: 0 });
  },
);
