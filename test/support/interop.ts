// SPDX-License-Identifier: BSD-2-Clause
// What every software that takes an address over has to find: the network follows it, a sender with a stale entry
// reaches it, nothing of it is refused or takes alarm, and the model agrees.
import type { ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { events, heldBy, metrics, startDaemon, status, webConfig, type Daemon } from './daemon.js';
import { eventually } from './lab.js';
import { pairLab, type Holder } from './pair.js';

/** Without us not a packet to it would arrive anywhere. */
const NOBODYS_MAC = '02:00:00:00:00:99';

export interface Followed {
  readonly lab: Lab;
  readonly daemon: Daemon;
  readonly addresses: readonly string[];
}

/** A pair of guests, and a daemon with every default that serves these addresses. */
export async function followed(t: ExecutionContext, addresses: readonly string[] = [VIP]): Promise<Followed> {
  const lab = await pairLab(t);
  const daemon = await startDaemon(lab, { config: webConfig(addresses.map((address) => ({ address }))) });
  for (const address of addresses) await lab.staticNeighbour('client', address, NOBODYS_MAC);
  return { lab, daemon, addresses };
}

/** @param mac Under which it takes the address. @default the guest's own */
export async function checkHolds(
  t: ExecutionContext,
  { lab, addresses }: Followed,
  guest: Holder,
  mac = lab.mac(guest),
): Promise<void> {
  for (const address of addresses) {
    await heldBy(lab, lab.port(guest), address);
    // A question of ours may have been answered under the NIC's own MAC before the virtual one is announced.
    await eventually(`it is under ${mac}`, async () => (await status(lab, address)).holder?.mac === mac);
    t.like(await status(lab, address), { state: 'held', holder: { port: lab.port(guest) } });
  }
  const [address = VIP] = addresses;
  // The guest announces a moment before it listens: some add the address last.
  await eventually(
    `${guest} answers`,
    async () => (await traffic.ping(lab, 'client', address)).received === 1,
  );
}

export async function checkQuiet(t: ExecutionContext, { lab, daemon }: Followed): Promise<void> {
  t.deepEqual(await events(lab, 'refuse', 'flap', 'split-brain', 'dual-active', 'disagreement', 'lost'), []);
  const counted = async (name: string): Promise<number> => (await metrics(lab, daemon)).get(name) ?? NaN;
  await eventually('decisions are audited', async () => (await counted('havip_model_audited_total')) > 0);
  t.is(await counted('havip_model_mismatch_total'), 0);
}

/** How often each kind of frame from that guest was counted with one of these results. */
export async function counted(
  { lab, daemon }: Followed,
  guest: Holder,
  kind: string,
  ...results: readonly string[]
): Promise<number> {
  const page = await metrics(lab, daemon);
  const port = lab.port(guest);
  const counts = results.map((result) =>
    page.get(`havip_claims_total{port="${port}",kind="${kind}",result="${result}"}`),
  );
  return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
}
