// SPDX-License-Identifier: BSD-2-Clause
// What a frame says about which address (ANNOUNCEMENTS.md, "Frame by frame"): the TypeScript twin of bpf/announce.h.
// Judges nothing. Pure.
import { CLAIM_KIND, CLAIM_RESULT, LIMITS } from '../kernel/layout.gen.js';
import { ETHERTYPE, MAPPED, upperOf, type Packet, type Upper } from './packet.js';

export interface Announcement {
  /** CLAIM_KIND */
  readonly kind: number;
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
  readonly address: Buffer;
  /** What a binding would point to. */
  readonly mac: Buffer;
  /** CLAIM_RESULT: REFUSED_* for a fault of its form, CLAIM where there is none. */
  readonly fault: number;
}

const { CLAIM, REFUSED_MALFORMED, REFUSED_SPOOF } = CLAIM_RESULT;

/** 'short': an ARP frame that ends too early. null: it says nothing about an address. */
export function announcementOf(packet: Packet): Announcement | 'short' | null {
  if (packet.ethertype === ETHERTYPE.ARP) return ofArp(packet);
  const upper = packet.ethertype === ETHERTYPE.IPV6 ? upperOf(packet) : null;
  return upper?.protocol === ICMPV6 ? ofDiscovery(upper, packet.frame.subarray(6, 12)) : null;
}

// --- ARP (RFC 826, RFC 5227) -----------------------------------------------------------------------------------------

const ARP_BYTES = 28;
const ARP_ETHERNET_IPV4 = Buffer.from('000108000604', 'hex');

function ofArp({ frame, at }: Packet): Announcement | 'short' {
  if (frame.length < at + ARP_BYTES) return 'short';
  const arp = frame.subarray(at, at + ARP_BYTES);
  const [mac, sender, target] = [arp.subarray(8, 14), arp.subarray(14, 18), arp.subarray(24, 28)];
  const isProbe = sender.readUInt32BE(0) === 0;
  const kind = isProbe ? CLAIM_KIND.ARP_PROBE : arpKind(arp, sender.equals(target), isBroadcast(frame));
  const address = Buffer.concat([MAPPED, isProbe ? target : sender]);
  return { kind, address, mac, fault: arpFault(arp, mac, frame.subarray(6, 12)) };
}

function arpKind(arp: Buffer, ofItself: boolean, toEverybody: boolean): number {
  if (arp.readUInt16BE(6) === 1) return ofItself ? CLAIM_KIND.ARP_REQUEST : CLAIM_KIND.ARP_QUESTION;
  return toEverybody ? CLAIM_KIND.ARP_REPLY : CLAIM_KIND.ARP_ANSWER;
}

function arpFault(arp: Buffer, mac: Buffer, source: Buffer): number {
  const operation = arp.readUInt16BE(6);
  if (!arp.subarray(0, 6).equals(ARP_ETHERNET_IPV4) || (operation !== 1 && operation !== 2))
    return REFUSED_MALFORMED;
  return macFault(mac, source, 1);
}

/** @param family 1 or 2: whose VRRP virtual MACs anybody may use (RFC 9568 section 7.3). */
function macFault(mac: Buffer, source: Buffer, family: number): number {
  if (mac.readUInt8(0) & 1 || mac.every((byte) => byte === 0)) return REFUSED_MALFORMED;
  const isVirtual = mac.subarray(0, 5).equals(Buffer.from([0, 0, 0x5e, 0, family]));
  return mac.equals(source) || isVirtual ? CLAIM : REFUSED_SPOOF;
}

const isBroadcast = (frame: Buffer): boolean => frame.subarray(0, 6).every((byte) => byte === 0xff);

// --- neighbour discovery (RFC 4861) ----------------------------------------------------------------------------------

const ICMPV6 = 58;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
const FIXED_BYTES = 24;
const SOLICITED = 0x40;
const OVERRIDE = 0x20;
const TARGET_LINK_LAYER = 2;

function ofDiscovery(upper: Upper, source: Buffer): Announcement | null {
  const { ip, at, end, there } = upper;
  if (at + FIXED_BYTES > ip.length) return null;
  const address = ip.subarray(at + 8, at + 24);
  if (address.subarray(0, 12).equals(MAPPED)) return null;
  const type = ip.readUInt8(at);
  if (type === SOLICITATION) {
    const fromNobody = ip.subarray(8, 24).every((byte) => byte === 0);
    return fromNobody ? { kind: CLAIM_KIND.ND_PROBE, address, mac: source, fault: CLAIM } : null;
  }
  if (type !== ADVERTISEMENT) return null;
  const malformed = end > there || end > LIMITS.MESSAGE_BYTES || end < at + FIXED_BYTES;
  const options = optionsOf(
    ip.subarray(at + FIXED_BYTES, Math.max(at + FIXED_BYTES, Math.min(end, ip.length))),
  );
  const toGroup = ip.readUInt8(24) === 0xff;
  const flags = ip.readUInt8(at + 4);
  const kind = toGroup && flags & OVERRIDE && options.mac ? CLAIM_KIND.NA : CLAIM_KIND.NA_ANSWER;
  const mac = options.mac ?? source;
  return {
    kind,
    address,
    mac,
    fault: malformed ? REFUSED_MALFORMED : discoveryFault(upper, options, mac, source),
  };
}

interface Options {
  readonly mac: Buffer | null;
  readonly broken: boolean;
}

function discoveryFault(upper: Upper, options: Options, mac: Buffer, source: Buffer): number {
  const fault = messageFault(upper);
  if (fault !== CLAIM) return fault;
  return options.broken ? CLAIM_RESULT.REFUSED_OPTION : macFault(mac, source, 2);
}

/** The first rule that a message breaks, its options apart (RFC 4861 section 7.1, RFC 6980). CLAIM: none. */
export function messageFault({ ip, at, end, fragmented, hopLimit }: Upper): number {
  if (fragmented) return CLAIM_RESULT.REFUSED_FRAGMENT;
  if (hopLimit !== 255) return CLAIM_RESULT.REFUSED_HOP_LIMIT;
  if (sumOf(ip, at, end) !== 0xffff) return CLAIM_RESULT.REFUSED_CHECKSUM;
  if (ip.readUInt8(at + 1) !== 0) return CLAIM_RESULT.REFUSED_CODE;
  if (ip.readUInt8(at + 4) & SOLICITED && ip.readUInt8(24) === 0xff) return CLAIM_RESULT.REFUSED_SOLICITED;
  return CLAIM;
}

/** The first target link-layer address; of broken options what stands before the break. */
function optionsOf(bytes: Buffer): Options {
  let mac: Buffer | null = null;
  for (let at = 0; at < bytes.length;) {
    if (at + 8 > bytes.length) return { mac, broken: true };
    const length = bytes.readUInt8(at + 1) * 8;
    if (length === 0 || at + length > bytes.length) return { mac, broken: true };
    if (bytes.readUInt8(at) === TARGET_LINK_LAYER) {
      if (length !== 8) return { mac, broken: true };
      mac ??= bytes.subarray(at + 2, at + 8);
    }
    at += length;
  }
  return { mac, broken: false };
}

/** RFC 4443 section 2.3, an octet at a time. */
export function sumOf(ip: Buffer, from: number, to: number): number {
  let sum = to - from + ICMPV6;
  for (let at = 8; at < 40; at += 2) sum += ip.readUInt16BE(at);
  for (let at = from; at < to; at++) sum += (at - from) % 2 ? ip.readUInt8(at) : ip.readUInt8(at) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}
