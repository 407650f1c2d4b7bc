// SPDX-License-Identifier: BSD-2-Clause
// VLAN tags belong to the broadcast domain: three networks on one bridge, told apart by their tag stacks alone, have
// the same HAVIP. Raw frames, since the guests' kernels need not know tags for a bridge to carry them.
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { ADDRESSES, VIP } from '../../src/lab/topology.js';
import { frames, heldBy, startDaemon, status, type Daemon } from '../support/daemon.js';
import { eventually, requireRoot } from '../support/lab.js';
import { addFarGuest, pairLab, type PairOptions } from '../support/pair.js';
import { arp, capture, hexOf, tagged, udp } from '../support/raw.js';

test.before(requireRoot);

type Protocol = '8100' | '88a8';

const DOMAINS = [
  { network: 'plain', vlan: [] },
  { network: 'single', vlan: [100] },
  { network: 'double', vlan: [100, 7] },
];

function subnetOf({ network, vlan }: (typeof DOMAINS)[number]): object {
  const uplink = { uplinks: ['uplink0'], hooks: { uplink0: 'xdp' } };
  const subnet = { name: 'web', cidr: '10.0.1.0/24', bridge: 'br-web', vlan, ...uplink };
  return { name: network, subnets: [{ ...subnet, havips: [{ address: VIP }] }] };
}

async function taggedLab(
  t: ExecutionContext,
  options: PairOptions = {},
): Promise<{ lab: Lab; daemon: Daemon }> {
  const lab = await pairLab(t, options);
  await addFarGuest(lab, 'far', '10.0.1.30');
  return { lab, daemon: await startDaemon(lab, { config: { networks: DOMAINS.map(subnetOf) } }) };
}

async function announce(lab: Lab, guest: string, protocol: Protocol, ids: number[]): Promise<void> {
  const frame = arp({ mac: lab.mac(guest), sender: VIP });
  await lab.sendFrames(guest, 'eth0', [ids.length === 0 ? frame : tagged(frame, protocol, ...ids)]);
}

/** Sent with the wrong MAC under the tags; arrives at `to` with the right one, and otherwise as it was. */
async function checkArrives(
  t: ExecutionContext,
  lab: Lab,
  path: { from: string; to: string; stale: string; protocol: Protocol; ids: number[] },
): Promise<void> {
  const { from, to, stale, protocol, ids } = path;
  const text = `from ${from} under ${ids.join('.')} as ${protocol}`;
  const source = { mac: lab.mac(from), address: ADDRESSES.client };
  const sent = tagged(udp(source, { mac: lab.mac(stale), address: VIP }, text), protocol, ...ids);
  const [there, astray] = [await capture(lab, to), await capture(lab, stale)];
  // The first may take the bridge, for the bridge to learn the sender; the others are redirected.
  await lab.sendFrames(from, 'eth0', [`${sent} 3`]);
  const wanted = hexOf(lab.mac(to)) + sent.slice(12);
  const arrived = (): number => there.frames().filter((frame) => frame === wanted).length;
  await eventually(`3 frames ${text} at ${to}`, async () => arrived() === 3);
  await there.stop();
  const data = Buffer.from(text).toString('hex');
  t.is(there.frames().filter((frame) => frame.includes(data)).length, 3, 'nothing else arrived');
  t.deepEqual(
    (await astray.stop()).filter((frame) => frame.includes(data)),
    [],
  );
}

for (const kind of ['veth', 'tap'] as const) {
  test.serial(`frames under tags reach the ${kind} holder that announced under the same tags`, async (t) => {
    const { lab } = await taggedLab(t, { 'vm-a': kind });
    await announce(lab, 'vm-a', '8100', [100]);
    await heldBy(lab, lab.port('vm-a'), VIP, 'single');
    for (const network of ['plain', 'double'])
      t.is((await status(lab, VIP, network)).state, 'unheld', network);

    await announce(lab, 'vm-b', '8100', [100, 7]);
    await heldBy(lab, lab.port('vm-b'), VIP, 'double');
    await announce(lab, 'vm-b', '8100', []);
    await heldBy(lab, lab.port('vm-b'), VIP, 'plain');
    t.like((await status(lab, VIP, 'single')).holder, { port: lab.port('vm-a') });

    for (const from of ['client', 'far']) {
      const single = { from, to: 'vm-a', stale: 'vm-b', ids: [100] };
      const double = { from, to: 'vm-b', stale: 'vm-a', ids: [100, 7] };
      await checkArrives(t, lab, { ...single, protocol: '8100' });
      await checkArrives(t, lab, { ...double, protocol: '88a8' });
    }
    t.is((await status(lab, VIP, 'single')).packets, 6);
    t.is((await status(lab, VIP, 'double')).packets, 6);
    t.is((await status(lab, VIP, 'plain')).packets, 0);
  });
}

test.serial('a claim under tags of no subnet binds nothing, and travels on', async (t) => {
  const { lab, daemon } = await taggedLab(t);
  const seen = await capture(lab, 'vm-b');
  const strange = [[200], [100, 8], [7, 100], [100, 7, 1]];
  for (const ids of strange) await announce(lab, 'vm-a', '8100', ids);
  // The guest's own neighbour discovery comes from the same MAC, but untagged.
  const tagged = `${hexOf(lab.mac('vm-a'))}8100`;
  const arrived = (): number => seen.frames().filter((frame) => frame.startsWith(tagged, 12)).length;
  await eventually('all of them arrive', async () => arrived() === strange.length);
  for (const { network } of DOMAINS) t.is((await status(lab, VIP, network)).state, 'unheld', network);
  t.is(await frames(lab, daemon, lab.port('vm-a'), 'pass', 'other-domain'), strange.length);
});

test.serial('a priority tag is no VLAN: the claim is of the untagged subnet', async (t) => {
  const { lab } = await taggedLab(t);
  await announce(lab, 'vm-a', '8100', [0]);
  await heldBy(lab, lab.port('vm-a'), VIP, 'plain');
  for (const network of ['single', 'double'])
    t.is((await status(lab, VIP, network)).state, 'unheld', network);
});
