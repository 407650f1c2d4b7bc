// SPDX-License-Identifier: BSD-2-Clause
// What XDP cannot do must not lose a frame: targets that take no redirect, and frames that are too long for them,
// take the bridge with the right MAC, and are counted by reason.
import test, { type ExecutionContext } from 'ava';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { frames, metrics, startDaemon, webConfig, type Daemon } from '../support/daemon.js';
import { eventually, requireRoot } from '../support/lab.js';
import { checkReaches, pairLab, takeOver, type PairOptions } from '../support/pair.js';

/** A program that is not ours: the benchmarks' sink, which lets everything pass but its own stream. */
const STRANGER = fileURLToPath(new URL('../../bench/stream.o', import.meta.url));

test.before(requireRoot);

/** How often something is mounted where iproute2 mounts a BPF file system by itself. */
async function bpfMounts(): Promise<number> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n');
  return lines.filter((line) => line.split(' ')[1] === '/sys/fs/bpf').length;
}

async function uplinkLab(
  t: ExecutionContext,
  options: PairOptions,
  hook: 'xdp' | 'auto',
): Promise<{ lab: Lab; daemon: Daemon }> {
  const lab = await pairLab(t, { client: 'uplink', ...options });
  const subnet = { uplinks: ['uplink0'], hooks: { uplink0: hook } };
  const daemon = await startDaemon(lab, { config: webConfig([{ address: VIP }], subnet) });
  await takeOver(lab, 'vm-a');
  await lab.staticNeighbour('client', VIP, lab.mac('vm-b'));
  return { lab, daemon };
}

const redirected = (lab: Lab, daemon: Daemon): Promise<number> =>
  frames(lab, daemon, 'uplink0', 'redirect', 'holder');
const noRedirect = (lab: Lab, daemon: Daemon): Promise<number> =>
  frames(lab, daemon, 'uplink0', 'rewrite', 'no-redirect');
const tooLong = (lab: Lab, daemon: Daemon): Promise<number> =>
  frames(lab, daemon, 'uplink0', 'rewrite', 'too-long');

test.serial(
  'a holder whose veth takes no redirect gets all by the bridge, then by redirect once it does',
  async (t) => {
    const { lab, daemon } = await uplinkLab(t, { 'vm-a': 'veth' }, 'xdp');
    await traffic.echoStream(lab, 'vm-a');
    const stream = await traffic.sendStream(lab, 'client', { to: VIP, seconds: 20 });
    await eventually('frames took the bridge', async () => (await noRedirect(lab, daemon)) > 200);
    t.is(await redirected(lab, daemon), 0);

    await lab.must('vm-a', ['ethtool', '-K', 'eth0', 'gro', 'on']);
    await eventually('frames are redirected', async () => (await redirected(lab, daemon)) > 200);
    const passed = await noRedirect(lab, daemon);
    await eventually('and go on being', async () => (await redirected(lab, daemon)) > 500);
    t.is(await noRedirect(lab, daemon), passed);
    t.like(await stream.finish(), { lost: 0, duplicated: 0 });
  },
);

test.serial('when the holder stops taking redirects, the bridge takes over again', async (t) => {
  const { lab, daemon } = await uplinkLab(t, { 'vm-a': 'veth' }, 'xdp');
  await lab.must('vm-a', ['ethtool', '-K', 'eth0', 'gro', 'on']);
  const arrives = async (count: () => Promise<number>): Promise<boolean> => {
    const before = await count();
    await traffic.ping(lab, 'client', VIP);
    return (await count()) > before;
  };
  await eventually('a redirect', () => arrives(() => redirected(lab, daemon)));
  await lab.must('vm-a', ['ethtool', '-K', 'eth0', 'gro', 'off']);
  await eventually('a frame over the bridge', () => arrives(() => noRedirect(lab, daemon)));
  const before = await redirected(lab, daemon);
  await checkReaches(t, lab, 'vm-a');
  t.is(await redirected(lab, daemon), before);
});

for (const [kind, hook, gro] of [
  ['tap', 'xdp', 'off'],
  ['veth', 'xdp', 'on'],
  ['veth', 'auto', 'off'],
] as const) {
  const title = `frames too long for a ${kind} holder are counted, those that fit arrive (hook ${hook}, GRO ${gro})`;
  test.serial(title, async (t) => {
    const { lab, daemon } = await uplinkLab(t, { 'vm-a': kind, clientMtu: 9000 }, hook);
    if (gro === 'on') {
      await lab.must('vm-a', ['ethtool', '-K', 'eth0', 'gro', 'on']);
      await eventually('the holder takes redirects', async () => {
        await traffic.ping(lab, 'client', VIP);
        return (await redirected(lab, daemon)) > 0;
      });
    }
    const pings = async (bytes: number): Promise<number> => {
      const argv = ['ping', '-n', '-M', 'do', '-s', String(bytes), '-c', '5', '-i', '0.05', '-W', '1', VIP];
      return Number(/(\d+) received/.exec((await lab.exec('client', argv)).stdout)?.[1]);
    };
    t.is(await tooLong(lab, daemon), 0);
    // 28 bytes of headers: the longest that a guest's MTU of 1500 takes.
    t.is(await pings(1472), 5);
    t.is(await tooLong(lab, daemon), 0);
    const before = await redirected(lab, daemon);
    t.true(before > 0);
    await Promise.all([pings(3000), pings(8000)]);
    t.is(await tooLong(lab, daemon), 10);
    t.is(await redirected(lab, daemon), before);
    t.is(await pings(1472), 5);
  });
}

test.serial(
  'a port that another program has is named and left to the bridge, until it is free',
  async (t) => {
    const before = await bpfMounts();
    const lab = await pairLab(t);
    const port = lab.port('client');
    // iproute2 mounts a BPF file system on /sys/fs/bpf for this: in a mount namespace of its own it goes with it.
    const load = ['ip', 'link', 'set', 'dev', port, 'xdp', 'obj', STRANGER, 'program', 'sink'];
    await lab.must('hv', ['unshare', '--mount', ...load]);
    t.is(await bpfMounts(), before, 'the host has no more mounts than before');
    const daemon = await startDaemon(lab, {
      config: webConfig([{ address: VIP }], { hooks: { [port]: 'xdp' } }),
    });
    t.regex(
      daemon.child.stderr,
      new RegExp(`cannot attach to ${port} \\(xdp\\): another program is attached there`),
    );
    const attached = `havip_port_attached{port="${port}",hook="xdp"}`;
    t.is((await metrics(lab, daemon)).get(attached), 0);
    // The others are served, and the bridge serves this one as ever.
    await takeOver(lab, 'vm-b');
    await lab.staticNeighbour('client', VIP, lab.mac('vm-b'));
    t.is((await traffic.ping(lab, 'client', VIP, 3)).received, 3);

    await lab.must('hv', ['ip', 'link', 'set', 'dev', port, 'xdp', 'off']);
    await eventually('it is served', async () => (await metrics(lab, daemon)).get(attached) === 1);
    await lab.staticNeighbour('client', VIP, lab.mac('vm-a'));
    t.is((await traffic.ping(lab, 'client', VIP, 3)).received, 3);
  },
);
