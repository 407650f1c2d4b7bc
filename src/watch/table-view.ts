// SPDX-License-Identifier: BSD-2-Clause
// The table of HAVIPs: as many columns as the width takes, the more telling ones first.
import type { HavipState } from '../api/types.js';
import type { Row, Sort } from './rows.js';
import type { WatchState } from './state.js';
import { clean, fit, pad, textWidth, type Line, type Style } from './text.js';
import { selectedIndex } from './update.js';
import { ageText, countText, rateText } from './words.js';

interface Column {
  readonly name: string;
  readonly right?: boolean;
  /** Least width, so that numbers that grow do not push their neighbours about. */
  readonly least?: number;
  readonly sort?: Sort;
  readonly cell: (row: Row, nowMs: number) => string;
}

const COLUMNS = {
  address: { name: 'ADDRESS', sort: 'address', cell: (row) => row.address },
  state: { name: 'STATE', sort: 'state', cell: (row) => row.state },
  holder: { name: 'HOLDER', cell: ({ holder }) => (holder ? holderText(holder) : '-') },
  mac: { name: 'MAC', cell: ({ holder }) => holder?.mac ?? '-' },
  subnet: { name: 'SUBNET', cell: ({ network, subnet }) => `${network}/${subnet}` },
  by: { name: 'BY', cell: ({ holder }) => holder?.by ?? '-' },
  age: { name: 'AGE', right: true, least: 6, sort: 'age', cell: ageCell },
  moves: { name: 'MOVES', right: true, sort: 'moves', cell: ({ moves }) => countText(moves) },
  rate: { name: 'PKT/S', right: true, least: 7, sort: 'rate', cell: ({ rate }) => rateText(rate) },
  saved: { name: 'SAVED', right: true, least: 9, cell: ({ savedPackets }) => countText(savedPackets) },
} satisfies Record<string, Column>;

type ColumnName = keyof typeof COLUMNS;

const ON_SCREEN = Object.keys(COLUMNS) as ColumnName[];
const BY_WORTH: readonly ColumnName[] = [
  ...(['address', 'state', 'holder', 'rate', 'age', 'moves', 'subnet'] as const),
  ...(['mac', 'by', 'saved'] as const),
];

const holderText = ({ port, location }: { port: string; location: string }): string =>
  location === 'local' ? port : `${port} (${location})`;

function ageCell({ holder }: Row, nowMs: number): string {
  return holder ? ageText(nowMs - Number(holder.sinceWallNs / 1_000_000n)) : '-';
}

const GAP = '  ';
const MARK = { here: '> ', elsewhere: '  ' } as const;
/** What the state of a HAVIP needs beside a long address. */
const STATE_CELLS = 'split-brain'.length;

interface Placed {
  readonly column: Column;
  readonly width: number;
}

/** Heading, then `height` lines. Shape: each fits the width. */
export function tableLines(state: WatchState, height: number, nowMs: number): Line[] {
  const { shown, top, size, order } = state;
  const rows = shown.slice(top, top + height);
  const cells = rows.map((row) => ON_SCREEN.map((name) => clean(COLUMNS[name].cell(row, nowMs))));
  const placed = place(cells, size.columns);
  const heading = placed.map(({ column, width }) => headingSpan(column, width, order.sort));
  const marked = shown[selectedIndex(state)];
  const lines = rows.map((row, at) => rowLine(row, cells[at] ?? [], placed, marked === row));
  const all: Line[] = [[{ text: MARK.elsewhere }, ...heading.flat()], ...lines];
  return Array.from({ length: height + 1 }, (_, at) => fit(all[at] ?? [], size.columns));
}

function headingSpan({ name, right, sort }: Column, width: number, by: Sort): Line {
  const text = pad(name, width, right);
  return [{ text, style: sort === by ? 'reverse' : 'bold' }, { text: GAP }];
}

/** The columns that fit, in the order of the screen. */
function place(cells: readonly string[][], columns: number): Placed[] {
  const widths = ON_SCREEN.map((name, at) => naturalWidth(COLUMNS[name], cells, at));
  let left = columns - MARK.here.length;
  const kept = new Map<ColumnName, number>();
  for (const name of BY_WORTH) {
    const most = name === 'address' ? left - GAP.length - STATE_CELLS : left;
    const width = widths[ON_SCREEN.indexOf(name)] ?? 0;
    const taken = name === 'address' ? Math.max(0, Math.min(width, most)) : width;
    if (taken > left) break;
    kept.set(name, taken);
    left -= taken + GAP.length;
  }
  return ON_SCREEN.flatMap((name) => {
    const width = kept.get(name);
    return width === undefined ? [] : [{ column: COLUMNS[name], width }];
  });
}

function naturalWidth({ name, least = 0 }: Column, cells: readonly string[][], at: number): number {
  return cells.reduce(
    (widest, row) => Math.max(widest, textWidth(row[at] ?? '')),
    Math.max(least, name.length),
  );
}

const STATE_STYLE: Partial<Record<HavipState, Style>> = {
  unheld: 'yellow',
  flapping: 'red',
  'split-brain': 'red',
};

function rowLine(row: Row, cells: readonly string[], placed: readonly Placed[], marked: boolean): Line {
  const texts = placed.map(({ column, width }) => {
    const cell = cells[ON_SCREEN.findIndex((name) => COLUMNS[name] === column)] ?? '';
    return pad(cell, width, column.right);
  });
  const text = (marked ? MARK.here : MARK.elsewhere) + texts.join(GAP);
  const style = marked ? 'reverse' : STATE_STYLE[row.state];
  return [style ? { text, style } : { text }];
}

/** What an empty table says instead. */
export function emptyText({ look, filter, gone }: WatchState): string {
  if (look === null) return gone ? 'the daemon has not answered yet' : 'asking the daemon ...';
  if (look.listed === 0 && filter === '') return 'no HAVIP is configured here';
  return `no HAVIP matches "${clean(filter)}"   (Esc shows all)`;
}
