// SPDX-License-Identifier: BSD-2-Clause
// The pinned maps for a support bundle: how full each is, and what is in those that are not large.
import { DECODERS, Dictionary, type Entry } from '../cli/map-words.js';
import { toJson } from '../cli/json.js';
import { closeTables, MAP_NAMES, type MapName, type Tables } from '../kernel/maps.js';
import { existing, mapsFolder } from '../kernel/pins.js';
import { openPinnedTables } from '../kernel/reader.js';
import { whole, type Collected, type Part } from './collect.js';

/** A map with more entries is counted, but not dumped. */
const MAX_ENTRIES = 4096;

/** Where none can be opened, the list alone says why. */
export function mapParts(pinPath: string): Part[] {
  const list = { name: 'maps/list.txt', collect: () => withTables(pinPath, listText) };
  if (!existing(mapsFolder(pinPath))) return [list];
  const dumps = MAP_NAMES.map((name) => ({
    name: `maps/${name}.jsonl`,
    collect: () => withTables(pinPath, (tables) => dump(tables, name)),
  }));
  return [list, ...dumps];
}

function withTables(pinPath: string, read: (tables: Tables) => Collected): Collected {
  const tables = openPinnedTables(pinPath);
  try {
    return read(tables);
  } finally {
    closeTables(tables);
  }
}

function listText(tables: Tables): Collected {
  const lines = MAP_NAMES.map((name) => {
    let used = 0;
    for (const { empty } of entries(tables, name)) if (!empty) used++;
    return `${name}: ${used} of ${tables[name].maxEntries}\n`;
  });
  return whole(lines.join(''));
}

function dump(tables: Tables, name: MapName): Collected {
  const lines: string[] = [];
  for (const { key, value, empty } of entries(tables, name)) {
    if (empty) continue;
    if (lines.length === MAX_ENTRIES) {
      return { text: lines.join(''), failure: `cut: it has more than ${MAX_ENTRIES} entries` };
    }
    lines.push(`${toJson({ key, value })}\n`);
  }
  return whole(lines.join(''));
}

const entries = (tables: Tables, name: MapName): Iterable<Entry> =>
  DECODERS[name](tables, new Dictionary(tables));
