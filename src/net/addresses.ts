// SPDX-License-Identifier: BSD-2-Clause
// Text <-> bytes for IPv4, IPv6, CIDR and MAC addresses, and the questions asked of them. Pure: no socket, no link.
// Every IP address is 16 bytes here and in the BPF maps; IPv4 stands as ::ffff:a.b.c.d, so one key fits both.
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Family = 4 | 6;

/**
 * One parsed IP address.
 * Shape: `bytes` is 16 bytes in network order (IPv4 mapped); `text` is canonical (dotted quad, or RFC 5952).
 */
export interface Address {
  readonly family: Family;
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** A block of addresses. Shape: `first` has no host bit set; `prefix` is 0..32 (IPv4) or 0..128 (IPv6). */
export interface Cidr {
  readonly family: Family;
  readonly first: Uint8Array;
  readonly prefix: number;
}

const ADDRESS_BYTES = 16;
const MAC_BYTES = 6;
const MAPPED_BITS = 96;

/**
 * Reads an IP address.
 * Errors: null for anything else: a leading zero, a zone (`fe80::1%eth0`, which names a link, not an address), and
 * an IPv4-mapped IPv6 address, which would be a second spelling of the same key.
 */
export function parseAddress(text: string): Address | null {
  // ipaddr.js alone takes "1" and reads "010.0.0.1" as octal.
  switch (isIP(text)) {
    case 4:
      return { family: 4, bytes: mapped(ipaddr.IPv4.parse(text).toByteArray()), text };
    case 6:
      return parseIpv6(text);
    default:
      return null;
  }
}

function parseIpv6(text: string): Address | null {
  if (text.includes('%')) return null;
  const parsed = ipaddr.IPv6.parse(text);
  if (parsed.isIPv4MappedAddress()) return null;
  return { family: 6, bytes: Uint8Array.from(parsed.toByteArray()), text: parsed.toRFC5952String() };
}

function mapped(ipv4: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  bytes.set([0xff, 0xff], 10);
  bytes.set(ipv4, 12);
  return bytes;
}

/** Whether these 16 bytes are an IPv4 address (::ffff:0:0/96). */
export function isIpv4Bytes(bytes: Uint8Array): boolean {
  return bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0);
}

/** Canonical text of 16 bytes. Errors: RangeError for another length. */
export function formatAddress(bytes: Uint8Array): string {
  assertLength(bytes, ADDRESS_BYTES, 'an IP address');
  if (isIpv4Bytes(bytes)) return bytes.subarray(12).join('.');
  return new ipaddr.IPv6([...bytes]).toRFC5952String();
}

/** The 16 bytes of an address known to be valid, from a checked configuration. Errors: RangeError when it is not. */
export function addressBytes(text: string): Uint8Array {
  const address = parseAddress(text);
  if (address === null) throw new RangeError(`not an IP address: ${JSON.stringify(text)}`);
  return address.bytes;
}

/** Canonical text of any spelling, or null when it is no address. */
export function canonicalAddress(text: string): string | null {
  return parseAddress(text)?.text ?? null;
}

/** Whether one host can own the address: not unspecified, loopback, multicast or the limited broadcast address. */
export function isUnicastAddress(bytes: Uint8Array): boolean {
  return specialAddress(bytes) === null;
}

/** Why no host of a subnet can own the address, or null when one can. Errors: RangeError for another length than 16. */
export function specialAddress(
  bytes: Uint8Array,
): 'unspecified' | 'loopback' | 'multicast' | 'limited broadcast' | null {
  assertLength(bytes, ADDRESS_BYTES, 'an IP address');
  return isIpv4Bytes(bytes) ? specialIpv4(bytes.subarray(12)) : specialIpv6(bytes);
}

function specialIpv4(quad: Uint8Array): ReturnType<typeof specialAddress> {
  const top = quad[0] ?? 0;
  if (quad.every((byte) => byte === 0)) return 'unspecified';
  if (quad.every((byte) => byte === 0xff)) return 'limited broadcast';
  if (top === 127) return 'loopback';
  return top >= 224 && top <= 239 ? 'multicast' : null;
}

function specialIpv6(bytes: Uint8Array): ReturnType<typeof specialAddress> {
  if (bytes[0] === 0xff) return 'multicast';
  if (bytes.subarray(0, 15).some((byte) => byte !== 0)) return null;
  if (bytes[15] === 0) return 'unspecified';
  return bytes[15] === 1 ? 'loopback' : null;
}

/** Whether the address means something on one link only: fe80::/10. Every link may have its own copy of it. */
export function isLinkLocalIpv6(bytes: Uint8Array): boolean {
  return bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;
}

/**
 * Reads `address/prefix`. Host bits are cleared; compare with `formatCidr` to learn whether there were any.
 * Errors: null for anything else, a missing prefix and "/024" included.
 */
export function parseCidr(text: string): Cidr | null {
  const parts = splitPrefix(text);
  if (parts === null) return null;
  const { address, prefix } = parts;
  return { family: address.family, first: masked(address, prefix), prefix };
}

/** Reads `address/prefix` as an address on a link, host bits kept. Errors: null as in `parseCidr`. */
export function splitPrefix(text: string): { address: Address; prefix: number } | null {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = parseAddress(match?.[1] ?? '');
  const prefix = Number(match?.[2]);
  if (address === null || prefix > widthOf(address.family)) return null;
  return { address, prefix };
}

function widthOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

/** Prefix length in the 128-bit space that both families share. */
function wideBits(family: Family, prefix: number): number {
  return family === 4 ? prefix + MAPPED_BITS : prefix;
}

/** The host part of byte `index` as a mask, when the first `bits` of 128 are the network's. */
function hostMask(bits: number, index: number): number {
  return 0xff >> Math.min(8, Math.max(0, bits - index * 8));
}

function masked(address: Address, prefix: number): Uint8Array {
  const bits = wideBits(address.family, prefix);
  return address.bytes.map((byte, index) => byte & ~hostMask(bits, index));
}

export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr.first)}/${cidr.prefix}`;
}

/** The last address of the block. Shape: 16 bytes. */
export function lastAddress(cidr: Cidr): Uint8Array {
  const bits = wideBits(cidr.family, cidr.prefix);
  return cidr.first.map((byte, index) => byte | hostMask(bits, index));
}

export function cidrContains(cidr: Cidr, bytes: Uint8Array): boolean {
  if (isIpv4Bytes(bytes) !== (cidr.family === 4)) return false;
  const bits = wideBits(cidr.family, cidr.prefix);
  return cidr.first.every((byte, index) => byte === ((bytes[index] ?? 0) & ~hostMask(bits, index)));
}

/**
 * The address that means the subnet itself: its number (IPv4), or its routers' anycast address (IPv6, RFC 4291 2.6.1).
 * Null where it is an ordinary host: IPv4 /31 and /32 (RFC 3021), IPv6 /127 (RFC 6164) and /128.
 */
export function networkAddress(cidr: Cidr): Uint8Array | null {
  return cidr.prefix >= widthOf(cidr.family) - 1 ? null : cidr.first;
}

/** The address that all hosts of the subnet hear. Null for IPv6, which has none, and for IPv4 /31 and /32. */
export function broadcastAddress(cidr: Cidr): Uint8Array | null {
  return cidr.family === 6 || cidr.prefix >= 31 ? null : lastAddress(cidr);
}

/** Reads six pairs of hex digits, parted by colons or by dashes, in either case. Errors: null for anything else. */
export function parseMac(text: string): Uint8Array | null {
  if (!/^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$/i.test(text)) return null;
  return Uint8Array.from(text.split(/[:-]/), (pair) => Number.parseInt(pair, 16));
}

/** Two digits for each byte: every claim is put in words before its binding is written. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower case with colons. Errors: RangeError unless there are 6 bytes. */
export function formatMac(bytes: Uint8Array): string {
  assertLength(bytes, MAC_BYTES, 'a MAC address');
  let text = HEX[bytes[0] ?? 0] ?? '';
  for (let i = 1; i < MAC_BYTES; i++) text += `:${HEX[bytes[i] ?? 0] ?? ''}`;
  return text;
}

/** Whether one interface can own the MAC: the group bit is clear and it is not all zeros. */
export function isUnicastMac(bytes: Uint8Array): boolean {
  assertLength(bytes, MAC_BYTES, 'a MAC address');
  return ((bytes[0] ?? 1) & 1) === 0 && bytes.some((byte) => byte !== 0);
}

/** Byte-wise equality, for addresses and MACs alike. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function assertLength(bytes: Uint8Array, expected: number, what: string): void {
  if (bytes.length !== expected) {
    throw new RangeError(`${what} has ${expected} bytes, found ${bytes.length}`);
  }
}
