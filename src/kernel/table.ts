// SPDX-License-Identifier: BSD-2-Clause
// BPF maps, typed by their layouts, on the npm package `bpf`. Guards its two sharp edges: a per-CPU map read with
// the plain value size overruns the heap, and a copied descriptor dies with the object that owned it.
import { createMapRef, MapType, RawMap, type MapRef } from 'bpf';
import { possibleCpus, sumRows } from '../native/index.js';
import type { Layout } from './layout.gen.js';

/** Entries a batch call asks for. Small ones fail with ENOSPC on a hash whose buckets are longer. */
export const BATCH_ENTRIES = 4096;

/** A map key or value that is one number. */
export const U32: Layout<number> = {
  size: 4,
  decode: (from, at = 0) => from.readUInt32LE(at),
  encode: (value, to = Buffer.alloc(4), at = 0) => {
    to.writeUInt32LE(value, at);
    return to;
  },
};

/** A map key or value whose presence is all it says. */
export const U8: Layout<number> = {
  size: 1,
  decode: (from, at = 0) => from.readUInt8(at),
  encode: (value, to = Buffer.alloc(1), at = 0) => {
    to.writeUInt8(value, at);
    return to;
  },
};

/** A map with one value a key. Owns its descriptor. Every call is synchronous: walk large ones in the worker. */
export class Table<K, V> {
  private readonly raw: RawMap;

  /** @param fd Is taken over. Throws where the map's sizes are not the layouts'. */
  constructor(
    fd: number,
    private readonly key: Layout<K>,
    private readonly value: Layout<V>,
  ) {
    this.raw = new RawMap(openRef(fd, key.size, value.size));
  }

  get maxEntries(): number {
    return this.raw.ref.maxEntries;
  }

  /** undefined: no such key. */
  get(key: K): V | undefined {
    const found = this.raw.get(this.key.encode(key));
    return found && this.value.decode(found);
  }

  /** Errors: E2BIG when the map is full. */
  set(key: K, value: V): void {
    this.raw.set(this.key.encode(key), this.value.encode(value));
  }

  /** Many at once: about a microsecond each. Buffers are made once, since a hundred thousand are a lot of garbage. */
  setAll(entries: Iterable<readonly [K, V]>): void {
    const buffers: [Buffer, Buffer][] = [];
    let filled = 0;
    for (const [key, value] of entries) {
      const pair = (buffers[filled] ??= [Buffer.alloc(this.key.size), Buffer.alloc(this.value.size)]);
      this.key.encode(key, pair[0]);
      this.value.encode(value, pair[1]);
      if (++filled < BATCH_ENTRIES) continue;
      this.raw.setBatch(buffers);
      filled = 0;
    }
    if (filled) this.raw.setBatch(buffers.slice(0, filled));
  }

  delete(key: K): boolean {
    return this.raw.delete(this.key.encode(key));
  }

  /** By batches of the kernel: not a snapshot, but each element whole. */
  *entries(): Generator<[K, V]> {
    for (const batch of this.raw.getBatch(batchOf(this.raw))) {
      for (const [key, value] of batch) yield [this.key.decode(key), this.value.decode(value)];
    }
  }

  /** How many entries each batch has; together, all. For counting them without a hold-up. */
  *batchSizes(): Generator<number> {
    for (const batch of this.raw.getBatch(batchOf(this.raw))) yield batch.length;
  }

  close(): void {
    this.raw.ref.close();
  }
}

/** An array map with one value a CPU under each index. */
export class PerCpuTable<V> {
  private readonly raw: RawMap;
  private readonly stride: number;
  private readonly cpus = possibleCpus();

  constructor(
    fd: number,
    private readonly value: Layout<V>,
  ) {
    this.stride = roundUp8(value.size);
    this.raw = new RawMap(widened(openRef(fd, 4, value.size), this.stride * this.cpus));
  }

  get maxEntries(): number {
    return this.raw.ref.maxEntries;
  }

  /**
   * The CPUs' values in one, each 64-bit word the sum of theirs: to decode a hundred CPUs' is a hundred times the time.
   * undefined: an index beyond the end.
   */
  sum(index: number): V | undefined {
    const found = this.raw.get(U32.encode(index));
    return found && this.value.decode(sumRows(found, this.cpus));
  }

  /** Every index with its sum. Those of which all is 0 share one value. */
  *sums(): Generator<[number, V]> {
    const zeros = Buffer.alloc(this.stride);
    const nothing = this.value.decode(zeros);
    for (const batch of this.raw.getBatch(batchOf(this.raw))) {
      for (const [key, value] of batch) {
        const sum = sumRows(value, this.cpus);
        yield [U32.decode(key), sum.equals(zeros) ? nothing : this.value.decode(sum)];
      }
    }
  }

  /** Zero on every CPU. A program that counts meanwhile may win. */
  clear(index: number): void {
    this.raw.set(U32.encode(index), Buffer.alloc(this.stride * this.cpus));
  }

  *entries(): Generator<[number, V[]]> {
    for (const batch of this.raw.getBatch(batchOf(this.raw))) {
      for (const [key, value] of batch) yield [U32.decode(key), this.split(value)];
    }
  }

  close(): void {
    this.raw.ref.close();
  }

  /** One value a possible CPU. */
  private split(values: Buffer): V[] {
    return Array.from({ length: this.cpus }, (_, cpu) => this.value.decode(values, cpu * this.stride));
  }
}

/** `bpf` makes room for a whole batch at each walk: 20 MB, where values are a CPU's counters each. */
const batchOf = ({ ref }: RawMap): number => Math.min(BATCH_ENTRIES, ref.maxEntries);

/** Copies all of one map into another of the same sizes; for the move into larger maps. `fds` stay the caller's. */
export function copyEntries(from: MapRef, to: MapRef, perCpu: boolean): void {
  const width = perCpu ? roundUp8(from.valueSize) * possibleCpus() : from.valueSize;
  const target = new RawMap(widened(to, width));
  const source = new RawMap(widened(from, width));
  // The kernel has no batch calls for these.
  if (from.type === MapType.DEVMAP) for (const [key, value] of source.entries()) target.set(key, value);
  else for (const batch of source.getBatch(batchOf(source))) target.setBatch(batch);
}

/** Takes `fd` over; the caller keeps the object alive as long as the descriptor is needed. */
export function openRef(fd: number, keySize: number, valueSize: number): MapRef {
  const ref = createMapRef(fd, { transfer: true });
  if (ref.keySize === keySize && ref.valueSize === valueSize) return ref;
  const found = `${ref.keySize}+${ref.valueSize} bytes an entry instead of ${keySize}+${valueSize}`;
  ref.close();
  throw new Error(`map ${ref.name ?? ''}: ${found}: pinned by another version`);
}

/** `bpf` sizes its buffers by `valueSize`; the kernel writes one rounded value a possible CPU. */
function widened(ref: MapRef, valueSize: number): MapRef {
  const { type, keySize, maxEntries, flags } = ref;
  return {
    type,
    keySize,
    valueSize,
    maxEntries,
    flags,
    get fd() {
      return ref.fd;
    },
    close: () => ref.close(),
  };
}

const roundUp8 = (bytes: number): number => Math.ceil(bytes / 8) * 8;
