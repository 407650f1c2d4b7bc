// SPDX-License-Identifier: BSD-2-Clause
// A lab in which a stream of packets crosses a hypervisor: where it comes from, the guest at its end, and both their
// helpers. What passes the packets on is the business of packet-ways.ts.
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { HavipError } from '../errors.js';
import { udp } from '../lab/frames.js';
import type { Lab } from '../lab/lab.js';
import type { Child } from '../lab/process.js';
import type { LinkHook } from '../native/index.js';
import { addressOf, pinned } from './host.js';
import { newLab } from './labs.js';

/** Of the guest at the end; the constant `holder` of bare.h. */
export const HOLDER_MAC = '02:00:00:00:be:0c';
export const GUEST = { name: 'vm-a', address: '10.0.0.11' } as const;
export const CLIENT = { name: 'client', address: '10.0.0.10' } as const;
/** On the hypervisor's bridge. */
export const UPLINK = 'up0';
/** What no station of the lab has: a sender that believes in a holder of long ago. */
export const STALE_MAC = '02:00:00:00:5a:1e';
/** HAVIPs that a stream goes to by turns; a power of two. */
export const SPREAD = 1024;

/** wire: frames enter by the uplink. guest: skbs enter by a vNIC. */
export type Entry = 'wire' | 'guest';

export interface Site {
  readonly lab: Lab;
  readonly generator: Child;
  readonly sink: Child;
  /** First 60 bytes of every frame. Hexadecimal. */
  readonly head: string;
  /** Addresses that it goes to by turns, from the head's on; a power of two. */
  readonly spread: number;
}

export interface Sent {
  /** A packet, from the generator until it has been counted at its end. */
  readonly ns: number;
  readonly sent: number;
  readonly lost: number;
}

const script = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url));
const GENERATE = script('generate');
const HOLD = script('hold');

/** Namespace and device that the stream leaves by; it enters the hypervisor at the other end. */
export const sourceOf = (entry: Entry): string => (entry === 'wire' ? 'wire' : CLIENT.name);
export const portOf = (lab: Lab, entry: Entry): string => (entry === 'wire' ? UPLINK : lab.port(CLIENT.name));

/** A bridge with the guest on it, and the way in. */
export async function packetLab(entry: Entry): Promise<Lab> {
  const lab = await newLab();
  await addQuiet(lab, 'hv');
  await addQuiet(lab, GUEST.name);
  await lab.addBridge('hv', 'br-web');
  await lab.addLeg(GUEST.name, 'eth0', {
    ...{ host: 'hv', bridge: 'br-web', mac: HOLDER_MAC },
    addresses: [`${GUEST.address}/8`],
  });
  // Redirects of XDP arrive in a veth only while its other end has NAPI.
  await lab.must(GUEST.name, ['ethtool', '-K', 'eth0', 'gro', 'on']);
  await (entry === 'wire' ? addUplink(lab) : addClient(lab));
  return lab;
}

/** No IPv6 of its own: what a kernel says unasked crosses the stream on another CPU, and takes its polling there. */
async function addQuiet(lab: Lab, name: string): Promise<void> {
  await lab.addNamespace(name);
  await lab.sysctl(name, ['net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1']);
}

async function addUplink(lab: Lab): Promise<void> {
  await addQuiet(lab, 'wire');
  const ends = { host: 'hv', bridge: 'br-web', port: UPLINK, far: 'wire', farDevice: 'eth0' };
  await lab.addWire({ ...ends, addresses: [`${CLIENT.address}/8`] });
}

async function addClient(lab: Lab): Promise<void> {
  await addQuiet(lab, CLIENT.name);
  await lab.addLeg(CLIENT.name, 'eth0', { host: 'hv', bridge: 'br-web', addresses: [`${CLIENT.address}/8`] });
  await lab.must('hv', ['ethtool', '-K', lab.port(CLIENT.name), 'gro', 'on']);
}

/** @param destination MAC that the frames carry. */
export async function openSite(lab: Lab, entry: Entry, destination: string): Promise<Site> {
  const source = sourceOf(entry);
  const from = { mac: lab.mac(source), address: CLIENT.address };
  return openStream(lab, {
    source,
    sink: entry === 'wire' ? SINK_XDP : SINK_TC,
    head: shortest(from, { mac: destination, address: addressOf(0) }),
    spread: SPREAD,
  });
}

export type Program = readonly [name: string, hook: LinkHook];
export const SINK_XDP: Program = ['sink', 'xdp'];
const SINK_TC: Program = ['sink_skb', 'tcx-ingress'];

interface StreamOptions {
  /** Namespace that it leaves by its eth0. */
  readonly source: string;
  readonly sink: Program;
  readonly head: string;
  readonly spread: number;
}

/** Both ends of a stream to GUEST. */
export async function openStream(lab: Lab, { source, sink: program, ...rest }: StreamOptions): Promise<Site> {
  const sink = await hold(lab, GUEST.name, program, 'eth0');
  // What came to another CPU would wait there for its turn behind whatever runs, while the ring overflows.
  const argv = [...pinned(), process.execPath, GENERATE, await ifindexOf(lab, source, 'eth0')];
  const generator = lab.spawn(source, argv, { stdin: true });
  await generator.waitFor(/^ready$/);
  return { lab, generator, sink, ...rest };
}

type Station = Parameters<typeof udp>[0];

/** Ethernet's shortest frame, of UDP. Hexadecimal. */
export const shortest = (from: Station, to: Station): string => udp(from, to, 'x'.repeat(60 - 42));

/** One that comes from the wire, of a sender that believes in a holder of long ago. Hexadecimal. */
export function staleFrame(lab: Lab): string {
  const from = { mac: lab.mac('wire'), address: CLIENT.address };
  return shortest(from, { mac: STALE_MAC, address: addressOf(0) });
}

/** A program of stream.bpf.c, attached until the lab is closed. @param to Device of the same namespace. */
export async function hold(
  lab: Lab,
  ns: string,
  [program, hook]: Program,
  device: string,
  to?: string,
): Promise<Child> {
  const argv = [process.execPath, HOLD, program, hook, await ifindexOf(lab, ns, device)];
  if (to !== undefined) argv.push(await ifindexOf(lab, ns, to));
  const child = lab.spawn(ns, argv, { stdin: true });
  await child.waitFor(/^ready$/);
  return child;
}

/** Before each sample, since the caches are full of what another contender did. */
const WARM_PACKETS = 10_000;

/** @param bytes A frame, without its checksum; null: the mix. */
export async function send(site: Site, bytes: number | null, count: number): Promise<Sent> {
  const before = await arrived(site);
  await generate(site, bytes, WARM_PACKETS);
  const ns = await generate(site, bytes, count);
  const sent = WARM_PACKETS + count;
  return { ns, sent, lost: sent - (await arrivals(site, before, sent)) };
}

/** @returns nanoseconds of one */
async function generate(
  { generator, spread, head }: Site,
  bytes: number | null,
  count: number,
): Promise<number> {
  const from = generator.lines.length;
  generator.write(`${bytes ?? 0} ${count} ${spread} ${head}\n`);
  const [, ns] = await generator.waitFor(/^sent (\d+)$/, { from, timeoutMs: 60_000 });
  return Number(ns);
}

const COUNT_MS = 10;
const COUNTS = 20;

/** How many have come since `before`: those that a softirq still has in hand are waited for. */
async function arrivals(site: Site, before: number, sent: number): Promise<number> {
  for (let left = COUNTS; ; left--) {
    const came = (await arrived(site)) - before;
    if (came >= sent || left === 0) return came;
    await pause(COUNT_MS);
  }
}

async function arrived({ sink }: Site): Promise<number> {
  const from = sink.lines.length;
  sink.write('?\n');
  const [, count] = await sink.waitFor(/^arrived (\d+) /, { from });
  return Number(count);
}

/** Of a device that is there. */
export async function ifindexOf(lab: Lab, ns: string, device: string): Promise<string> {
  return String((await linkOf(lab, ns, device)).ifindex);
}

export async function linkOf(
  lab: Lab,
  ns: string,
  device: string,
): Promise<{ ifindex: number; address: string }> {
  const text = await lab.must(ns, ['ip', '-j', 'link', 'show', device]);
  const [link] = JSON.parse(text) as { ifindex: number; address: string }[];
  if (!link) throw new HavipError('FAILED', `no ${device} in ${ns}`);
  return link;
}
