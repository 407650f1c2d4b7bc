// SPDX-License-Identifier: BSD-2-Clause
// Whole frames in hexadecimal for tests that send what no stack would: under VLAN tags, forged, cut short. And what
// a device received, as such frames.
import { tool, type Lab } from '../../src/lab/lab.js';
import { hexOf, hexOfIpv4 } from '../../src/lab/frames.js';
import type { Child } from '../../src/lab/process.js';

export { hexOf, hexOfIpv4, udp } from '../../src/lab/frames.js';

const BROADCAST = 'ffffffffffff';

export interface ArpOptions {
  /** The sender hardware address, and the frame's source unless that is given. */
  mac: string;
  sender: string;
  /** @default the sender: an announcement */
  target?: string;
  /** @default 1 */
  operation?: 1 | 2;
  source?: string;
  /** @default broadcast */
  destination?: string;
  /** Hardware type, protocol type, lengths, as 12 hexadecimal digits. @default 000108000604 */
  types?: string;
}

export function arp(options: ArpOptions): string {
  const { mac, sender, target = sender, operation = 1, source = mac, types = '000108000604' } = options;
  const header = `${hexOf(options.destination ?? BROADCAST)}${hexOf(source)}0806`;
  return `${header}${types}000${operation}${hexOf(mac)}${hexOfIpv4(sender)}000000000000${hexOfIpv4(target)}`;
}

/** Puts tags into a frame, the outer one first: `tagged(frame, '8100', 100, 7)`. */
export function tagged(frame: string, protocol: '8100' | '88a8', ...ids: number[]): string {
  const tags = ids
    .map((id, at) => (at === 0 ? protocol : '8100') + id.toString(16).padStart(4, '0'))
    .join('');
  return frame.slice(0, 24) + tags + frame.slice(24);
}

export interface Capture {
  /** Every frame received so far, as hexadecimal digits. */
  frames(): string[];
  stop(): Promise<string[]>;
}

/** What a device receives, from when this resolves. */
export async function capture(lab: Lab, ns: string, device = 'eth0'): Promise<Capture> {
  const child: Child = lab.spawn(ns, [tool('frame-tool'), 'sink', device, '--hex']);
  await child.waitFor(/^ready$/);
  const frames = (): string[] => child.lines.filter((line) => /^[0-9a-f]{28,}$/.test(line));
  const stop = async (): Promise<string[]> => {
    child.kill('SIGTERM');
    await child.closed;
    return frames();
  };
  return { frames, stop };
}

export interface AdvertOptions {
  mac: string;
  /** Of the router that sends it. */
  source: string;
  address: string;
  vrid?: number;
  /** @default 100 */
  priority?: number;
  /** Unit: centiseconds. @default 100 */
  intervalCs?: number;
}

/** A VRRPv3 advert for IPv4 (RFC 9568 section 5.2); its own checksum is left at 0. */
export function vrrpAdvert(options: AdvertOptions): string {
  const { mac, source, address, vrid = 51, priority = 100, intervalCs = 100 } = options;
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  const vrrp = `31${hex(vrid, 2)}${hex(priority, 2)}01${hex(intervalCs, 4)}0000${hexOfIpv4(address)}`;
  return `01005e000012${hexOf(mac)}0800${ipv4Header(112, vrrp.length / 2, 255, source, '224.0.0.18')}${vrrp}`;
}

function ipv4Header(
  protocol: number,
  bytes: number,
  ttl: number,
  source: string,
  destination: string,
): string {
  const words = (value: number): string => value.toString(16).padStart(4, '0');
  const ends = hexOfIpv4(source) + hexOfIpv4(destination);
  const fixed = `4500${words(20 + bytes)}00000000${words(ttl * 256 + protocol)}`;
  const sum = (`${fixed}${ends}`.match(/..../g) ?? []).reduce((total, word) => total + parseInt(word, 16), 0);
  return `${fixed}${words(~((sum & 0xffff) + (sum >>> 16)) & 0xffff)}${ends}`;
}
