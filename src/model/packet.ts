// SPDX-License-Identifier: BSD-2-Clause
// A frame's outer layers, as bpf/parse.h and bpf/message.h read them: Ethernet, up to two VLAN tags, IPv6 extension
// headers, IPv4's own. Written apart from those, so that a comparison compares two minds. Pure.
import { LIMITS } from '../kernel/layout.gen.js';

export const ETHERTYPE = { IPV4: 0x0800, ARP: 0x0806, RARP: 0x8035, IPV6: 0x86dd } as const;
/** IPv4 in 16 bytes is ::ffff:a.b.c.d. */
export const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');
/** What the kernel grants a frame beyond its device's MTU: Ethernet's header and one tag. */
export const BEYOND_MTU_BYTES = 18;
const VLAN_TYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8]);
const VLAN_ID = 0x0fff;
const ETHERNET_BYTES = 14;
const TAG_BYTES = 4;
const TAGS_MAX = 2;

export interface Packet {
  readonly frame: Buffer;
  /** VLAN ids; 0: no such tag, priority tags included. */
  readonly outer: number;
  readonly inner: number;
  /** Behind the tags. */
  readonly ethertype: number;
  /** Where that begins. */
  readonly at: number;
}

/** 'short': it ends before its headers do. 'deep': more tags than any subnet can have. */
export function packetOf(frame: Buffer): Packet | 'short' | 'deep' {
  if (frame.length < ETHERNET_BYTES) return 'short';
  let at = ETHERNET_BYTES;
  let ethertype = frame.readUInt16BE(12);
  const ids: number[] = [];
  for (let tags = 0; tags < TAGS_MAX && VLAN_TYPES.has(ethertype); tags++) {
    if (at + TAG_BYTES > frame.length) return 'short';
    const id = frame.readUInt16BE(at) & VLAN_ID;
    if (id) ids.push(id);
    ethertype = frame.readUInt16BE(at + 2);
    at += TAG_BYTES;
  }
  if (VLAN_TYPES.has(ethertype)) return 'deep';
  const [outer = 0, inner = 0] = ids;
  return { frame, outer, inner, ethertype, at };
}

const EXTENSION = { HOP_BY_HOP: 0, ROUTING: 43, FRAGMENT: 44, DESTINATION: 60 } as const;
const EXTENSIONS: ReadonlySet<number> = new Set(Object.values(EXTENSION));
const EXTENSIONS_MAX = 8;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
/** More fragments follow, or this is not the first. */
const IPV4_FRAGMENT = 0x3fff;

/** An IP packet's upper layer. Offsets are from the start of its IP header. */
export interface Upper {
  readonly version: 4 | 6;
  /** The packet, from its IP header on, as far as it is read at all. */
  readonly ip: Buffer;
  /** Bytes of the frame from there on. */
  readonly there: number;
  readonly protocol: number;
  readonly at: number;
  /** Where the payload ends, as the header says. */
  readonly end: number;
  readonly hopLimit: number;
  readonly fragmented: boolean;
}

/** null: what it carries cannot be read, and it is data. */
export function upperOf({ frame, at, ethertype }: Packet): Upper | null {
  const there = frame.length - at;
  const ip = frame.subarray(at, at + Math.min(there, LIMITS.MESSAGE_BYTES));
  if (ethertype === ETHERTYPE.IPV4) return upperOfIpv4(ip, there);
  return ethertype === ETHERTYPE.IPV6 ? upperOfIpv6(ip, there) : null;
}

function upperOfIpv4(ip: Buffer, there: number): Upper | null {
  if (ip.length < IPV4_BYTES) return null;
  const at = (ip.readUInt8(0) & 0x0f) * 4;
  if (at < IPV4_BYTES) return null;
  const fragmented = (ip.readUInt16BE(6) & IPV4_FRAGMENT) !== 0;
  const [protocol, hopLimit, end] = [ip.readUInt8(9), ip.readUInt8(8), ip.readUInt16BE(2)];
  return { version: 4, ip, there, protocol, at, end, hopLimit, fragmented };
}

function upperOfIpv6(ip: Buffer, there: number): Upper | null {
  if (ip.length < IPV6_BYTES) return null;
  let protocol = ip.readUInt8(6);
  let at = IPV6_BYTES;
  let fragmented = false;
  for (let count = 0; EXTENSIONS.has(protocol); count++) {
    if (count === EXTENSIONS_MAX || at + 8 > ip.length) return null;
    const next = ip.readUInt8(at);
    if (protocol === EXTENSION.FRAGMENT) {
      // A later fragment has no upper header.
      if (ip.readUInt16BE(at + 2) >> 3) return null;
      fragmented = true;
      at += 8;
    } else {
      at += (ip.readUInt8(at + 1) + 1) * 8;
    }
    protocol = next;
  }
  const end = IPV6_BYTES + ip.readUInt16BE(4);
  return { version: 6, ip, there, protocol, at, end, hopLimit: ip.readUInt8(7), fragmented };
}
