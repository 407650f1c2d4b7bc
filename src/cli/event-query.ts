// SPDX-License-Identifier: BSD-2-Clause
// The flags that narrow `havip events`, checked and put into a filter.
import { Option, type Command } from 'commander';
import { HavipError } from '../errors.js';
import type { HistoryFilter } from '../history/filter.js';
import { canonicalAddress } from '../net/addresses.js';
import { EVENT_KINDS, type EventKind } from '../observe/messages.js';
import { parseMoment } from './moments.js';

export interface QueryFlags {
  readonly follow?: true;
  readonly since?: string;
  readonly until?: string;
  readonly vip?: string;
  readonly kind?: string;
  readonly last?: string;
  readonly after?: string;
}

export interface EventQuery {
  readonly filter: HistoryFilter;
  /** Only the newest of what is left; Infinity: all. */
  readonly last: number;
  /** Nothing was asked for but what happened last. */
  readonly plain: boolean;
}

/** What `havip events` shows where nothing says how far back to go. */
const DEFAULT_LAST = 1000;

export function addQueryOptions(command: Command): Command {
  return command
    .option('--since <TIME>', 'from then on: 2h or 30m ago, 03:00 local time, or RFC 3339')
    .option('--until <TIME>', 'up to then')
    .option('--vip <ADDRESS>', 'about this HAVIP')
    .addOption(new Option('--kind <KIND,...>', `of these kinds: ${EVENT_KINDS.join(', ')}`))
    .option('--last <N>', 'only the newest N; 1,000 where nothing says since when')
    .option('--after <SEQ>', 'only those with a greater number: to go on where a reader stopped');
}

/** Errors: USAGE. */
export function eventQuery(flags: QueryFlags, now = new Date()): EventQuery {
  const { follow, since, until, vip, kind, last, after } = flags;
  if (follow && until !== undefined) {
    throw new HavipError('USAGE', '--follow has no end, and --until says one: leave out either');
  }
  const filter = {
    ...(since !== undefined && { sinceNs: parseMoment(since, now) }),
    ...(until !== undefined && { untilNs: parseMoment(until, now) }),
    ...(vip !== undefined && { address: addressOf(vip) }),
    ...(kind !== undefined && { kinds: kindsOf(kind) }),
    ...(after !== undefined && { afterSeq: countOf('--after', after) }),
  };
  refuseBackwards(filter);
  const bounded = since !== undefined || until !== undefined || after !== undefined;
  const limit = last === undefined ? (bounded ? Infinity : DEFAULT_LAST) : countOf('--last', last);
  return { filter, last: limit, plain: Object.keys(filter).length === 0 && last === undefined };
}

function refuseBackwards({ sinceNs, untilNs }: HistoryFilter): void {
  if (sinceNs === undefined || untilNs === undefined || sinceNs <= untilNs) return;
  throw new HavipError('USAGE', '--until lies before --since: nothing can be between them');
}

function addressOf(text: string): string {
  const address = canonicalAddress(text);
  if (address === null) throw new HavipError('USAGE', `not an IP address: ${JSON.stringify(text)}`);
  return address;
}

function kindsOf(text: string): Set<EventKind> {
  const words = text.split(',').map((word) => word.trim());
  const unknown = words.filter((word) => !isKind(word));
  if (unknown.length === 0) return new Set(words.filter(isKind));
  const named = unknown.map((word) => JSON.stringify(word)).join(', ');
  throw new HavipError('USAGE', `no kind of event: ${named}; allowed: ${EVENT_KINDS.join(', ')}`);
}

const isKind = (word: string): word is EventKind => (EVENT_KINDS as readonly string[]).includes(word);

function countOf(flag: string, text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count;
  throw new HavipError('USAGE', `${flag} takes a whole number, not ${JSON.stringify(text)}`);
}
