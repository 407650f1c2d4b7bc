// SPDX-License-Identifier: BSD-2-Clause
// Looks at the pinned maps: reads them and lets them go.
import { join } from 'node:path';
import { closeTables, MAP_NAMES, type MapName, type Tables } from '../kernel/maps.js';
import type { Holder, Port } from '../kernel/layout.gen.js';
import { mapsFolder } from '../kernel/pins.js';
import { openPinnedTables, readLosses } from '../kernel/reader.js';
import { bucketsOf, hasSpilled, holdersIn } from '../kernel/steering.js';
import { closeFd, mapInfo, openPin } from '../native/index.js';
import type { MapsSight } from './sight.js';

/** Maps that refuse when they are full; LRU ones make room, arrays are full from the start. */
const BOUNDED = ['bindings', 'ports', 'members', 'claims', 'eips', 'publics', 'insides', 'domains'] as const;

/** Errors: PERMISSION; NOT_RUNNING where nothing of this ABI is pinned. */
export function lookAtMaps(pinPath: string): MapsSight {
  const tables = openPinnedTables(pinPath);
  try {
    return { ids: pinnedIds(pinPath), ...read(tables) };
  } finally {
    closeTables(tables);
  }
}

function read(tables: Tables): Omit<MapsSight, 'ids'> {
  const targets = new Map([...tables.targets.entries()].filter(([, { ifindex }]) => ifindex !== 0));
  const redirects = [...targets.keys()].flatMap((slot) => {
    const ifindex = tables.redirects.get(slot);
    return ifindex === undefined ? [] : [[slot, ifindex] as const];
  });
  return {
    bindings: [...tables.bindings.entries()],
    ...steering(tables),
    // An array has a row for whatever could be: those that nobody wrote allow no moves.
    policies: new Map([...tables.havips.entries()].filter(([, { moves }]) => moves !== 0)),
    subnets: new Map([...tables.subnets.entries()].filter(([, { used }]) => used !== 0)),
    ports: new Map(tables.ports.entries()),
    nearPorts: new Map(nearPorts(tables)),
    targets,
    // Slot 0 is nobody's.
    targetSlots: tables.targets.maxEntries - 1,
    redirects: new Map(redirects),
    eips: [...tables.eips.entries()].map(([{ address }, { havip }]) => ({
      address: address.join('.'),
      havip,
    })),
    losses: readLosses(tables),
    fill: BOUNDED.map((map) => ({ map, used: count(tables[map]), room: tables[map].maxEntries })),
  };
}

function steering(tables: Tables): Pick<MapsSight, 'steered' | 'spilled'> {
  const steered = new Map<number, Holder>();
  let spilled = false;
  for (const bucket of bucketsOf(tables.steering)) {
    for (const [havip, holder] of holdersIn(bucket)) steered.set(havip, holder);
    spilled ||= hasSpilled(bucket);
  }
  return { steered, spilled };
}

function* nearPorts(tables: Tables): Generator<[ifindex: number, Port]> {
  for (const [, { ifindex, port }] of tables.near_ports.entries()) if (ifindex !== 0) yield [ifindex, port];
}

function count(table: { entries(): Iterable<unknown> }): number {
  let entries = 0;
  const walk = table.entries()[Symbol.iterator]();
  while (walk.next().done !== true) entries++;
  return entries;
}

function pinnedIds(pinPath: string): Set<number> {
  return new Set(MAP_NAMES.map((name) => idOf(pinPath, name)));
}

function idOf(pinPath: string, name: MapName): number {
  const fd = openPin(join(mapsFolder(pinPath), name));
  try {
    return mapInfo(fd).id;
  } finally {
    closeFd(fd);
  }
}
