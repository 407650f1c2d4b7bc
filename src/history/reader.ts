// SPDX-License-Identifier: BSD-2-Clause
// Reads the history, also beside a daemon that is writing it: lazily, from either end, a segment in memory at a time.
import type { DossierQuery } from '../api/types.js';
import type { Dossier } from '../holders/dossier.js';
import type { EventRecord } from '../observe/messages.js';
import { matches, type HistoryFilter } from './filter.js';
import { scan, type Scan } from './frames.js';
import { decodeDossier, decodeEvent, decodeHeader, FORMAT, kindOf, type Header } from './records.js';
import { listSegments, readSegment, type Segment } from './segments.js';

/** What of a segment could not be read. */
export interface Damage {
  readonly path: string;
  /** Where the last whole record ends, and how much lies behind it. */
  readonly offsetBytes: number;
  readonly lostBytes: number;
  /** It is the newest segment's end: cut by a crash, or just being written. */
  readonly tail: boolean;
}

export interface ReadOptions {
  /** @default false: oldest first */
  readonly newestFirst?: boolean;
  readonly onDamage?: (damage: Damage) => void;
}

/**
 * The events that match. Errors: as the file system's, EACCES for instance; damaged files are none: what is whole is
 * read, and `onDamage` hears of the rest.
 */
export function* readHistory(
  folder: string,
  filter: HistoryFilter = {},
  options: ReadOptions = {},
): Generator<EventRecord> {
  for (const body of bodies(within(listSegments(folder), filter), options)) {
    if (kindOf(body) !== 'event') continue;
    const event = decodeEvent(body);
    if (!event) continue;
    if (options.newestFirst && event.seq <= (filter.afterSeq ?? 0)) return;
    if (matches(event, filter)) yield event;
  }
}

/** The last `count` that match, oldest first. */
export function lastEvents(
  folder: string,
  count: number,
  filter: HistoryFilter = {},
  onDamage?: ReadOptions['onDamage'],
): EventRecord[] {
  const found: EventRecord[] = [];
  if (count === 0) return found;
  for (const event of readHistory(folder, filter, { newestFirst: true, ...(onDamage && { onDamage }) })) {
    if (found.push(event) === count) break;
  }
  return found.reverse();
}

/** What a start brings back: the newest `count` events, and the dossiers among them; each oldest first. */
export function readTail(
  folder: string,
  count: number,
  onDamage?: ReadOptions['onDamage'],
): { events: EventRecord[]; dossiers: Dossier[] } {
  const [events, dossiers]: [EventRecord[], Dossier[]] = [[], []];
  for (const body of bodies(listSegments(folder), { newestFirst: true, ...(onDamage && { onDamage }) })) {
    const kind = kindOf(body);
    const event = kind === 'event' ? decodeEvent(body) : null;
    const dossier = kind === 'dossier' ? decodeDossier(body) : null;
    if (event) events.push(event);
    if (dossier) dossiers.push(dossier);
    if (events.length === count) break;
  }
  return { events: events.reverse(), dossiers: dossiers.reverse() };
}

/** The number of the newest event; 0: there is none. */
export function lastSeq(folder: string): number {
  for (const { seq } of readHistory(folder, {}, { newestFirst: true })) return seq;
  return 0;
}

/** Newest first; one that was completed twice comes twice, its last word first. */
export function* readDossiers(folder: string, options: ReadOptions = {}): Generator<Dossier> {
  for (const body of bodies(listSegments(folder), { ...options, newestFirst: true })) {
    const dossier = kindOf(body) === 'dossier' ? decodeDossier(body) : null;
    if (dossier) yield dossier;
  }
}

/** What DossierMemory.find answers, from disk: oldest first. Errors: as readHistory. */
export function findDossiers(folder: string, query: DossierQuery): Dossier[] {
  const { id, address, network, last = Infinity } = query;
  const found = new Map<number, Dossier>();
  for (const dossier of readDossiers(folder)) {
    const wanted =
      dossier.id === (id ?? dossier.id) &&
      dossier.address === (address ?? dossier.address) &&
      dossier.network === (network ?? dossier.network);
    if (wanted && !found.has(dossier.id)) found.set(dossier.id, dossier);
    if (found.size >= last || (id !== undefined && found.size > 0)) break;
  }
  return [...found.values()].reverse();
}

function* bodies(segments: readonly Segment[], options: ReadOptions): Generator<Buffer> {
  const { newestFirst = false, onDamage } = options;
  const newest = segments.at(-1);
  for (const segment of newestFirst ? [...segments].reverse() : segments) {
    const bytes = readSegment(segment);
    if (!bytes) continue;
    const { starts, ends, wholeBytes } = readable(bytes);
    const damage = { path: segment.path, offsetBytes: wholeBytes, lostBytes: bytes.length - wholeBytes };
    if (damage.lostBytes > 0) onDamage?.({ ...damage, tail: segment === newest });
    for (let i = 0; i < starts.length; i++) {
      const index = newestFirst ? starts.length - 1 - i : i;
      yield bytes.subarray(starts[index], ends[index]);
    }
  }
}

const NOTHING: Scan = { starts: [], ends: [], wholeBytes: 0 };

/** Nothing, of a file that another version wrote in another format. */
export function readable(bytes: Buffer): Scan {
  const found = scan(bytes);
  const header = decodeHeader(bytes.subarray(found.starts[0] ?? 0, found.ends[0] ?? 0));
  return header && header.format !== FORMAT ? NOTHING : found;
}

/** A clock that was set back by more than this between two events can hide the later one from `since`. */
const CLOCK_SLACK_NS = 3_600_000_000_000n;
/** More than any header. */
const HEADER_BYTES = 4096;

/** Leaves out the segments that were closed before the time that is asked for. */
function within(segments: readonly Segment[], { sinceNs }: HistoryFilter): readonly Segment[] {
  if (sinceNs === undefined) return segments;
  const closedBefore = (at: number): boolean => {
    const follower = segments[at + 1];
    const opened = follower && readHeader(follower)?.wallNs;
    return opened !== undefined && opened + CLOCK_SLACK_NS < sinceNs;
  };
  return segments.filter((_, at) => !closedBefore(at));
}

/** What a segment opens with; null: nothing, or none that we know. */
export function readHeader(segment: Segment): Header | null {
  const bytes = readSegment(segment, HEADER_BYTES);
  if (!bytes) return null;
  const { starts, ends } = readable(bytes);
  return decodeHeader(bytes.subarray(starts[0] ?? 0, ends[0] ?? 0));
}
