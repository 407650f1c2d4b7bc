// SPDX-License-Identifier: BSD-2-Clause
// Two hypervisors on one flat layer 2, each with its own daemon and pins, and a switch between them: both follow the
// same announcement, and a sender on the wire that believes in the former holder reaches the present one.
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { ADDRESSES, VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import {
  frames,
  heldBy,
  hostOf,
  startDaemon,
  status,
  webConfig,
  type Daemon,
  type Host,
} from '../support/daemon.js';
import { eventually, labFor, requireRoot } from '../support/lab.js';
import { bindAt } from '../support/maps.js';
import { both, checkReaches, other, type Holder, type Kind } from '../support/pair.js';
import { capture } from '../support/raw.js';

test.before(requireRoot);

const HOME = { 'vm-a': 'hv', 'vm-b': 'hv2' } as const;

interface Hosts {
  readonly lab: Lab;
  /** Of `vm-a`, and of `vm-b`. */
  readonly a: { readonly host: Host; readonly daemon: Daemon };
  readonly b: { readonly host: Host; readonly daemon: Daemon };
}

interface Options {
  readonly kind?: Kind;
  readonly hook?: 'xdp' | 'tc';
  /** How long the switch remembers a station. @default 300 */
  readonly switchAgeingS?: number;
}

async function twoHosts(t: ExecutionContext, options: Options = {}): Promise<Hosts> {
  const { kind = 'veth', hook = 'xdp', switchAgeingS = 300 } = options;
  const lab = await labFor(t);
  await lab.addNamespace('wire');
  await lab.addBridge('wire', 'br-wire', { ageingTimeS: switchAgeingS });
  for (const [guest, host] of Object.entries(HOME) as [Holder, 'hv' | 'hv2'][]) {
    await lab.addNamespace(host);
    await lab.addBridge(host, 'br-web', {});
    await lab.addGuest(guest, { host, bridge: 'br-web', kind, addresses: both(ADDRESSES[guest]) });
    await lab.addWire({ host, bridge: 'br-web', port: 'uplink0', far: 'wire', farDevice: `to-${host}` });
    await lab.must('wire', ['ip', 'link', 'set', `to-${host}`, 'master', 'br-wire', 'up']);
  }
  await lab.addGuest('client', {
    host: 'wire',
    bridge: 'br-wire',
    kind: 'veth',
    addresses: both(ADDRESSES.client),
  });
  const config = webConfig([{ address: VIP }], { uplinks: ['uplink0'], hooks: { uplink0: hook } });
  const second = await hostOf(lab, 'hv2');
  const a = { host: lab, daemon: await startDaemon(lab, { config }) };
  const b = { host: second, daemon: await startDaemon(second, { config }) };
  // Their ARP tells each host who lives there.
  for (const guest of ['vm-a', 'vm-b']) await traffic.ping(lab, guest, ADDRESSES.client, 1);
  return { lab, a, b };
}

/** Where it is, and where it is elsewhere. */
async function takeOver({ lab, a, b }: Hosts, guest: Holder): Promise<void> {
  await lab.exec(other(guest), ['ip', 'address', 'del', `${VIP}/32`, 'dev', 'eth0']);
  await lab.ip(guest, [`address replace ${VIP}/32 dev eth0`]);
  await lab.announce(guest, VIP);
  const [here, there] = guest === 'vm-a' ? [a, b] : [b, a];
  await heldBy(here.host, lab.port(guest));
  await heldBy(there.host, 'uplink0');
}

const sentBack = (lab: Host, daemon: Daemon): Promise<number> =>
  frames(lab, daemon, 'uplink0', 'redirect', 'back');

for (const [kind, hook] of [
  ['veth', 'xdp'],
  ['tap', 'xdp'],
  ['veth', 'tc'],
] as const) {
  test.serial(
    `a stale sender on the wire reaches the holder on the other host (${kind}, hook ${hook})`,
    async (t) => {
      const hosts = await twoHosts(t, { kind, hook });
      const { lab, a, b } = hosts;
      for (const guest of ['vm-a', 'vm-b', 'vm-a'] as const) {
        await takeOver(hosts, guest);
        await checkReaches(t, lab, guest, { bulk: true });
      }
      // The first holder had none before it whom the wire could believe in.
      t.true((await sentBack(a.host, a.daemon)) > 1000);
      t.true((await sentBack(b.host, b.daemon)) > 1000);
      t.is((await status(a.host)).holder?.location, 'local');
      t.is((await status(b.host)).holder?.location, 'uplink');
    },
  );
}

test.serial(
  'what is sent back is one hop older and comes from the uplink; its checksum is right',
  async (t) => {
    const hosts = await twoHosts(t);
    const { lab } = hosts;
    await takeOver(hosts, 'vm-a');
    await takeOver(hosts, 'vm-b');
    await lab.staticNeighbour('client', VIP, lab.mac('vm-a'));
    const seen = await capture(lab, 'vm-b');
    t.is((await traffic.ping(lab, 'client', VIP, 1)).received, 1);
    const [frame] = (await seen.stop()).filter(
      (one) => one.slice(24, 28) === '0800' && one.includes('0a00010a0a000132'),
    );
    const link = await lab.must('hv', ['ip', '-o', 'link', 'show', 'dev', 'uplink0']);
    const uplink = /link\/ether (\S+)/.exec(link)?.[1] ?? '';
    t.is(frame?.slice(12, 24), uplink.replaceAll(':', ''));
    const header = Buffer.from(frame?.slice(28, 68) ?? '', 'hex');
    t.is(header[8], 63);
    t.is(onesSum(header), 0xffff);
  },
);

function onesSum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

test.serial('on a wire that floods everything no frame is doubled', async (t) => {
  const hosts = await twoHosts(t, { switchAgeingS: 0 });
  const { lab, a } = hosts;
  await takeOver(hosts, 'vm-a');
  await takeOver(hosts, 'vm-b');
  await lab.staticNeighbour('client', VIP, lab.mac('vm-b'));
  const received = await traffic.countFrames(lab, 'vm-b', 'eth0', { dst: VIP });
  const { received: answers } = await traffic.ping(lab, 'client', VIP, 20);
  t.is(answers, 20);
  t.is((await received.stop()).frames, 20);
  t.is(await sentBack(a.host, a.daemon), 0);
});

test.serial('two hosts that disagree never circle a frame', async (t) => {
  const hosts = await twoHosts(t);
  const { lab, a, b } = hosts;
  await takeOver(hosts, 'vm-a');
  await takeOver(hosts, 'vm-b');
  // The second believes that it is with the first, which knows better.
  await bindAt(b.host, VIP, 'uplink0', lab.mac('vm-a'));
  await lab.staticNeighbour('client', VIP, lab.mac('vm-a'));
  const { received } = await traffic.ping(lab, 'client', VIP, 1);
  t.is(received, 0);
  const ended = async (): Promise<number> =>
    (await frames(a.host, a.daemon, 'uplink0', 'drop', 'ttl')) +
    (await frames(b.host, b.daemon, 'uplink0', 'drop', 'ttl'));
  await eventually('it has ended', async () => (await ended()) === 1);
  t.is((await sentBack(a.host, a.daemon)) + (await sentBack(b.host, b.daemon)), 63);
});
