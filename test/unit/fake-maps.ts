// SPDX-License-Identifier: BSD-2-Clause
// The kernel's maps in memory, with the layouts and the limits of the real ones: what does not encode, or does not
// fit, fails here too. They outlive whoever uses them, as pinned maps outlive the daemon.
import { MAPS, mapEntries, type Capacity, type MapName, type Tables } from '../../src/kernel/maps.js';
import type { Layout } from '../../src/kernel/layout.gen.js';

const ARRAYS: ReadonlySet<MapName> = new Set([
  'targets',
  'subnets',
  'havips',
  'states',
  'stations',
  'own_macs',
  'steering',
  'near_ports',
]);

class FakeTable<K, V> {
  private readonly rows = new Map<string, Buffer>();

  constructor(
    readonly maxEntries: number,
    private readonly key: Layout<K>,
    private readonly value: Layout<V>,
    private readonly isArray: boolean,
  ) {
    if (!isArray) return;
    for (let index = 0; index < maxEntries; index++) {
      this.rows.set(this.name(index as K), Buffer.alloc(value.size));
    }
  }

  get(key: K): V | undefined {
    const row = this.rows.get(this.name(key));
    return row && this.value.decode(Buffer.from(row));
  }

  set(key: K, value: V): void {
    const name = this.name(key);
    if (!this.rows.has(name) && (this.isArray || this.rows.size >= this.maxEntries)) throw new Error('E2BIG');
    this.rows.set(name, this.value.encode(value));
  }

  setAll(entries: Iterable<readonly [K, V]>): void {
    for (const [key, value] of entries) this.set(key, value);
  }

  delete(key: K): boolean {
    if (this.isArray) throw new Error('EINVAL: an array forgets nothing');
    return this.rows.delete(this.name(key));
  }

  *entries(): Generator<[K, V]> {
    for (const [name, row] of [...this.rows]) {
      yield [this.key.decode(Buffer.from(name, 'hex')), this.value.decode(Buffer.from(row))];
    }
  }

  /** Everything, comparable. */
  dump(): string[] {
    return [...this.rows].map(([name, row]) => `${name} ${row.toString('hex')}`).sort();
  }

  private name(key: K): string {
    return this.key.encode(key).toString('hex');
  }
}

/** Keeps only which indices were cleared: nothing counts here. */
class FakeCounters {
  readonly cleared: number[] = [];
  clear(index: number): void {
    this.cleared.push(index);
  }
}

export type FakeTables = Tables & {
  readonly havip_counters: { readonly cleared: number[] };
  readonly port_counters: { readonly cleared: number[] };
};

export function fakeTables(capacity: Capacity): FakeTables {
  const sizes = new Map<string, number>(mapEntries(capacity));
  const tables = (Object.keys(MAPS) as MapName[]).map((name) => {
    const { kind, key, value } = MAPS[name] as { kind: string; key: Layout<unknown>; value: Layout<unknown> };
    const table = new FakeTable(sizes.get(name) ?? 4096, key, value, ARRAYS.has(name));
    return [name, kind === 'table' ? table : new FakeCounters()];
  });
  return Object.fromEntries(tables) as FakeTables;
}

/** All that the maps say; equal before and after means that nothing was changed. */
export function dump(tables: FakeTables): Record<string, string[]> {
  const named = Object.entries(tables) as [string, unknown][];
  return Object.fromEntries(
    named.map(([name, table]) => [name, table instanceof FakeTable ? table.dump() : []]),
  );
}
