// SPDX-License-Identifier: BSD-2-Clause
// How full the maps are that refuse a new entry when they are full. The kernel keeps no count of a hash map's entries,
// so they are walked: once before the first page, then behind a page whose count is old, a few milliseconds at a time.
import { setTimeout as pause, setImmediate as nextTurn } from 'node:timers/promises';
import type { MapName } from '../kernel/maps.js';
import { head, labels, sample } from './exposition.js';

/**
 * Maps with a fixed room for keys. Those that drop their oldest entry when they are full (LRU) are left out, as are
 * arrays, where every index is always there.
 */
export const FILLING_MAPS = [
  'bindings',
  'ports',
  'domains',
  'eips',
  'publics',
  'insides',
  'members',
  'claims',
] as const satisfies readonly MapName[];

export interface FillingMap {
  readonly name: (typeof FILLING_MAPS)[number];
  /** Entries that it has room for. */
  readonly limit: number;
  /** Entries a batch of the kernel; together, all of them. */
  batchSizes(): Iterable<number>;
}

/** Older counts are renewed. */
const AGE_MS = 60_000;
/** Between two batches of about 4 ms: a walk takes at most a fifth of the worker. */
const PAUSE_MS = 20;

const ENTRIES_HELP = 'Entries in the map, counted at most a minute before the last scrape.';
const LIMIT_HELP = 'Entries that the map has room for; a full one refuses new ones.';

export class MapFill {
  private readonly entries = new Map<string, number>();
  private countedMs = -Infinity;
  private counting: Promise<void> | null = null;

  /** @param nowMs Monotonic. */
  constructor(
    private readonly maps: readonly FillingMap[],
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Waits for the first count only. */
  async text(): Promise<string> {
    if (this.nowMs() - this.countedMs > AGE_MS) this.counting ??= this.count();
    if (this.countedMs === -Infinity) await this.counting;
    const lines = this.maps.map(({ name, limit }) => ({
      entries: sample('havip_map_entries', labels({ map: name }), this.entries.get(name) ?? 0),
      limit: sample('havip_map_entries_limit', labels({ map: name }), limit),
    }));
    return [
      head('havip_map_entries', 'gauge', ENTRIES_HELP),
      ...lines.map(({ entries }) => entries),
      head('havip_map_entries_limit', 'gauge', LIMIT_HELP),
      ...lines.map(({ limit }) => limit),
    ].join('');
  }

  private async count(): Promise<void> {
    const rest = this.countedMs === -Infinity ? nextTurn : () => pause(PAUSE_MS);
    for (const map of this.maps) this.entries.set(map.name, await countEntries(map, rest));
    this.countedMs = this.nowMs();
    this.counting = null;
  }
}

/** NaN where the map cannot be read, so that the page says so and is a page all the same. */
async function countEntries(map: FillingMap, rest: () => Promise<unknown>): Promise<number> {
  let entries = 0;
  try {
    for (const size of map.batchSizes()) {
      entries += size;
      await rest();
    }
  } catch {
    return NaN;
  }
  return entries;
}
