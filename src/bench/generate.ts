// SPDX-License-Identifier: BSD-2-Clause
// node generate.js IFINDEX: the source of a stream, by live test runs that go out of that device of this network
// namespace. Each line on standard input, `BYTES COUNT SPREAD HEAD-HEX`, sends so many frames of that length to so many
// addresses (a power of two) from that of the head on; BYTES 0 is a mix. It answers with the time that a frame took,
// in nanoseconds.
import { createInterface } from 'node:readline';
import { Table, U32 } from '../kernel/table.js';
import type { Layout } from '../kernel/layout.gen.js';
import { BpfObject, testRun } from '../native/index.js';
import { BENCH_OBJECT } from './objects.js';

/** As many as a veth's ring is sure to have room for. */
const BATCH = 64;
const HEAD_BYTES = 60;
const LONGEST_BYTES = 1514;

interface Stream {
  readonly head: Buffer;
  readonly spread: number;
  readonly bytes: number;
}

/** struct stream of stream.bpf.c */
const StreamLayout: Layout<Stream> = {
  size: HEAD_BYTES + 8,
  decode: (from) => ({
    head: from.subarray(0, HEAD_BYTES),
    spread: from.readUInt32LE(HEAD_BYTES),
    bytes: from.readUInt32LE(HEAD_BYTES + 4),
  }),
  encode: ({ head, spread, bytes }) => Buffer.concat([head, U32.encode(spread), U32.encode(bytes)]),
};

const ifindex = Number(process.argv[2]);
const object = new BpfObject(BENCH_OBJECT);
object.load();
const streams = new Table(object.mapFd('streams'), U32, StreamLayout);
const programs = { one: object.programFd('generate'), mix: object.programFd('generate_mix') };

createInterface(process.stdin).on('line', (line) => {
  const [bytes = 0, count = 0, spread = 1] = line.split(' ').map(Number);
  const head = Buffer.from(line.split(' ')[3] ?? '', 'hex');
  const frame = Buffer.concat([head, Buffer.alloc((bytes || LONGEST_BYTES) - HEAD_BYTES)]);
  streams.set(0, { head, spread: spread - 1, bytes: frame.length });
  const options = { ifindex, repeat: count, live: true, batch: BATCH };
  const { durationNs } = testRun(bytes ? programs.one : programs.mix, frame, options);
  console.log(`sent ${durationNs}`);
});
console.log('ready');
