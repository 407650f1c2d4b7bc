// SPDX-License-Identifier: BSD-2-Clause
// Which HAVIPs are shown, and in what order: the filter, the sort, and the best so many of a list that may be long.
import type { HavipQuery, HavipState, HavipStatus } from '../api/types.js';
import { addressBytes } from '../net/addresses.js';

/** A HAVIP with what is made of two looks at it. */
export interface Row extends HavipStatus {
  /** Packets a second that its holder got; null: seen once only. */
  readonly rate: number | null;
}

export const SORTS = ['state', 'rate', 'address', 'moves', 'age'] as const;
export type Sort = (typeof SORTS)[number];

export interface Order {
  readonly sort: Sort;
  /** Other way round than what is most telling first. */
  readonly reversed: boolean;
}

/** One HAVIP: an address is unique in its network only. */
export interface Subject {
  readonly network: string;
  readonly subnet: string;
  readonly address: string;
}

export const rowKey = ({ network, subnet, address }: Subject): string => `${network}/${subnet}/${address}`;

/** What needs somebody first. */
const URGENCY: Record<HavipState, number> = { 'split-brain': 0, flapping: 1, unheld: 2, held: 3 };

type Compare = (a: Row, b: Row) => number;

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byRate: Compare = (a, b) => (b.rate ?? -1) - (a.rate ?? -1);
const byAddress: Compare = (a, b) =>
  compareText(a.network, b.network) || compareText(placeOf(a), placeOf(b)) || compareText(a.subnet, b.subnet);

const places = new WeakMap<Row, string>();

/** Text that sorts as the number does, IPv4 before IPv6. Kept: a sort asks for it time and again. */
function placeOf(row: Row): string {
  const kept = places.get(row);
  if (kept !== undefined) return kept;
  const { address } = row;
  const place = address.includes(':')
    ? `6${Buffer.from(addressBytes(address)).toString('hex')}`
    : address.replace(/\d+/g, (part) => part.padStart(3, '0'));
  places.set(row, place);
  return place;
}

/** The youngest first: what has just changed. Nobody's come last. */
const byAge: Compare = (a, b) => Number((b.holder?.sinceNs ?? 0n) - (a.holder?.sinceNs ?? 0n));

const COMPARE: Record<Sort, Compare> = {
  state: (a, b) => URGENCY[a.state] - URGENCY[b.state] || byRate(a, b),
  rate: byRate,
  address: () => 0,
  moves: (a, b) => b.moves - a.moves,
  age: byAge,
};

/** A total order: two looks at the same rows show them in the same places. */
export function comparison({ sort, reversed }: Order): Compare {
  const first = COMPARE[sort];
  const compare: Compare = (a, b) => first(a, b) || byAddress(a, b);
  return reversed ? (a, b) => compare(b, a) : compare;
}

/** Whether the order needs the rate of every row, and not only of those that are shown. */
export const needsRates = ({ sort }: Order): boolean => sort === 'rate' || sort === 'state';

/** What `/` takes, understood. */
export interface Filter {
  /** Asked of the daemon, which then lists no others. */
  readonly query: HavipQuery;
  /** Lower case; each must occur somewhere in the row. */
  readonly words: readonly string[];
}

const QUERY_WORD = /^(network|subnet|address):(.+)$/;

/** `tap-a held` for words anywhere; `network:blue`, `subnet:web`, `address:10.0.1.50` for exactly that. */
export function parseFilter(text: string): Filter {
  const parts = text.split(/\s+/).filter(Boolean);
  const exact = parts.flatMap((part) => QUERY_WORD.exec(part) ?? []);
  const query: Record<string, string> = {};
  for (let at = 0; at + 2 < exact.length; at += 3) query[exact[at + 1] ?? ''] = exact[at + 2] ?? '';
  const words = parts.filter((part) => !QUERY_WORD.test(part)).map((part) => part.toLowerCase());
  return { query, words };
}

export function matches(row: HavipStatus, { query, words }: Filter): boolean {
  for (const [name, value] of Object.entries(query)) if (row[name as keyof Subject] !== value) return false;
  if (words.length === 0) return true;
  const { network, subnet, address, state, holder } = row;
  const text = `${address} ${network}/${subnet} ${state} ${holder?.port ?? ''} ${holder?.mac ?? ''}`;
  return words.every((word) => text.toLowerCase().includes(word));
}

export function select(rows: readonly Row[], filter: Filter, order: Order): Row[] {
  return rows.filter((row) => matches(row, filter)).sort(comparison(order));
}

/** The first `most` of rows that come one by one in any order; never holds more than twice as many. */
export class Best {
  private rows: Row[] = [];
  private readonly compare: Compare;
  private worst: Row | null = null;

  constructor(
    order: Order,
    private readonly most: number,
  ) {
    this.compare = comparison(order);
  }

  offer(row: Row): void {
    if (this.worst && this.compare(row, this.worst) >= 0) return;
    if (this.rows.push(row) >= 2 * this.most) this.shrink();
  }

  take(): Row[] {
    this.shrink();
    return this.rows;
  }

  private shrink(): void {
    this.rows.sort(this.compare).splice(this.most);
    if (this.rows.length === this.most) this.worst = this.rows.at(-1) ?? null;
  }
}
