// SPDX-License-Identifier: BSD-2-Clause
// A pair of guests that share a HAVIP, and a client with a stale belief: who takes the address, and whether every
// kind of load reaches the one who has it. Announcements are the test's own; keepalived.test.ts has real ones.
import type { ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { ADDRESSES, ipv6, VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { heldBy } from './daemon.js';
import { labFor } from './lab.js';

export type Kind = 'veth' | 'tap';
export type ClientKind = Kind | 'uplink';
export type Holder = 'vm-a' | 'vm-b';

export interface PairOptions {
  /** 'uplink': the client is at the far end of the wire of `uplink0`. @default 'veth' */
  client?: ClientKind;
  /** @default 'veth' */
  'vm-a'?: Kind;
  'vm-b'?: Kind;
  ageingTimeS?: number;
  clientMtu?: number;
}

export const both = (address: string): string[] => [`${address}/24`, `${ipv6(address)}/64`];
export const other = (guest: Holder): Holder => (guest === 'vm-a' ? 'vm-b' : 'vm-a');

/** Hypervisor `hv` with br-web; guests `vm-a`, `vm-b` and `client`. */
export async function pairLab(t: ExecutionContext, options: PairOptions = {}): Promise<Lab> {
  const lab = await labFor(t);
  await lab.addNamespace('hv');
  const ageing = options.ageingTimeS === undefined ? {} : { ageingTimeS: options.ageingTimeS };
  await lab.addBridge('hv', 'br-web', { ...ageing, addresses: both(ADDRESSES.host) });
  for (const name of ['vm-a', 'vm-b'] as const) await addGuest(lab, name, ADDRESSES[name], options[name]);
  const kind = options.client ?? 'veth';
  if (kind === 'uplink') await addFarGuest(lab, 'client', ADDRESSES.client, options.clientMtu);
  else await addGuest(lab, 'client', ADDRESSES.client, kind);
  return lab;
}

export async function addGuest(lab: Lab, name: string, address: string, kind: Kind = 'veth'): Promise<void> {
  await lab.addGuest(name, { host: 'hv', bridge: 'br-web', kind, addresses: both(address) });
}

/** A station at the far end of a wire, whose near end is the uplink `uplink0`. */
export async function addFarGuest(lab: Lab, name: string, address: string, mtu?: number): Promise<void> {
  await lab.addNamespace(name);
  const wire = { host: 'hv', bridge: 'br-web', port: 'uplink0', far: name, farDevice: 'eth0' };
  await lab.addWire({ ...wire, addresses: both(address), ...(mtu === undefined ? {} : { mtu }) });
}

/** `guest` gets the address and says so; the other loses it. Resolves when the network follows. */
export async function takeOver(lab: Lab, guest: Holder, address = VIP): Promise<void> {
  await lab.exec(other(guest), ['ip', 'address', 'del', `${address}/32`, 'dev', 'eth0']);
  await lab.ip(guest, [`address replace ${address}/32 dev eth0`]);
  await lab.announce(guest, address);
  await heldBy(lab, lab.port(guest), address);
}

export interface Loads {
  /** A second of iperf3 as well. @default false: ping and a checked download */
  bulk?: boolean;
}

/** Loads from a sender that is sure that the *other* guest has the address; that one gets no frame of them. */
export async function checkReaches(
  t: ExecutionContext,
  lab: Lab,
  guest: Holder,
  options: Loads & { from?: string; address?: string; device?: string } = {},
): Promise<void> {
  const { from = 'client', address = VIP, device = 'eth0' } = options;
  const standby = other(guest);
  await lab.staticNeighbour(from, address, lab.mac(standby), device);
  const astray = await traffic.countFrames(lab, standby, 'eth0', { dst: address });
  await checkLoads(t, lab, { server: guest, client: from, address }, options);
  const { frames } = await astray.stop();
  t.is(frames, 0, `${standby}, the standby, got ${frames} frames of ${address}`);
}

export async function checkLoads(
  t: ExecutionContext,
  lab: Lab,
  pair: traffic.Pair,
  options: Loads = {},
): Promise<void> {
  const { server, client, address } = pair;
  t.is((await traffic.ping(lab, client, address, 3)).received, 3, `ping ${address} at ${server}`);
  if (options.bulk === true) await checkBulk(t, lab, pair);
  const web = await traffic.httpServer(lab, server);
  try {
    const got = await traffic.download(lab, client, address, { bytes: 8 << 20 });
    t.deepEqual(got, { bytes: 8 << 20, intact: true }, `download from ${server}`);
  } finally {
    await web.stop();
  }
}

async function checkBulk(t: ExecutionContext, lab: Lab, pair: traffic.Pair): Promise<void> {
  const { bitsPerSecond, retransmits } = await traffic.tcpBulk(lab, pair, { seconds: 1 });
  const way = `${pair.client} -> ${pair.server}`;
  t.log(`${way}: ${(bitsPerSecond / 1e9).toFixed(1)} Gb/s, ${retransmits} resent`);
  // Far below what works, far above what trickles where checksums are broken.
  t.true(bitsPerSecond > 2e8, `${bitsPerSecond} b/s, ${way}`);
}
