// SPDX-License-Identifier: BSD-2-Clause
// Array maps in which each CPU has rows of its own, all of one CPU's behind each other: what a per-CPU array is, without
// the pointer to each value that a packet would have to wait for.
import { readFileSync } from 'node:fs';
import { RawMap, type MapRef } from 'bpf';
import { sumStripes } from '../native/index.js';
import type { Layout } from './layout.gen.js';
import { BATCH_ENTRIES, openRef, U32 } from './table.js';

let counted = 0;

/** How many CPUs have rows: as many as there are numbers of CPUs, of which some may never come. */
export function stripes(): number {
  counted ||=
    1 + Number(/\d+$/.exec(readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim())?.[0] ?? 0);
  return counted;
}

/** Owns its descriptor. Indices are those within a stripe. */
export class StripedTable<V> {
  private readonly raw: RawMap;
  private readonly cpus = stripes();

  /** @param fd Is taken over. Throws where the map's sizes are not the layout's. */
  constructor(
    fd: number,
    private readonly value: Layout<V>,
  ) {
    this.raw = new RawMap(openRef(fd, U32.size, value.size));
  }

  get maxEntries(): number {
    return this.raw.ref.maxEntries / this.cpus;
  }

  /** One value a CPU; empty for an index beyond the end. */
  get(index: number): V[] {
    if (index >= this.maxEntries) return [];
    return this.keys(index).flatMap((key) => {
      const found = this.raw.get(key);
      return found ? [this.value.decode(found)] : [];
    });
  }

  /** Zero on every CPU. A program that counts meanwhile may win. */
  clear(index: number): void {
    const zeros = Buffer.alloc(this.value.size);
    this.raw.setBatch(this.keys(index).map((key) => [key, zeros]));
  }

  /** Every index, with the sum of its values. */
  *entries(): Generator<[number, V[]]> {
    const sumOf = this.sums();
    for (let index = 0; index < this.maxEntries; index++) yield [index, sumOf(index)];
  }

  /**
   * All values at once, a word at a time summed over the CPUs: a look at each would be as many as HAVIPs times CPUs.
   * @returns by index, the sum in a list, as `get` has values; empty where all words are 0, since bigints are slow to make.
   */
  sums(): (index: number) => V[] {
    const { value } = this;
    const sums = sumStripes(this.raw.ref.fd, this.cpus);
    const zeros = Buffer.alloc(value.size);
    return (index) => {
      const from = index * value.size;
      const row = sums.subarray(from, from + value.size);
      return row.length === 0 || row.equals(zeros) ? [] : [value.decode(row)];
    };
  }

  close(): void {
    this.raw.ref.close();
  }

  private keys(index: number): Buffer[] {
    return Array.from({ length: this.cpus }, (_, cpu) => U32.encode(cpu * this.maxEntries + index));
  }
}

/** All of one map into a larger one: every stripe begins elsewhere there. The descriptors stay the caller's. */
export function copyStripes(from: MapRef, to: MapRef): void {
  const [own, theirs] = [from.maxEntries / stripes(), to.maxEntries / stripes()];
  const moved = (key: Buffer): Buffer => {
    const at = U32.decode(key);
    return U32.encode(Math.floor(at / own) * theirs + (at % own));
  };
  const target = new RawMap(to);
  for (const batch of new RawMap(from).getBatch(BATCH_ENTRIES))
    target.setBatch(batch.map(([key, value]) => [moved(key), value]));
}
