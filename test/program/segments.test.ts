// SPDX-License-Identifier: BSD-2-Clause
// A local stack hands over one large skb for many wire segments: the counters say what the wire would carry. Run with
// bpftool, since only its test_run lets the context say gso_size.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { programInfo } from '../../src/native/index.js';
import { ipv4, ipv6, tcp } from './frames.js';
import { HOLDER, PEER_V4, PEER_V6, SENDER, STALE, tagged } from './names.js';
import { observe, world, type Entry } from './observe.js';
import { V4, V6, type HavipName } from './world.js';

/** struct __sk_buff (linux/bpf.h). Unit: bytes. */
const CONTEXT = { size: 192, gsoSegs: 164, gsoSize: 176 };
const TCP = 6;
const UDP = 17;
const ESP = 50;

const folder = mkdtempSync(join(tmpdir(), 'havip-segments-'));
test.after.always(() => rmSync(folder, { recursive: true }));

function runGso(entry: Entry, frame: Buffer, gsoSize: number): Buffer {
  const [input, output, context] = ['in', 'out', 'context'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const skb = Buffer.alloc(CONTEXT.size);
  skb.writeUInt32LE(gsoSize, CONTEXT.gsoSize);
  writeFileSync(input, frame);
  writeFileSync(context, skb);
  const id = String(programInfo(world.programs[entry]).id);
  execFileSync('bpftool', ['prog', 'run', 'id', id, 'data_in', input, 'data_out', output, 'ctx_in', context]);
  return readFileSync(output);
}

interface Wire {
  readonly havip: HavipName;
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** The holder's MTU is 100: what is segmented later is not too long now. */
const segments = test.macro((t, frame: Buffer, gsoSize: number, { havip, packets, bytes }: Wire) => {
  for (const entry of ['ingress', 'egress'] as const) {
    world.arrange({ held: { v4: ['small', HOLDER], v6: ['small', HOLDER], tagged: ['small', HOLDER] } });
    const out = runGso(entry, frame, gsoSize);
    // The frame that asks is one of nobody's, and moves only its own counter.
    const { traffic, frames } = observe(entry, Buffer.alloc(60));
    t.deepEqual(traffic, { [havip]: { packets, bytes, saved: packets, unheld: 0n } }, entry);
    t.deepEqual(frames, { 'guest PASS_NOT_IP': 1n, 'guest REDIRECT_HOLDER': 1n });
    t.is(out.toString('hex'), HOLDER.replaceAll(':', '') + frame.toString('hex').slice(12));
  }
});

const link = { to: STALE, from: SENDER };
const four = (payload: Buffer, protocol: number, options = Buffer.alloc(0), tags = {}): Buffer =>
  ipv4({ ...link, ...tags }, { source: PEER_V4, destination: V4, payload, protocol, options });
const six = (payload: Buffer, protocol: number): Buffer =>
  ipv6(link, { source: PEER_V6, destination: V6, payload, protocol });

const HEADERS_4 = 14 + 20 + 20;
const HEADERS_6 = 14 + 40 + 20;

test.serial(
  'TCP over IPv4: two and a half segments are three packets',
  segments,
  four(tcp(2500), TCP),
  1000,
  {
    havip: 'v4',
    packets: 3n,
    bytes: BigInt(2500 + 3 * HEADERS_4),
  },
);
test.serial('TCP over IPv4: a whole number of segments', segments, four(tcp(3000), TCP), 1000, {
  havip: 'v4',
  packets: 3n,
  bytes: BigInt(3000 + 3 * HEADERS_4),
});
test.serial('TCP over IPv4: one byte more is one packet more', segments, four(tcp(2001), TCP), 1000, {
  havip: 'v4',
  packets: 3n,
  bytes: BigInt(2001 + 3 * HEADERS_4),
});
test.serial('TCP over IPv4 with options', segments, four(tcp(2500), TCP, Buffer.alloc(8, 1)), 1000, {
  havip: 'v4',
  packets: 3n,
  bytes: BigInt(2500 + 3 * (HEADERS_4 + 8)),
});
test.serial('TCP over IPv4 under a tag', segments, four(tcp(2500), TCP, undefined, tagged(100)), 1000, {
  havip: 'tagged',
  packets: 3n,
  bytes: BigInt(2500 + 3 * (HEADERS_4 + 4)),
});
test.serial('TCP over IPv6', segments, six(tcp(2500), TCP), 1000, {
  havip: 'v6',
  packets: 3n,
  bytes: BigInt(2500 + 3 * HEADERS_6),
});
test.serial('UDP over IPv4', segments, four(Buffer.alloc(8 + 2500), UDP), 1000, {
  havip: 'v4',
  packets: 3n,
  bytes: BigInt(2500 + 3 * (14 + 20 + 8)),
});
test.serial('UDP over IPv6', segments, six(Buffer.alloc(8 + 2500), UDP), 1000, {
  havip: 'v6',
  packets: 3n,
  bytes: BigInt(2500 + 3 * (14 + 40 + 8)),
});
test.serial(
  'a protocol whose headers are not known counts as one packet',
  segments,
  four(Buffer.alloc(2500), ESP),
  1000,
  {
    havip: 'v4',
    packets: 1n,
    bytes: BigInt(14 + 20 + 2500),
  },
);
test.serial('a lone segment is one packet', segments, four(tcp(500), TCP), 1000, {
  havip: 'v4',
  packets: 1n,
  bytes: BigInt(HEADERS_4 + 500),
});
