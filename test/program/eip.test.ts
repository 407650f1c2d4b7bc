// SPDX-License-Identifier: BSD-2-Clause
// What becomes of a packet's bytes on its way through an EIP, with every checksum computed anew from the whole packet;
// and what is cut short, misquoted or has no way out.
import test from 'ava';
import { macBytes } from './frames.js';
import { HOLDER, SENDER } from './names.js';
import { observe, world, type Entry } from './observe.js';
import { EIP, EIP2, OWN_MAC, quad, V4, type Situation } from './world.js';

const FAR = '198.51.100.9';
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);

function sumOf(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at++) sum += bytes.readUInt8(at) << (at % 2 ? 0 : 8);
  while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly payload: Buffer;
  readonly ttl?: number;
  readonly fragment?: number;
}

function ip({ source, destination, protocol, payload, ttl = 64, fragment = 0 }: Packet): Buffer {
  const header = Buffer.concat([
    ...[
      Buffer.from([0x45, 0]),
      u16(20 + payload.length),
      u16(9),
      u16(fragment),
      Buffer.from([ttl, protocol, 0, 0]),
    ],
    ...[quad(source), quad(destination)],
  ]);
  header.writeUInt16BE(~sumOf(header) & 0xffff, 10);
  return Buffer.concat([header, payload]);
}

/** A transport with the checksum that its addresses give it. */
function transport(protocol: 6 | 17, source: string, destination: string, data = 'data!'): Buffer {
  const body = Buffer.from(data);
  const head = protocol === 17 ? Buffer.alloc(8) : Buffer.alloc(20, 0x11);
  u16(4711).copy(head, 0);
  u16(53).copy(head, 2);
  if (protocol === 17) u16(8 + body.length).copy(head, 4);
  const at = protocol === 17 ? 6 : 16;
  head.writeUInt16BE(0, at);
  const segment = Buffer.concat([head, body]);
  const pseudo = Buffer.concat([quad(source), quad(destination), u16(protocol), u16(segment.length)]);
  segment.writeUInt16BE(~sumOf(Buffer.concat([pseudo, segment])) & 0xffff, at);
  return segment;
}

function icmp(type: number, rest: Buffer): Buffer {
  const message = Buffer.concat([Buffer.from([type, 1, 0, 0, 0, 0, 0, 0]), rest]);
  message.writeUInt16BE(~sumOf(message) & 0xffff, 2);
  return message;
}

const frame = (to: string, from: string, packet: Buffer): Buffer =>
  Buffer.concat([macBytes(to), macBytes(from), u16(0x0800), packet]);

const AT_GATEWAY: Situation = { in: 'gateway', held: { v4: ['other', HOLDER] }, eips: [EIP] };
const ENTRIES: readonly Entry[] = ['xdp', 'ingress'];

for (const entry of ENTRIES) {
  for (const protocol of [6, 17] as const) {
    test.serial(
      `in by the gateway, protocol ${protocol}: the HAVIP's, with the right checksums (${entry})`,
      (t) => {
        world.arrange(AT_GATEWAY);
        const asked = ip({ source: FAR, destination: EIP, protocol, payload: transport(protocol, FAR, EIP) });
        const { verdict, frame: out } = observe(entry, frame(OWN_MAC, SENDER, asked));
        const given = {
          source: FAR,
          destination: V4,
          protocol,
          payload: transport(protocol, FAR, V4),
          ttl: 63,
        };
        t.is(verdict, 'redirect');
        t.is(out, frame(HOLDER, OWN_MAC, ip(given)).toString('hex'));
      },
    );
  }

  test.serial(`UDP without a checksum keeps none, and a later fragment has none (${entry})`, (t) => {
    world.arrange(AT_GATEWAY);
    const payload = transport(17, FAR, EIP);
    payload.writeUInt16BE(0, 6);
    for (const fragment of [0, 0x2000, 0x2064, 0x64]) {
      const packet = { source: FAR, protocol: 17, payload, fragment };
      const { frame: out } = observe(entry, frame(OWN_MAC, SENDER, ip({ ...packet, destination: EIP })));
      t.is(out, frame(HOLDER, OWN_MAC, ip({ ...packet, destination: V4, ttl: 63 })).toString('hex'));
    }
  });

  for (const protocol of [6, 17] as const) {
    test.serial(`an ICMP error quotes protocol ${protocol} as the holder sent it (${entry})`, (t) => {
      world.arrange(AT_GATEWAY);
      const quoted = (source: string): Buffer =>
        ip({ source, destination: FAR, protocol, payload: transport(protocol, source, FAR) });
      const error = (destination: string, ttl: number): Buffer => {
        const from = destination === EIP ? EIP : V4;
        return ip({ source: FAR, destination, protocol: 1, payload: icmp(3, quoted(from)), ttl });
      };
      const { verdict, frame: out } = observe(entry, frame(OWN_MAC, SENDER, error(EIP, 64)));
      t.is(verdict, 'redirect');
      t.is(out, frame(HOLDER, OWN_MAC, error(V4, 63)).toString('hex'));
    });
  }

  for (const [title, payload, reason] of [
    ['that quotes less than eight bytes of a transport', quote(EIP, FAR, 27), 'DROP_EIP_MALFORMED'],
    ['that quotes half a header', quote(EIP, FAR, 12), 'DROP_EIP_MALFORMED'],
    ['that quotes nothing', quote(EIP, FAR, 0), 'DROP_EIP_MALFORMED'],
    ["that quotes somebody else's packet", quote(EIP2, FAR, 28), 'DROP_EIP_MISQUOTED'],
  ] as const) {
    test.serial(`an ICMP error ${title} goes nowhere (${entry})`, (t) => {
      world.arrange(AT_GATEWAY);
      const packet = ip({ source: FAR, destination: EIP, protocol: 1, payload });
      const { verdict, frames } = observe(entry, frame(OWN_MAC, SENDER, packet));
      t.is(verdict, 'drop');
      t.deepEqual(frames, { [`gateway ${reason}`]: 1n });
    });
  }

  test.serial(`from outside with a source inside: a forgery (${entry})`, (t) => {
    world.arrange(AT_GATEWAY);
    for (const source of ['10.0.1.7', V4]) {
      const packet = ip({ source, destination: EIP, protocol: 17, payload: transport(17, source, EIP) });
      t.is(observe(entry, frame(OWN_MAC, SENDER, packet)).verdict, 'drop');
    }
    t.deepEqual(observe(entry, frame(SENDER, SENDER, Buffer.alloc(46))).frames['gateway DROP_EIP_SPOOF'], 2n);
  });

  test.serial(`from the HAVIP to outside without a gateway: nothing leaves (${entry})`, (t) => {
    world.arrange({ ...AT_GATEWAY, in: 'other' });
    const packet = ip({ source: V4, destination: FAR, protocol: 17, payload: transport(17, V4, FAR) });
    const { verdict, frames } = observe(entry, frame(SENDER, HOLDER, packet));
    t.is(verdict, 'drop');
    t.deepEqual(frames, { 'other DROP_EIP_NO_ROUTE': 1n });
  });

  test.serial(`from the HAVIP to inside: as it is (${entry})`, (t) => {
    world.arrange({ ...AT_GATEWAY, in: 'other' });
    for (const destination of ['10.0.1.7', '224.0.0.5', '169.254.169.254', '255.255.255.255']) {
      const packet = ip({ source: V4, destination, protocol: 17, payload: transport(17, V4, destination) });
      const whole = frame(SENDER, HOLDER, packet);
      const { verdict, frame: out } = observe(entry, whole);
      t.is(verdict, 'pass');
      t.is(out, whole.toString('hex'));
    }
  });

  test.serial(`a frame of another station's at the gateway is a flooded copy (${entry})`, (t) => {
    world.arrange(AT_GATEWAY);
    const packet = ip({ source: FAR, destination: EIP, protocol: 17, payload: transport(17, FAR, EIP) });
    const { verdict, frames } = observe(entry, frame(SENDER, HOLDER, packet));
    t.is(verdict, 'pass');
    t.deepEqual(frames, { 'gateway PASS_NOT_HAVIP': 1n });
  });
}

function quote(source: string, destination: string, bytes: number): Buffer {
  const packet = ip({ source, destination, protocol: 17, payload: transport(17, source, destination) });
  return icmp(3, packet.subarray(0, bytes));
}
