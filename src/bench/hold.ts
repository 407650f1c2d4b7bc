// SPDX-License-Identifier: BSD-2-Clause
// node hold.js PROGRAM HOOK IFINDEX [TO-IFINDEX]: attaches a program of stream.bpf.c to a device of this network
// namespace for as long as this process lives. Answers each line with how many frames of a stream have come to the right
// MAC, and to another.
import { createInterface } from 'node:readline';
import { Table, U32 } from '../kernel/table.js';
import type { Layout } from '../kernel/layout.gen.js';
import { BpfObject, linkCreate, type LinkHook } from '../native/index.js';
import { BENCH_OBJECT } from './objects.js';

const U64: Layout<bigint> = {
  size: 8,
  decode: (from) => from.readBigUInt64LE(),
  encode: () => Buffer.alloc(8),
};

const [, , program = '', hook = '', ifindex, to] = process.argv;
const object = new BpfObject(BENCH_OBJECT);
object.load();
if (to !== undefined) sendTo(Number(to));
// Held by this process: the end of the one is the end of the other.
linkCreate(object.programFd(program), Number(ifindex), hook as LinkHook);
const arrived = new Table(object.mapFd('arrived'), U32, U64);
createInterface(process.stdin).on('line', () =>
  console.log(`arrived ${arrived.get(0)} elsewhere ${arrived.get(1)}`),
);
console.log('ready');

function sendTo(device: number): void {
  new Table(object.mapFd('way'), U32, U32).set(0, device);
  new Table(object.mapFd('.data'), U32, U32).set(0, device);
}
