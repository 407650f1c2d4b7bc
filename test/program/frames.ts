// SPDX-License-Identifier: BSD-2-Clause
// Whole frames for the programs, built field by field from the RFCs and apart from the product's own parsers, so that
// a test compares two minds. Every field can be set wrong.
import { addressBytes } from '../../src/net/addresses.js';

export const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
export const TAG_8021Q = 0x8100;
export const TAG_8021AD = 0x88a8;

/** One VLAN tag. `control`: priority and drop bits, which belong to no VLAN. */
export interface Tag {
  readonly id: number;
  readonly control?: number;
  readonly protocol?: number;
}

export interface Link {
  readonly to: string;
  readonly from: string;
  readonly tags?: readonly Tag[];
  /** Bytes of the whole frame, filled up with zeros; Ethernet's shortest is 60. */
  readonly padTo?: number;
}

export interface ArpFields {
  readonly hardwareType: number;
  readonly protocolType: number;
  readonly hardwareBytes: number;
  readonly protocolBytes: number;
  readonly operation: number;
  readonly senderMac: string;
  readonly senderIp: string;
  readonly targetMac: string;
  readonly targetIp: string;
}

export interface IpFields {
  readonly source: string;
  readonly destination: string;
  /** IPv4 options, or IPv6 extension headers with their own next-header chain. */
  readonly options?: Buffer;
  /** IPv4: the flags and fragment offset word. */
  readonly fragment?: number;
  readonly protocol?: number;
  /** TTL or hop limit. @default 64 */
  readonly ttl?: number;
  readonly payload?: Buffer;
}

const TARGET_UNKNOWN = '00:00:00:00:00:00';

export const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');
const ipv4Bytes = (address: string): Buffer => Buffer.from(address.split('.').map(Number));

function u16(...values: number[]): Buffer {
  const out = Buffer.alloc(2 * values.length);
  values.forEach((value, i) => out.writeUInt16BE(value, 2 * i));
  return out;
}

export function ethernet({ to, from, tags = [], padTo = 0 }: Link, type: number, payload: Buffer): Buffer {
  const stack = tags.map(({ id, control = 0, protocol = TAG_8021Q }) => u16(protocol, control | id));
  const frame = Buffer.concat([macBytes(to), macBytes(from), ...stack, u16(type), payload]);
  return Buffer.concat([frame, Buffer.alloc(Math.max(0, padTo - frame.length))]);
}

/** An ARP frame; what is not said is that of a plain request. */
export function arp(link: Link, fields: Partial<ArpFields>): Buffer {
  const all: ArpFields = {
    hardwareType: 1,
    protocolType: ETHERTYPE_IPV4,
    hardwareBytes: 6,
    protocolBytes: 4,
    operation: 1,
    senderMac: link.from,
    senderIp: '0.0.0.0',
    targetMac: TARGET_UNKNOWN,
    targetIp: '0.0.0.0',
    ...fields,
  };
  const payload = Buffer.concat([
    u16(all.hardwareType, all.protocolType),
    Buffer.from([all.hardwareBytes, all.protocolBytes]),
    u16(all.operation),
    macBytes(all.senderMac),
    ipv4Bytes(all.senderIp),
    macBytes(all.targetMac),
    ipv4Bytes(all.targetIp),
  ]);
  return ethernet(link, ETHERTYPE_ARP, payload);
}

export function ipv4(link: Link, fields: IpFields): Buffer {
  const { options = Buffer.alloc(0), fragment = 0, protocol = 17, ttl = 64 } = fields;
  const { payload = Buffer.alloc(20, 0x5a) } = fields;
  const words = 5 + options.length / 4;
  const header = Buffer.concat([
    Buffer.from([0x40 | words, 0]),
    u16(words * 4 + payload.length, 0x1234, fragment),
    Buffer.from([ttl, protocol]),
    u16(0),
    ipv4Bytes(fields.source),
    ipv4Bytes(fields.destination),
    options,
  ]);
  header.writeUInt16BE(internetChecksum(header), 10);
  return ethernet(link, ETHERTYPE_IPV4, Buffer.concat([header, payload]));
}

export function ipv6(link: Link, fields: IpFields): Buffer {
  const { options = Buffer.alloc(0), protocol = 17, ttl = 64, payload = Buffer.alloc(20, 0x5a) } = fields;
  const header = Buffer.concat([
    Buffer.from([0x60, 0, 0, 0]),
    u16(options.length + payload.length),
    Buffer.from([protocol, ttl]),
    addressBytes(fields.source),
    addressBytes(fields.destination),
    options,
  ]);
  return ethernet(link, ETHERTYPE_IPV6, Buffer.concat([header, payload]));
}

/** A TCP segment without options; nothing here looks at its checksum. */
export function tcp(bytes: number): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(5 << 4, 12);
  return Buffer.concat([header, Buffer.alloc(bytes, 0x5a)]);
}

function internetChecksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
