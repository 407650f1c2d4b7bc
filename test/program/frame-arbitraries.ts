// SPDX-License-Identifier: BSD-2-Clause
// Frames for fast-check: of every form that says something about a HAVIP, and data to one, mostly right, then bent:
// fields from small pools so that they meet, bytes overwritten, ends cut off.
import fc from 'fast-check';
import { addressBytes } from '../../src/net/addresses.js';
import { macBytes } from './frames.js';
import { HOLDER, SENDER, STALE, VRRP_MAC } from './names.js';
import { EIP, EIP2, OWN_MAC, quad, TAG, V4, V6 } from './world.js';

type Bytes = fc.Arbitrary<Buffer>;

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** The first, in so many of a hundred. */
const mostly = <T>(percent: number, value: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: percent, arbitrary: fc.constant(value) },
    { weight: 100 - percent, arbitrary: oneOf(...others) },
  );
const concat = (...parts: readonly Bytes[]): Bytes => fc.tuple(...parts).map((all) => Buffer.concat(all));

const MACS = [SENDER, HOLDER, VRRP_MAC, '00:00:5e:00:02:33', '00:00:00:00:00:00'].map(macBytes);
const GROUPS = ['ff:ff:ff:ff:ff:ff', '33:33:00:00:00:01', '01:00:5e:00:00:12'].map(macBytes);
const mac = mostly(60, macBytes(SENDER), ...MACS);
const ipv4 = mostly(
  60,
  ...([V4, '10.0.1.7', '0.0.0.0'].map((one) => addressBytes(one).subarray(12)) as [Buffer]),
).map((bytes) => Buffer.from(bytes));
const ipv6 = mostly(60, ...([V6, 'fd00:1::7', '::', 'ff02::1', V4].map(ipv6Bytes) as [Buffer]));

function ipv6Bytes(text: string): Buffer {
  return Buffer.from(addressBytes(text));
}

const TAGS = [
  '81000000',
  '8100a000',
  `810000${TAG.outer.toString(16)}`,
  '88a8006481000007',
  '8100006481000007',
];
const MORE_TAGS = ['8100000081000064', '88a8006481000008', '810000018100000281000003', '81000065'];
const tags = mostly(70, hex(''), ...[...TAGS, ...MORE_TAGS].map(hex));

/** @param to Destinations, for every other frame. */
const ethernet = (type: string, to: readonly Buffer[] = GROUPS): Bytes =>
  concat(oneOf(...to, ...MACS), mac, tags, fc.constant(hex(type)));

const arp: Bytes = fc
  .tuple(
    ethernet('0806'),
    mostly(85, '000108000604', '000186dd0604', '000608000604', '000108000804'),
    mostly(45, '0001', '0002', '0000', '0003'),
    fc.tuple(mac, ipv4, oneOf(...MACS, ...GROUPS), ipv4),
    fc.tuple(oneOf(true, true, false), oneOf(0, 18)),
  )
  .map(([head, types, operation, [senderMac, sender, targetMac, target], [ofItself, padding]]) =>
    Buffer.concat([
      ...[head, hex(types), hex(operation), senderMac, sender, targetMac],
      ...[ofItself ? sender : target, Buffer.alloc(padding)],
    ]),
  );

const rarp: Bytes = fc
  .tuple(
    ethernet('8035'),
    mostly(90, '000108000604', '000608000604'),
    oneOf('0003', '0004', '0001'),
    mac,
    mac,
    oneOf(true, true, false),
  )
  .map(([head, types, operation, sender, target, same]) =>
    Buffer.concat([
      head,
      hex(types),
      hex(operation),
      sender,
      Buffer.alloc(4),
      same ? sender : target,
      Buffer.alloc(4),
    ]),
  );

/** Extension headers by number, their first byte to be filled in. */
const EXTENSIONS: readonly (readonly [number, string])[] = [
  [0, '0000000000000000'],
  [60, '0001' + '00'.repeat(14)],
  [43, '0000000000000000'],
  [44, '0000000000000001'],
  [44, '0000000800000001'],
];

interface Upper {
  readonly protocol: number;
  /** Made once the addresses are known, since a checksum is over them. */
  readonly bytes: (source: Buffer, destination: Buffer) => Buffer;
}

function ipv6Packet(upper: fc.Arbitrary<Upper>, to?: readonly Buffer[]): Bytes {
  const chains = fc.oneof(
    { weight: 85, arbitrary: fc.constant([]) },
    { weight: 15, arbitrary: fc.array(oneOf(...EXTENSIONS), { maxLength: 9 }) },
  );
  const destination = fc.oneof(fc.constant(ipv6Bytes('ff02::1')), ipv6);
  return fc
    .tuple(
      ethernet('86dd', to),
      ipv6,
      destination,
      upper,
      chains,
      mostly(93, 255, 64, 1, 2),
      mostly(95, 0, -9, 3, 900),
    )
    .map(([head, source, target, { protocol, bytes }, chain, hopLimit, lie]) => {
      const message = bytes(source, target);
      const headers = chain.map(([, text], at) => {
        const header = hex(text);
        header[0] = chain[at + 1]?.[0] ?? protocol;
        return header;
      });
      const length = message.length + headers.reduce((sum, one) => sum + one.length, 0);
      const fixed = Buffer.from([0x60, 0, 0, 0, 0, 0, chain[0]?.[0] ?? protocol, hopLimit]);
      u16(Math.max(0, length + lie)).copy(fixed, 4);
      return Buffer.concat([head, fixed, source, target, ...headers, message]);
    });
}

function ipv4Packet(upper: fc.Arbitrary<Upper>, to?: readonly Buffer[]): Bytes {
  return fc
    .tuple(
      ethernet('0800', to),
      ipv4,
      ipv4,
      upper,
      mostly(90, 0x45, 0x46, 0x44),
      mostly(90, 0, 0x2000, 1),
      mostly(95, 255, 64, 1, 2),
    )
    .map(([head, source, target, { protocol, bytes }, version, fragment, ttl]) => {
      const message = bytes(source, target);
      const options = Buffer.alloc(Math.max(0, (version & 15) * 4 - 20));
      const total = u16(20 + options.length + message.length);
      const fixed = Buffer.concat([
        ...[Buffer.from([version, 0]), total, u16(7), u16(fragment), Buffer.from([ttl, protocol, 0, 0])],
      ]);
      return Buffer.concat([head, fixed, source, target, options, message]);
    });
}

const OTHER_OPTIONS = [
  '0101020000000001',
  '0e02' + '00'.repeat(14),
  '0200000000000000',
  '0202' + '00'.repeat(14),
  '02',
  '0109000000000000',
];
const option = fc.oneof(
  { weight: 70, arbitrary: mac.map((address) => Buffer.concat([hex('0201'), address])) },
  { weight: 30, arbitrary: oneOf(...OTHER_OPTIONS.map(hex)) },
);

const discovery: fc.Arbitrary<Upper> = fc
  .tuple(
    fc.tuple(mostly(80, 136, 135, 133), mostly(95, 0, 1), mostly(50, 0x20, 0x60, 0x40, 0, 0xa0)),
    ipv6,
    fc.oneof(
      { weight: 70, arbitrary: option.map((one) => [one]) },
      { weight: 30, arbitrary: fc.array(option, { maxLength: 4 }) },
    ),
    mostly(92, true, false),
  )
  .map(([[type, code, flags], target, options, isRight]) => ({
    protocol: 58,
    bytes: (source: Buffer, destination: Buffer): Buffer => {
      const message = Buffer.concat([Buffer.from([type, code, 0, 0, flags, 0, 0, 0]), target, ...options]);
      const pseudo = Buffer.concat([
        source,
        destination,
        Buffer.alloc(2),
        u16(message.length),
        hex('0000003a'),
      ]);
      if (isRight) message.writeUInt16BE(checksum(Buffer.concat([pseudo, message])), 2);
      return message;
    },
  }));

const advert = (address: Bytes): fc.Arbitrary<Upper> =>
  fc
    .tuple(
      fc.tuple(
        mostly(60, 0x31, 0x21, 0x32, 0x11),
        fc.nat(255),
        fc.nat(255),
        mostly(60, 0, -1, 1, 70),
        oneOf(100, 1, 4095),
      ),
      fc.oneof(
        { weight: 95, arbitrary: fc.array(address, { maxLength: 5 }) },
        { weight: 5, arbitrary: fc.array(address, { minLength: 60, maxLength: 70, size: 'max' }) },
      ),
    )
    .map(([[version, vrid, priority, lie, interval], addresses]) => ({
      protocol: 112,
      bytes: (): Buffer => {
        const count = Math.max(0, addresses.length + lie) & 255;
        const head = [Buffer.from([version, vrid, priority, count]), u16(interval), u16(0)];
        return Buffer.concat([...head, ...addresses]);
      },
    }));

/** Around each limit: Ethernet's shortest, the small port's MTU and the usual one. */
const data: fc.Arbitrary<Upper> = fc
  .tuple(
    oneOf(17, 6, 1, 58),
    fc.oneof(
      { weight: 9, arbitrary: fc.nat(90) },
      { weight: 1, arbitrary: fc.integer({ min: 1440, max: 1500 }) },
    ),
  )
  .map(([protocol, length]) => ({ protocol, bytes: () => Buffer.alloc(length, 0x5a) }));

/** Between addresses inside and out, mostly to the MACs that route. */
const FAR = '198.51.100.9';
const ends = oneOf(
  ...[V4, V4, EIP, EIP, EIP2, FAR, FAR, '10.0.1.7', '224.0.0.5', '169.254.169.254'].map(quad),
);
const portWord = oneOf(0x0035, 0x1234).map(u16);

/** A header, and as much of a transport as `length` leaves. */
const segment = fc
  .tuple(
    mostly(70, 17, 6, 1, 47, 33),
    fc.tuple(portWord, portWord, oneOf(0, 0xffff, 0x5a5a, 0x3e1f).map(u16)),
    mostly(80, 24, 8, 7, 0, 60, 150),
    oneOf(8, 0),
  )
  .map(([protocol, [from, to, sum], length, icmpType]) => {
    const tcp = Buffer.concat([from, to, Buffer.alloc(12, 1), sum, Buffer.alloc(144, 2)]);
    const udp = Buffer.concat([from, to, u16(8), sum, Buffer.alloc(152, 3)]);
    const echo = Buffer.concat([Buffer.from([icmpType, 0]), sum, from, Buffer.alloc(154, 4)]);
    const whole = protocol === 6 ? tcp : protocol === 1 ? echo : udp;
    return { protocol, bytes: whole.subarray(0, length) };
  });

interface Inner {
  readonly protocol: number;
  readonly bytes: Buffer;
}

const packetOf = (payload: fc.Arbitrary<Inner>): Bytes =>
  fc
    .tuple(
      fc.tuple(ends, ends, payload),
      mostly(92, 0x45, 0x46, 0x44, 0x65),
      mostly(75, 0, 0x2000, 0x2001, 5, 0x4000),
      mostly(90, 64, 1, 0, 2),
      fc.tuple(mostly(95, 0, -5, 9), oneOf(0, 0xffff, 0x1c46).map(u16)),
    )
    .map(([[source, target, { protocol, bytes }], version, fragment, ttl, [lie, sum]]) => {
      const options = Buffer.alloc(Math.max(0, (version & 15) * 4 - 20));
      const total = u16(Math.max(0, 20 + options.length + bytes.length + lie));
      const fixed = [Buffer.from([version, 0]), total, u16(7), u16(fragment), Buffer.from([ttl, protocol])];
      return Buffer.concat([...fixed, sum, source, target, options, bytes]);
    });

const icmpError = fc
  .tuple(mostly(60, 3, 11, 5, 12, 4), oneOf(0x5a5a, 0).map(u16), packetOf(segment), mostly(80, 99, 27, 20, 8))
  .map(([type, sum, quoted, length]) => ({
    protocol: 1,
    bytes: Buffer.concat([Buffer.from([type, 1]), sum, Buffer.alloc(4), quoted.subarray(0, length)]),
  }));

const routers = mostly(75, macBytes(OWN_MAC), ...[STALE, HOLDER, SENDER, 'ff:ff:ff:ff:ff:ff'].map(macBytes));
const crossing: Bytes = fc.oneof(
  { weight: 75, arbitrary: concat(routers, mac, fc.constant(hex('0800')), packetOf(segment)) },
  { weight: 25, arbitrary: concat(routers, mac, fc.constant(hex('0800')), packetOf(icmpError)) },
);
const eipQuestion: Bytes = concat(
  concat(fc.constant(macBytes('ff:ff:ff:ff:ff:ff')), mac, fc.constant(hex('08060001080006040001'))),
  concat(mac, ends, fc.constant(Buffer.alloc(6)), ends, fc.constant(Buffer.alloc(18))),
);

const STATIONS = [STALE, HOLDER, '02:00:00:00:00:5e'].map(macBytes);
const form: Bytes = fc.oneof(
  { weight: 35, arbitrary: arp },
  { weight: 30, arbitrary: ipv6Packet(discovery) },
  { weight: 8, arbitrary: ipv4Packet(advert(ipv4)) },
  { weight: 5, arbitrary: ipv6Packet(advert(ipv6)) },
  { weight: 5, arbitrary: rarp },
  { weight: 10, arbitrary: ipv4Packet(data, STATIONS) },
  { weight: 7, arbitrary: ipv6Packet(data, STATIONS) },
  { weight: 25, arbitrary: crossing },
  { weight: 2, arbitrary: eipQuestion },
);

const bend = fc.oneof(
  { weight: 75, arbitrary: fc.constant([]) },
  { weight: 25, arbitrary: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }) },
);
const cut = fc.oneof({ weight: 92, arbitrary: fc.constant(null) }, { weight: 8, arbitrary: fc.nat() });

/** 14 bytes and more. */
export const frames: Bytes = fc.tuple(form, bend, cut).map(([whole, overwritten, end]) => {
  const frame = Buffer.from(whole);
  for (const [at, byte] of overwritten) frame[at % frame.length] = byte;
  return end === null ? frame : frame.subarray(0, 14 + (end % (frame.length - 13)));
});

function checksum(all: Buffer): number {
  let sum = 0;
  for (let at = 0; at < all.length; at++) sum += at % 2 ? all.readUInt8(at) : all.readUInt8(at) << 8;
  while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
