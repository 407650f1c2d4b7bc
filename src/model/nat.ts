// SPDX-License-Identifier: BSD-2-Clause
// An IPv4 packet's addresses, read and replaced with their checksums, and those of the packet that an ICMP error
// quotes: the TypeScript twin of bpf/nat.h. Pure; frames are changed in place.

const TCP = 6;
const UDP = 17;
const ICMP = 1;
/** Where a transport's checksum over the addresses is: TCP, UDP, DCCP, UDP-Lite. */
const CHECKSUM_AT: Readonly<Record<number, number>> = { [TCP]: 16, [UDP]: 6, 33: 6, 136: 6 };
/** ICMP types that quote the packet that they are about (RFC 792). */
const QUOTES: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
const IPV4_BYTES = 20;
const ICMP_BYTES = 8;
const OFFSET = 0x1fff;
const MORE_FRAGMENTS = 0x2000;

/** Offsets are in the frame. */
export interface Ipv4 {
  readonly at: number;
  readonly upper: number;
  /** Where it ends, as its header says. */
  readonly end: number;
  readonly protocol: number;
  /** Its upper layer's header is here. */
  readonly first: boolean;
  readonly more: boolean;
  readonly ttl: number;
  readonly source: Buffer;
  readonly destination: Buffer;
  readonly id: string;
  /** Source and destination; of an ICMP query its identifier, twice. Hexadecimal. */
  readonly ports: readonly [string, string];
}

export interface Translatable {
  readonly outer: Ipv4;
  /** null: no ICMP error. */
  readonly quoted: Ipv4 | null;
}

/** null: it ends before what has to be translated does. */
export function readTranslatable(frame: Buffer, at: number): Translatable | null {
  const header = headerAt(frame, at, frame.length);
  if (!header || header.end > frame.length) return null;
  const outer = withPorts(frame, header, header.end);
  if (!outer) return null;
  const checksumAt = CHECKSUM_AT[outer.protocol];
  if (outer.first && checksumAt !== undefined && outer.upper + checksumAt + 2 > outer.end) return null;
  const quotes = outer.first && outer.protocol === ICMP && QUOTES.has(frame.readUInt8(outer.upper));
  if (!quotes) return { outer, quoted: null };
  const inner = headerAt(frame, outer.upper + ICMP_BYTES, outer.end);
  const quoted = inner && inner.upper + 8 <= outer.end ? withPorts(frame, inner, outer.end) : null;
  return quoted && { outer, quoted };
}

function headerAt(frame: Buffer, at: number, end: number): Ipv4 | null {
  if (at + IPV4_BYTES > frame.length) return null;
  const ip = frame.subarray(at);
  const header = (ip.readUInt8(0) & 15) * 4;
  const length = ip.readUInt16BE(2);
  if (ip.readUInt8(0) >> 4 !== 4 || header < IPV4_BYTES || length < header || at + header > end) return null;
  const fragment = ip.readUInt16BE(6);
  return {
    ...{ at, upper: at + header, end: at + length, protocol: ip.readUInt8(9), ttl: ip.readUInt8(8) },
    ...{ first: (fragment & OFFSET) === 0, more: (fragment & MORE_FRAGMENTS) !== 0 },
    source: Buffer.from(ip.subarray(12, 16)),
    destination: Buffer.from(ip.subarray(16, 20)),
    id: ip.subarray(4, 6).toString('hex'),
    ports: ['0000', '0000'],
  };
}

function withPorts(frame: Buffer, packet: Ipv4, end: number): Ipv4 | null {
  const { first, protocol, upper } = packet;
  const isIcmp = protocol === ICMP;
  if (!first || (!isIcmp && CHECKSUM_AT[protocol] === undefined)) return packet;
  if (upper + 8 > end || upper + 8 > frame.length) return null;
  const word = (at: number): string => frame.subarray(upper + at, upper + at + 2).toString('hex');
  return { ...packet, ports: isIcmp ? [word(4), word(4)] : [word(0), word(2)] };
}

/** @param side Which address of the packet becomes `to`; of a quoted one it is the other. */
export function translate(
  frame: Buffer,
  { outer, quoted }: Translatable,
  side: 'source' | 'destination',
  to: Buffer,
): void {
  const opposite = side === 'source' ? 'destination' : 'source';
  if (quoted) {
    const change = replace(frame, quoted, opposite, to, outer.end);
    if (change) adjust(frame, outer.upper + 2, ...change);
  }
  replace(frame, outer, side, to, outer.end);
}

/** @returns what became of the transport's checksum; null: it stays. */
function replace(
  frame: Buffer,
  packet: Ipv4,
  side: 'source' | 'destination',
  to: Buffer,
  end: number,
): [number[], number[]] | null {
  const at = packet.at + (side === 'source' ? 12 : 16);
  const [from, words] = [wordsOf(frame.subarray(at, at + 4)), wordsOf(to)];
  adjust(frame, packet.at + 10, from, words);
  to.copy(frame, at);
  const checksumAt = packet.upper + (CHECKSUM_AT[packet.protocol] ?? 0);
  if (CHECKSUM_AT[packet.protocol] === undefined || !packet.first || checksumAt + 2 > end) return null;
  const before = frame.readUInt16BE(checksumAt);
  if (packet.protocol === UDP && before === 0) return null;
  adjust(frame, checksumAt, from, words);
  if (packet.protocol === UDP && frame.readUInt16BE(checksumAt) === 0)
    frame.writeUInt16BE(0xffff, checksumAt);
  return [[before], [frame.readUInt16BE(checksumAt)]];
}

export function takeHop(frame: Buffer, { at }: Ipv4): void {
  const [before, checksum] = [frame.readUInt8(at + 8), frame.readUInt16BE(at + 10)];
  frame.writeUInt8(before - 1, at + 8);
  const sum = checksum + 0x0100;
  frame.writeUInt16BE(sum >= 0xffff ? (sum + 1) & 0xffff : sum, at + 10);
}

const wordsOf = (bytes: Buffer): number[] => [bytes.readUInt16BE(0), bytes.readUInt16BE(2)];

/** RFC 1624: the complement of a sum in one's complement, with some of its words replaced. */
function adjust(frame: Buffer, at: number, from: readonly number[], to: readonly number[]): void {
  let sum = ~frame.readUInt16BE(at) & 0xffff;
  for (const word of from) sum += ~word & 0xffff;
  for (const word of to) sum += word;
  while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
  frame.writeUInt16BE(~sum & 0xffff, at);
}
