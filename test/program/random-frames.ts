// SPDX-License-Identifier: BSD-2-Clause
// Frames about HAVIPs by the million: of every form, mostly right, then bent: fields from small pools so that they
// meet, flipped bytes, cut ends. The same for the same seed.
import { addressBytes } from '../../src/net/addresses.js';
import { macBytes } from './frames.js';
import { HOLDER, SENDER } from './names.js';
import { TAG, V4, V6 } from './world.js';

/** mulberry32: 32 bits of state are enough to be different, and the same. */
export class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** 0 to 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const MACS = [
  SENDER,
  SENDER,
  SENDER,
  HOLDER,
  '00:00:5e:00:01:33',
  '00:00:5e:00:02:33',
  '00:00:00:00:00:00',
].map(macBytes);
const GROUPS = ['ff:ff:ff:ff:ff:ff', '33:33:00:00:00:01', '01:00:5e:00:00:12'].map(macBytes);
const IPV4S = [V4, V4, V4, '10.0.1.7', '0.0.0.0'].map((one) => addressBytes(one).subarray(12));
const IPV6S = [V6, V6, V6, 'fd00:1::7', '::', 'ff02::1'].map((one) => addressBytes(one));
const TAGS = [
  '',
  '',
  '',
  '',
  '81000000',
  '8100a000',
  `810000${TAG.outer.toString(16)}`,
  '810000640000'.slice(0, 8),
];
const DOUBLE = [
  '88a80064' + '81000007',
  '81000064' + '81000007',
  '8100000081000064',
  '88a8006481000008',
  '810000018100000281000003',
];

export function randomFrame(random: Random): Buffer {
  const frame = random.chance(0.6) ? arp(random) : discovery(random);
  if (random.chance(0.25)) flip(random, frame);
  return random.chance(0.08) ? frame.subarray(0, 14 + random.below(frame.length - 13)) : frame;
}

function flip(random: Random, frame: Buffer): void {
  for (let count = 1 + random.below(3); count > 0; count--)
    frame[random.below(frame.length)] = random.below(256);
}

function ethernet(random: Random, type: string): Buffer {
  const to = random.pick([...GROUPS, ...GROUPS, ...MACS]);
  const tags = bytes(random.chance(0.1) ? random.pick(DOUBLE) : random.pick(TAGS));
  return Buffer.concat([to, random.chance(0.85) ? macBytes(SENDER) : random.pick(MACS), tags, bytes(type)]);
}

function arp(random: Random): Buffer {
  const types = random.pick([
    '000108000604',
    '000108000604',
    '000108000604',
    '000186dd0604',
    '000608000604',
    '000108000804',
  ]);
  const operation = random.pick(['0001', '0001', '0002', '0002', '0000', '0003']);
  const sender = random.pick(IPV4S);
  const target = random.chance(0.6) ? sender : random.pick(IPV4S);
  const targetMac = random.pick([...MACS, ...GROUPS]);
  const padding = Buffer.alloc(random.chance(0.5) ? 18 : 0);
  return Buffer.concat([
    ...[ethernet(random, '0806'), bytes(types), bytes(operation), random.pick(MACS)],
    ...[sender, targetMac, target, padding],
  ]);
}

/** Next header -> its bytes, of which the first is to be filled in. */
const EXTENSIONS: readonly (readonly [number, string])[] = [
  [0, '0000000000000000'],
  [60, '0001' + '00'.repeat(14)],
  [43, '0000000000000000'],
  [44, '0000000000000001'],
  [44, '0000000800000001'],
];

function discovery(random: Random): Buffer {
  const [source, destination] = [
    random.pick(IPV6S),
    random.chance(0.6) ? addressBytes('ff02::1') : random.pick(IPV6S),
  ];
  const flags = random.pick([0x20, 0x20, 0x20, 0x60, 0x40, 0, 0xa0]);
  const type = random.pick([136, 136, 136, 136, 135, 133]);
  const head = Buffer.from([type, random.chance(0.95) ? 0 : 1, 0, 0, flags, 0, 0, 0]);
  const message = Buffer.concat([head, random.pick(IPV6S), ...options(random)]);
  const pseudo = Buffer.concat([
    source,
    destination,
    Buffer.from([0, 0, message.length >> 8, message.length & 255, 0, 0, 0, 58]),
  ]);
  if (random.chance(0.9)) message.writeUInt16BE(checksum(Buffer.concat([pseudo, message])), 2);
  const chain = random.chance(0.15)
    ? Array.from({ length: 1 + random.below(9) }, () => random.pick(EXTENSIONS))
    : [];
  const headers = chain.map(([, text], at) => {
    const header = bytes(text);
    header[0] = chain[at + 1]?.[0] ?? 58;
    return header;
  });
  const length = message.length + headers.reduce((sum, { length: one }) => sum + one, 0);
  const said = random.chance(0.95) ? length : random.below(2 * length + 1);
  const ip = Buffer.from([
    0x60,
    0,
    0,
    0,
    said >> 8,
    said & 255,
    chain[0]?.[0] ?? 58,
    random.chance(0.93) ? 255 : 64,
  ]);
  const padding = Buffer.alloc(random.chance(0.2) ? random.below(20) : 0, 0x5a);
  return Buffer.concat([ethernet(random, '86dd'), ip, source, destination, ...headers, message, padding]);
}

function options(random: Random): Buffer[] {
  if (random.chance(0.15)) return [];
  const target = (): Buffer => Buffer.concat([bytes('0201'), random.pick(MACS)]);
  const others = [
    '0101020000000001',
    '0e02' + '00'.repeat(14),
    '0200000000000000',
    '0202' + '00'.repeat(14),
    '02',
    '0109000000000000',
  ];
  return random.chance(0.7)
    ? [target()]
    : [bytes(random.pick(others)), target(), ...(random.chance(0.3) ? [target()] : [])];
}

function checksum(all: Buffer): number {
  let sum = 0;
  for (let at = 0; at < all.length; at++) sum += at % 2 ? (all[at] as number) : (all[at] as number) << 8;
  while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
