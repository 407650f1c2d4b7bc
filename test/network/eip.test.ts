// SPDX-License-Identifier: BSD-2-Clause
// EIPs: from outside to the holder and back by the gateway, by XDP and by tc, from inside too; who answers ARP for
// them, what quotes a packet, who may leave, and what a failover does to a session.
import test from 'ava';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { frames, havip, metrics, startDaemon, writeConfig } from '../support/daemon.js';
import { eventually, requireRoot } from '../support/lab.js';
import { EIP, EIP2, eipConfig, OUTSIDE, outsideLab } from '../support/outside.js';
import { checkLoads, other, takeOver } from '../support/pair.js';
import { arp, capture, hexOf, hexOfIpv4 } from '../support/raw.js';

test.before(requireRoot);

const SESSION = fileURLToPath(new URL('../support/session.js', import.meta.url));

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

test.serial('the gateway announces the EIPs at start and answers for them, a probe too', async (t) => {
  const lab = await outsideLab(t);
  const seen = await capture(lab, 'outside', 'eth0');
  await startDaemon(lab, { config: eipConfig('tc') });
  const gateway = await macOf(lab, 'hv', 'ext0');
  const announced = arp({ mac: gateway, sender: EIP });
  await eventually('the EIP is announced', () => Promise.resolve(seen.frames().includes(announced)));
  const mac = lab.mac('outside');
  await lab.sendFrames('outside', 'eth0', [
    arp({ mac, sender: OUTSIDE.router, target: EIP }),
    arp({ mac, sender: '0.0.0.0', target: EIP }),
    arp({ mac, sender: OUTSIDE.router, target: EIP2 }),
  ]);
  const answer = (to: string): string =>
    `${hexOf(mac)}${hexOf(gateway)}0806` +
    `0001080006040002${hexOf(gateway)}${hexOfIpv4(EIP)}${hexOf(mac)}${hexOfIpv4(to)}`;
  for (const to of [OUTSIDE.router, '0.0.0.0'])
    await eventually(`answered ${to}`, () => Promise.resolve(seen.frames().includes(answer(to))));
  const about = seen
    .frames()
    .filter((frame) => frame.includes(hexOfIpv4(EIP2)) && frame.includes('06040002'));
  t.deepEqual(about, []);
});

test.serial('with proxyArp: false the gateway is silent', async (t) => {
  const lab = await outsideLab(t);
  const uplinks = [{ name: 'ext0', gateway: true, proxyArp: false }];
  const seen = await capture(lab, 'outside', 'eth0');
  await startDaemon(lab, { config: eipConfig('tc', undefined, { uplinks }) });
  await takeOver(lab, 'vm-a');
  t.is((await traffic.ping(lab, 'outside', EIP)).received, 0);
  await lab.ip('outside', [`route add ${EIP}/32 via ${OUTSIDE.gateway}`]);
  t.is((await traffic.ping(lab, 'outside', EIP)).received, 1);
  t.deepEqual(
    seen
      .frames()
      .filter(
        (frame) => /^.{24}0806/.test(frame) && frame.includes(hexOfIpv4(EIP)) && frame.includes('06040002'),
      ),
    [],
  );
});

test.serial('path MTU: what is said of a quoted packet reaches its sender', async (t) => {
  const lab = await outsideLab(t);
  await startDaemon(lab, { config: eipConfig('tc') });
  await takeOver(lab, 'vm-a');
  // Behind the router, on a link that takes less than the client believes.
  await lab.addNamespace('beyond');
  await lab.addWire({
    host: 'outside',
    port: 'narrow',
    near: { addresses: ['192.0.2.1/24'] },
    far: 'beyond',
    farDevice: 'eth0',
    addresses: ['192.0.2.9/24'],
  });
  await lab.ip('outside', ['link set narrow mtu 1300']);
  await lab.ip('beyond', ['route add default via 192.0.2.1 dev eth0']);
  await lab.sysctl('outside', ['net.ipv4.ip_forward=1']);
  const server = await traffic.httpServer(lab, 'vm-a');
  const got = await traffic.download(lab, 'beyond', EIP, { bytes: 1 << 20 });
  t.deepEqual(got, { bytes: 1 << 20, intact: true });
  await server.stop();
  const learned = await lab.must('vm-a', ['ip', 'route', 'get', '192.0.2.9', 'from', VIP]);
  t.regex(learned, /mtu 1300/);
  // As traceroute does it: one hop is the gateway's, the next one ends at the router, who says so.
  const traced = ['ping', '-n', '-c', '1', '-W', '1', '-t', '2', '-I', VIP, '192.0.2.9'];
  t.regex((await lab.exec('vm-a', traced)).stdout, /From 203\.0\.113\.1 .*Time to live exceeded/);
  // And the other way: nobody listens, and the sender is told so.
  t.is(await lab.must('beyond', [process.execPath, SESSION, 'refused', EIP, '9']), 'ECONNREFUSED\n');
});

test.serial('a HAVIP with two EIPs answers each flow from the one that was asked', async (t) => {
  const lab = await outsideLab(t);
  const eips = [EIP, EIP2].map((address) => ({ address, havip: VIP }));
  await startDaemon(lab, { config: eipConfig('tc', eips) });
  await takeOver(lab, 'vm-a');
  const web = await traffic.httpServer(lab, 'vm-a');
  for (const address of [EIP2, EIP, EIP2]) {
    t.is((await traffic.ping(lab, 'outside', address, 3)).received, 3);
    const argv = ['ping', '-n', '-c', '2', '-i', '0.05', '-s', '4000', '-W', '1', address];
    t.regex(await lab.must('outside', argv), /2 received/, 'in fragments');
    t.true((await traffic.download(lab, 'outside', address, { bytes: 1 << 20 })).intact);
  }
  await web.stop();
  // What it begins itself leaves as the first one.
  const seen = await capture(lab, 'outside', 'eth0');
  await lab.must('vm-a', ['ping', '-n', '-c', '1', '-W', '1', '-I', VIP, OUTSIDE.far]);
  const requests = seen
    .frames()
    .filter((frame) => /^.{24}0800.{18}01/.test(frame) && frame.slice(68, 70) === '08');
  t.deepEqual(
    requests.map((frame) => frame.slice(52, 60)),
    [hexOfIpv4(EIP)],
  );
});

test.serial(
  'what others send as the HAVIP leaves too, counted apart; not with `egress: holder`',
  async (t) => {
    const lab = await outsideLab(t);
    const daemon = await startDaemon(lab, { config: eipConfig('tc') });
    await takeOver(lab, 'vm-a');
    const reply = await capture(lab, 'outside', 'eth0');
    const from = (frame: string): boolean => frame.slice(52, 60) === hexOfIpv4(EIP);
    // What was captured comes through a pipe, in its own time.
    const sayAs = async (guest: 'vm-a' | 'vm-b', wanted: number): Promise<number> => {
      await lab.ip(guest, [`address replace ${VIP}/32 dev lo`]);
      const before = reply.frames().filter(from).length;
      const argv = ['ping', '-n', '-c', '3', '-i', '0.05', '-W', '1', '-I', VIP, OUTSIDE.far];
      await lab.exec(guest, argv);
      const arrived = (): number => reply.frames().filter(from).length - before;
      await eventually(`${wanted} of ${guest} arrive`, () => Promise.resolve(arrived() >= wanted));
      await sleep(200);
      return arrived();
    };
    t.is(await sayAs('vm-a', 3), 3);
    t.is(await sayAs('vm-b', 3), 3);
    const counted = async (who: string): Promise<number | undefined> =>
      (await metrics(lab, daemon)).get(
        `havip_eip_packets_total{network="blue",address="${VIP}",sender="${who}"}`,
      );
    t.is(await counted('holder'), 3);
    t.is(await counted('other'), 3);
    await daemon.stop();

    const closed = await startDaemon(lab, {
      config: eipConfig('tc', [{ address: EIP, havip: VIP, egress: 'holder' }]),
    });
    t.is(await sayAs('vm-a', 3), 3);
    t.is(await sayAs('vm-b', 0), 0);
    t.is(await frames(lab, closed, lab.port('vm-b'), 'drop', 'eip-not-holder'), 3);
  },
);

test.serial(
  'by XDP alone: the kernel is made to ask for the next hop, and then all goes through',
  async (t) => {
    const lab = await outsideLab(t);
    for (const guest of ['vm-a', 'vm-b']) await lab.must(guest, ['ethtool', '-K', 'eth0', 'tx', 'off']);
    const daemon = await startDaemon(lab, { config: eipConfig('xdp', undefined, { hooks: { '*': 'xdp' } }) });
    await takeOver(lab, 'vm-a');
    t.is((await traffic.ping(lab, 'outside', EIP, 1)).received, 0, 'nobody has asked for the router yet');
    const lost = await frames(lab, daemon, lab.port('vm-a'), 'drop', 'eip-no-neighbour');
    t.is(lost, 1);
    await eventually(
      'the router is known',
      async () => (await traffic.ping(lab, 'outside', EIP, 1)).received === 1,
    );
    await checkLoads(t, lab, { server: 'vm-a', client: 'outside', address: EIP }, { bulk: true });
  },
);

test.serial('a gateway without a route: nothing leaves, and the reason is counted', async (t) => {
  const lab = await outsideLab(t);
  const daemon = await startDaemon(lab, { config: eipConfig('tc') });
  await takeOver(lab, 'vm-a');
  await lab.ip('hv', ['route del default']);
  const seen = await capture(lab, 'outside', 'eth0');
  await lab.exec('vm-a', ['ping', '-n', '-c', '2', '-i', '0.05', '-W', '1', '-I', VIP, OUTSIDE.far]);
  t.is(await frames(lab, daemon, lab.port('vm-a'), 'drop', 'eip-no-route'), 2);
  t.deepEqual(
    seen.frames().filter((frame) => frame.includes(hexOfIpv4(VIP))),
    [],
  );
  t.is((await traffic.ping(lab, 'outside', EIP, 3)).received, 3, 'the wire itself is still a route');
});

test.serial('EIPs come and go with the file, and outlive the daemon', async (t) => {
  const lab = await outsideLab(t);
  const daemon = await startDaemon(lab, { config: eipConfig('tc', []) });
  await takeOver(lab, 'vm-a');
  const answers = async (address: string): Promise<boolean> =>
    (await traffic.ping(lab, 'outside', address)).received === 1;
  t.false(await answers(EIP));
  await writeConfig(lab, eipConfig('tc'));
  t.is((await havip(lab, 'reload')).code, 0);
  t.true(await answers(EIP));
  await writeConfig(lab, eipConfig('tc', [{ address: EIP2, havip: VIP }]));
  t.is((await havip(lab, 'reload')).code, 0);
  await lab.clearNeighbours('outside');
  t.false(await answers(EIP));
  t.true(await answers(EIP2));
  await daemon.kill();
  t.true(await answers(EIP2), 'with no daemon');
  const second = await startDaemon(lab);
  t.false(await answers(EIP2), 'started without EIPs');
  await second.stop();
  await startDaemon(lab, { config: eipConfig('tc') });
  t.true(await answers(EIP));
  t.is((await havip(lab, 'map', 'dump', 'eips')).code, 0);
});

test.serial(
  'a gateway of a smaller MTU than the guests: what is too long is counted, in segments too',
  async (t) => {
    const lab = await outsideLab(t);
    const daemon = await startDaemon(lab, { config: eipConfig('tc') });
    await takeOver(lab, 'vm-a');
    await lab.ip('hv', ['link set ext0 mtu 1400']);
    const long = (): Promise<number> => frames(lab, daemon, lab.port('vm-a'), 'drop', 'eip-too-long');
    await lab.exec('vm-a', ['ping', '-n', '-c', '1', '-W', '1', '-s', '1450', '-I', VIP, OUTSIDE.far]);
    await eventually('the packet is counted', async () => (await long()) === 1);
    const web = await traffic.httpServer(lab, 'vm-a');
    t.false((await traffic.download(lab, 'outside', EIP, { bytes: 1 << 20, timeoutS: 2 })).intact);
    await web.stop();
    t.true((await long()) > 1);
  },
);

test.serial('nobody holds the HAVIP: what is sent to its EIP is dropped, and counted', async (t) => {
  const lab = await outsideLab(t);
  const daemon = await startDaemon(lab, { config: eipConfig('xdp') });
  t.is((await traffic.ping(lab, 'outside', EIP, 3)).received, 0);
  t.is(await frames(lab, daemon, 'ext0', 'drop', 'eip-unheld'), 3);
});

test.serial(
  'a session breaks at the failover as TCP must; a new one comes with the first SYN, 100 of 100',
  async (t) => {
    const lab = await outsideLab(t);
    const damping = { moves: 16, window: '100ms' };
    await startDaemon(lab, { config: eipConfig('xdp', undefined, {}, { damping }) });
    for (const guest of ['vm-a', 'vm-b']) {
      const server = lab.spawn(guest, [process.execPath, SESSION, 'serve', '22', guest]);
      await server.waitFor(/^ready$/);
    }
    await takeOver(lab, 'vm-a');
    const session = lab.spawn('outside', [process.execPath, SESSION, 'keep', EIP, '22']);
    await session.waitFor(/^vm-a$/);
    let held: 'vm-a' | 'vm-b' = 'vm-a';
    for (let round = 0; round < 100; round++) {
      held = other(held);
      await takeOver(lab, held);
      const said = await lab.must('outside', [process.execPath, SESSION, 'first', EIP, '22']);
      const { name, syns } = JSON.parse(said) as { name: string; syns: number };
      t.is(name, held, `round ${round}`);
      t.is(syns, 1, `round ${round}: the first SYN`);
    }
    await session.waitFor(/^(ECONNRESET|closed)$/);
  },
);

async function macOf(lab: Lab, ns: string, device: string): Promise<string> {
  const [link] = JSON.parse(await lab.must(ns, ['ip', '-j', 'link', 'show', device])) as {
    address: string;
  }[];
  return link?.address ?? '';
}
