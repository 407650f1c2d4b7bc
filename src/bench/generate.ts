// SPDX-License-Identifier: BSD-2-Clause
// node generate.js IFINDEX FRAME-HEX COUNT: sends that frame of 60 bytes so often out of that device of this network
// namespace, by a live test run. Prints the time that it took, in nanoseconds.
import { fileURLToPath } from 'node:url';
import { Table, U32 } from '../kernel/table.js';
import type { Layout } from '../kernel/layout.gen.js';
import { BpfObject, testRun } from '../native/index.js';

const OBJECT = fileURLToPath(new URL('../../bench/stream.o', import.meta.url));
/** As many as a veth's ring is sure to have room for. */
const BATCH = 64;

const Frame: Layout<Buffer> = { size: 60, decode: (from) => from, encode: (value) => value };

const [, , ifindex, hex = '', count] = process.argv;
const frame = Buffer.from(hex, 'hex');
const object = new BpfObject(OBJECT);
object.load();
new Table(object.mapFd('frames'), U32, Frame).set(0, frame);
const options = { ifindex: Number(ifindex), repeat: Number(count), live: true, batch: BATCH };
const before = process.hrtime.bigint();
testRun(object.programFd('generate'), frame, options);
console.log(String(process.hrtime.bigint() - before));
object.close();
