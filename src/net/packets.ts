// SPDX-License-Identifier: BSD-2-Clause
// Packets that a sender would send, as whole Ethernet frames with right checksums: what `havip trace` asks about. Pure.
import { addressBytes, parseMac } from './addresses.js';

export type Transport = 'tcp' | 'udp' | 'icmp';

export interface PacketOptions {
  readonly transport: Transport;
  /** Canonical text, both of one family. */
  readonly from: string;
  readonly to: string;
  /** Ethernet's addresses. */
  readonly sourceMac: string;
  readonly destinationMac: string;
  /** VLAN ids, the outer one first. */
  readonly vlan: readonly number[];
}

const TTL = 64;
const PORTS = { source: 49_152, destination: 80 };
const MAPPED_IPV4 = 12;

/** A TCP SYN, a UDP datagram or an ICMP echo request. Errors: RangeError for a MAC that is none. */
export function packetFrame(options: PacketOptions): Buffer {
  const [from, to] = [Buffer.from(addressBytes(options.from)), Buffer.from(addressBytes(options.to))];
  const isIpv6 = options.to.includes(':');
  const packet = isIpv6
    ? ipv6Packet(options.transport, from, to)
    : ipv4Packet(options.transport, from.subarray(MAPPED_IPV4), to.subarray(MAPPED_IPV4));
  return Buffer.concat([ethernet(options, isIpv6 ? 0x86dd : 0x0800), packet]);
}

function ethernet({ destinationMac, sourceMac, vlan }: PacketOptions, type: number): Buffer {
  const tags = vlan.map((id, at) => u16(vlan.length === 2 && at === 0 ? 0x88a8 : 0x8100, id));
  return Buffer.concat([macOf(destinationMac), macOf(sourceMac), ...tags, u16(type)]);
}

function ipv4Packet(transport: Transport, from: Buffer, to: Buffer): Buffer {
  const protocol = { tcp: 6, udp: 17, icmp: 1 }[transport];
  const payload = upper(transport, Buffer.concat([from, to]), protocol, 8);
  const header = Buffer.concat([
    ...[u16(0x4500, 20 + payload.length, 0, 0x4000), Buffer.from([TTL, protocol, 0, 0]), from, to],
  ]);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

function ipv6Packet(transport: Transport, from: Buffer, to: Buffer): Buffer {
  const protocol = { tcp: 6, udp: 17, icmp: 58 }[transport];
  const payload = upper(transport, Buffer.concat([from, to]), protocol, 128);
  const header = Buffer.concat([u16(0x6000, 0, payload.length), Buffer.from([protocol, TTL])]);
  return Buffer.concat([header, from, to, payload]);
}

/** @param echo The type of an echo request: 8 (RFC 792), 128 (RFC 4443). */
function upper(transport: Transport, addresses: Buffer, protocol: number, echo: number): Buffer {
  const message = MESSAGES[transport](echo);
  const pseudo = Buffer.concat([addresses, u16(0, message.length, 0, protocol)]);
  // ICMP for IPv4 alone has none.
  const covered = protocol === 1 ? message : Buffer.concat([pseudo, message]);
  message.writeUInt16BE(checksum(covered) || 0xffff, { tcp: 16, udp: 6, icmp: 2 }[transport]);
  return message;
}

const MESSAGES: Readonly<Record<Transport, (echo: number) => Buffer>> = {
  tcp: () => u16(PORTS.source, PORTS.destination, 0, 1, 0, 0, 0x5002, 0xffff, 0, 0),
  udp: () => Buffer.concat([u16(PORTS.source, PORTS.destination, 16, 0), Buffer.alloc(8)]),
  icmp: (echo) => u16(echo << 8, 0, 1, 1, 0, 0, 0, 0),
};

function macOf(text: string): Uint8Array {
  const mac = parseMac(text);
  if (!mac) throw new RangeError(`not a MAC: ${JSON.stringify(text)}`);
  return mac;
}

function u16(...values: number[]): Buffer {
  const out = Buffer.alloc(2 * values.length);
  values.forEach((value, at) => out.writeUInt16BE(value, 2 * at));
  return out;
}

/** RFC 1071, of an even number of bytes. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
