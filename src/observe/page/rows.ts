// SPDX-License-Identifier: BSD-2-Clause
// Which HAVIPs one page sees: filtered, sorted, cut. Pure.
import type { PageQuery, PageRow, RowsPart, Show, SortKey } from './types.js';

/** About 15 KB of JSON. */
export const ROWS_A_PAGE = 50;

/** A row, and what it is sorted and found by. */
export interface Entry {
  readonly row: PageRow;
  /** Sorts as text in the order of the numbers, IPv4 before IPv6. */
  readonly order: string;
  /** Lower case. */
  readonly text: string;
  readonly packets: bigint;
}

export function selectRows(entries: readonly Entry[], query: PageQuery, chosen: PageRow | null): RowsPart {
  const found = entries.filter(matcher(query)).sort(comparer(query));
  const pages = Math.max(1, Math.ceil(found.length / ROWS_A_PAGE));
  const page = Math.min(query.page, pages - 1);
  const rows = found.slice(page * ROWS_A_PAGE, (page + 1) * ROWS_A_PAGE).map(({ row }) => row);
  return { rows, matching: found.length, page, pages, chosen };
}

/** Every word has to be found somewhere in the row. */
function matcher({ filter, show }: PageQuery): (entry: Entry) => boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = SHOWN[show];
  return ({ row, text }) => shown(row) && words.every((word) => text.includes(word));
}

export const hasAlarm = ({ state }: PageRow): boolean => state === 'split-brain' || state === 'flapping';

const SHOWN: Readonly<Record<Show, (row: PageRow) => boolean>> = {
  all: () => true,
  alarm: hasAlarm,
  held: ({ holder }) => holder !== null,
  unheld: ({ holder }) => holder === null,
};

/** What has to be looked at comes first. */
const STATE_ORDER = { 'split-brain': 0, flapping: 1, unheld: 2, held: 3 } as const;

const compare = <T extends string | number | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

const COMPARERS: Readonly<Record<SortKey, (a: Entry, b: Entry) => number>> = {
  address: byName,
  state: (a, b) => STATE_ORDER[a.row.state] - STATE_ORDER[b.row.state],
  holder: (a, b) => compare(a.row.holder?.port ?? '', b.row.holder?.port ?? ''),
  // The youngest first; those without a holder have no age.
  age: (a, b) => compare(b.row.holder?.sinceMs ?? 0, a.row.holder?.sinceMs ?? 0),
  moves: (a, b) => a.row.moves - b.row.moves,
  rate: (a, b) => (a.row.rate ?? -1) - (b.row.rate ?? -1),
  packets: (a, b) => compare(a.packets, b.packets),
};

/** Equal ones stay in the order of their addresses, in both directions. */
function comparer({ sort, descending }: PageQuery): (a: Entry, b: Entry) => number {
  const by = COMPARERS[sort];
  const sign = descending ? -1 : 1;
  return (a, b) => sign * by(a, b) || byName(a, b);
}

function byName(a: Entry, b: Entry): number {
  return (
    compare(a.row.network, b.row.network) || compare(a.row.subnet, b.row.subnet) || compare(a.order, b.order)
  );
}
