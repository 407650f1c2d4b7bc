// SPDX-License-Identifier: BSD-2-Clause
// node sink.js IFINDEX: takes the stream of generate.js off that device before the stack of this network namespace sees
// it. Answers each line with how many frames have come.
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Table, U32 } from '../kernel/table.js';
import type { Layout } from '../kernel/layout.gen.js';
import { BpfObject, linkCreate } from '../native/index.js';

const OBJECT = fileURLToPath(new URL('../../bench/stream.o', import.meta.url));
const U64: Layout<bigint> = {
  size: 8,
  decode: (from) => from.readBigUInt64LE(),
  encode: () => Buffer.alloc(8),
};

const object = new BpfObject(OBJECT);
object.load();
// Held by this process: the end of the one is the end of the other.
linkCreate(object.programFd('sink'), Number(process.argv[2]), 'xdp');
const arrived = new Table(object.mapFd('arrived'), U32, U64);
createInterface(process.stdin).on('line', () => console.log(`arrived ${arrived.get(0)}`));
console.log('ready');
