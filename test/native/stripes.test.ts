// SPDX-License-Identifier: BSD-2-Clause
// Array maps striped by CPU: what belongs to which index, and where it lies after a move into a larger map.
import test from 'ava';
import { createMap, MapType, RawMap, type MapRef } from 'bpf';
import type { Layout } from '../../src/kernel/layout.gen.js';
import { copyStripes, StripedTable, stripes } from '../../src/kernel/stripes.js';
import { U32 } from '../../src/kernel/table.js';
import { possibleCpus } from '../../src/native/index.js';

const U64: Layout<bigint> = {
  size: 8,
  decode: (from, at = 0) => from.readBigUInt64LE(at),
  encode: (value, to = Buffer.alloc(8), at = 0) => {
    to.writeBigUInt64LE(value, at);
    return to;
  },
};

/** BPF_F_MMAPABLE (linux/bpf.h). */
const MMAPABLE = 1 << 10;

/** Their descriptors are the tables' too: none may close them before the process ends. */
const lent: MapRef[] = [];

function striped(rows: number): { map: MapRef; table: StripedTable<bigint> } {
  const options = {
    type: MapType.ARRAY,
    keySize: 4,
    valueSize: 8,
    maxEntries: rows * stripes(),
    flags: MMAPABLE,
  };
  const map = createMap(options);
  lent.push(map);
  return { map, table: new StripedTable(map.fd, U64) };
}

/** As a program on that CPU would. */
function count(map: MapRef, cpu: number, index: number, value: bigint): void {
  new RawMap(map).set(U32.encode((cpu * map.maxEntries) / stripes() + index), U64.encode(value));
}

test('every CPU that may come has rows', (t) => {
  t.true(stripes() >= possibleCpus());
});

test('an index has the values of all CPUs, and none of its neighbours', (t) => {
  const { map, table } = striped(5);
  const last = stripes() - 1;
  count(map, 0, 3, 30n);
  count(map, last, 3, 31n);
  count(map, last, 4, 41n);
  const sum = (values: readonly bigint[]): bigint => values.reduce((all, value) => all + value, 0n);
  t.is(table.maxEntries, 5);
  t.is(table.get(3).length, stripes());
  t.deepEqual(
    [2, 3, 4, 5].map((index) => sum(table.get(index))),
    [0n, last ? 61n : 31n, 41n, 0n],
  );
  t.deepEqual(
    [...table.entries()].map(([index, values]) => [index, sum(values)]),
    [
      [0, 0n],
      [1, 0n],
      [2, 0n],
      [3, last ? 61n : 31n],
      [4, 41n],
    ],
  );
  table.clear(3);
  t.deepEqual(
    [2, 3, 4].map((index) => sum(table.get(index))),
    [0n, 0n, 41n],
  );
});

test('in a larger map each CPU finds what it had', (t) => {
  const [small, large] = [striped(3), striped(7)];
  for (let cpu = 0; cpu < stripes(); cpu++)
    for (let index = 0; index < 3; index++) count(small.map, cpu, index, BigInt(1 + 10 * cpu + index));
  copyStripes(small.map, large.map);
  for (let index = 0; index < 7; index++)
    t.deepEqual(
      large.table.get(index),
      index < 3 ? small.table.get(index) : large.table.get(6),
      `index ${index}`,
    );
  t.deepEqual(large.table.get(2).at(-1), BigInt(1 + 10 * (stripes() - 1) + 2));
  t.true(large.table.get(6).every((value) => value === 0n));
});
