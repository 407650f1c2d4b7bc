// SPDX-License-Identifier: BSD-2-Clause
// "Who has this address?" as whole Ethernet frames that no station can take for a claim: an ARP probe, whose sender is
// 0.0.0.0 (RFC 5227 section 2.1.1), or a neighbour solicitation by a link-local address (RFC 4861 section 7.2.2).
import { addressBytes, parseMac } from './addresses.js';

/** Who asks, and in which broadcast domain. */
export interface Asker {
  /** The bridge's own. */
  readonly mac: string;
  readonly vlan: { readonly outer: number; readonly inner: number };
}

const BROADCAST = Buffer.alloc(6, 0xff);
const MAPPED_IPV4 = 12;
const NEXT_ICMPV6 = 58;
const HOP_LIMIT = 255;

/** @param address Canonical text. Errors: RangeError where the asker's MAC is none. */
export function question(address: string, asker: Asker): Buffer {
  const mac = parseMac(asker.mac);
  if (!mac) throw new RangeError(`not a MAC: ${JSON.stringify(asker.mac)}`);
  const target = addressBytes(address);
  if (address.includes(':')) return solicitation(target, mac, asker.vlan);
  return Buffer.concat([probeHead(mac, asker), target.subarray(MAPPED_IPV4)]);
}

/** An IPv4 address as one's own, to everyone (RFC 5227 section 3). @param mac Of who has it. */
export function announcement(address: string, mac: string): Buffer {
  const own = parseMac(mac);
  if (!own) throw new RangeError(`not a MAC: ${JSON.stringify(mac)}`);
  const quad = addressBytes(address).subarray(MAPPED_IPV4);
  const fixed = Buffer.from([0, 1, 8, 0, 6, 4, 0, 1]);
  const untagged = { outer: 0, inner: 0 };
  return Buffer.concat([ethernet(BROADCAST, own, untagged, 0x0806), fixed, own, quad, Buffer.alloc(6), quad]);
}

/** All of a probe but its last field, the target's address: the same for each of a hundred thousand. */
let lastHead = { asker: '', head: Buffer.alloc(0) };

function probeHead(mac: Uint8Array, { mac: text, vlan }: Asker): Buffer {
  const asker = `${text} ${vlan.outer} ${vlan.inner}`;
  if (lastHead.asker !== asker) {
    const fixed = Buffer.from([0, 1, 8, 0, 6, 4, 0, 1]);
    const ends = [fixed, mac, Buffer.alloc(4), Buffer.alloc(6)];
    lastHead = { asker, head: Buffer.concat([ethernet(BROADCAST, mac, vlan, 0x0806), ...ends]) };
  }
  return lastHead.head;
}

function ethernet(to: Uint8Array, from: Uint8Array, { outer, inner }: Asker['vlan'], type: number): Buffer {
  const tags = [outer, inner].filter((id) => id !== 0);
  const words = Buffer.alloc(4 * tags.length + 2);
  // IEEE 802.1ad's type for the outer of two.
  tags.forEach((id, at) => {
    words.writeUInt16BE(tags.length === 2 && at === 0 ? 0x88a8 : 0x8100, 4 * at);
    words.writeUInt16BE(id, 4 * at + 2);
  });
  words.writeUInt16BE(type, 4 * tags.length);
  return Buffer.concat([to, from, words]);
}

function solicitation(target: Uint8Array, mac: Uint8Array, vlan: Asker['vlan']): Buffer {
  const group = Buffer.concat([addressBytes('ff02::1:ff00:0').subarray(0, 13), target.subarray(13)]);
  const source = linkLocal(mac);
  const message = Buffer.concat([Buffer.from([135, 0, 0, 0, 0, 0, 0, 0]), target, Buffer.from([1, 1]), mac]);
  const pseudo = Buffer.concat([source, group, Buffer.from([0, 0, 0, message.length, 0, 0, 0, NEXT_ICMPV6])]);
  message.writeUInt16BE(internetChecksum(Buffer.concat([pseudo, message])), 2);
  const header = Buffer.from([0x60, 0, 0, 0, 0, message.length, NEXT_ICMPV6, HOP_LIMIT]);
  const groupMac = Buffer.concat([Buffer.from([0x33, 0x33]), group.subarray(12)]);
  return Buffer.concat([ethernet(groupMac, mac, vlan, 0x86dd), header, source, group, message]);
}

/** RFC 4291 appendix A. */
function linkLocal(mac: Uint8Array): Buffer {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac;
  return Buffer.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
}

function internetChecksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
