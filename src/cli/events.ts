// SPDX-License-Identifier: BSD-2-Clause
// `havip events`: what happened, a line each; and, with --follow, what happens.
import { Command } from 'commander';
import { ApiClient } from '../api/client.js';
import type { EventDelivery } from '../api/types.js';
import { HavipError } from '../errors.js';
import { matches, type HistoryFilter } from '../history/filter.js';
import { lastEvents, lastSeq, readHistory, type Damage } from '../history/reader.js';
import type { EventParty, EventRecord } from '../observe/messages.js';
import { addQueryOptions, eventQuery, type EventQuery, type QueryFlags } from './event-query.js';
import { rfc3339, toJson } from './json.js';
import {
  configOption,
  socketOf,
  socketOption,
  statePathOf,
  statePathOption,
  type PlaceFlags,
} from './options.js';
import { escapeControl, print } from './render.js';

interface EventFlags extends PlaceFlags, QueryFlags {
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  $ havip events                                     the last 1,000
  $ havip events --since 03:00 --until 03:30         what happened at night
  $ havip events --vip 10.0.1.50 --kind move --last 1
  $ havip events --follow --json | jq 'select(.kind == "move")'

Without a daemon the state folder is read. --follow ends with Ctrl-C. What a slow reader missed is said on
standard error. Times are printed in UTC.`;

export function eventsCommand(): Command {
  const command = new Command('events')
    .description('what happened: binds, moves, releases, refusals, ports, configuration')
    .option('-f, --follow', 'go on with what happens')
    .option('--json', 'one JSON object a line');
  return addQueryOptions(command)
    .addOption(configOption())
    .addOption(socketOption())
    .addOption(statePathOption())
    .addHelpText('after', EXAMPLES)
    .action(async (flags: EventFlags, self: Command) => {
      const query = eventQuery(flags);
      const socket = await socketOf(self, flags);
      const client = await ApiClient.connect(socket).catch(withoutDaemon);
      const folder = await statePathOf(self, flags);
      const show: Show = (events) => showEvents(events, flags.json === true);
      if (client instanceof HavipError) return showWithout(client, folder, flags, query, show);
      try {
        const place = query.plain ? null : ((await client.daemon()).history?.path ?? folder);
        const kept = keptBeside(place, query);
        await (flags.follow ? follow : list)(client, kept, query, show);
      } finally {
        client.close();
      }
    });
}

type Show = (events: Iterable<EventRecord>) => Promise<void>;

/** That nobody answers is no failure yet. */
function withoutDaemon(thrown: unknown): HavipError {
  const error = HavipError.from(thrown);
  if (error.code !== 'NOT_RUNNING') throw error;
  return error;
}

async function showWithout(
  nobody: HavipError,
  folder: string,
  flags: EventFlags,
  query: EventQuery,
  show: Show,
): Promise<void> {
  const kept = flags.follow ? null : new KeptEvents(folder, query);
  if (!kept?.upToSeq) throw nobody;
  process.stderr.write(`havip: no daemon answers; this is what ${folder} has kept\n`);
  await show(kept.read(query.last));
}

/** What is on disk, then what the daemon tells beyond it. */
async function list(client: ApiClient, kept: KeptEvents, query: EventQuery, show: Show): Promise<void> {
  const news: EventRecord[] = [];
  const stream = client.events({ afterSeq: BigInt(kept.upToSeq) });
  for await (const events of matching(stream, query.filter)) news.push(...events);
  const fresh = news.slice(Math.max(0, news.length - query.last));
  await show(kept.read(query.last - fresh.length));
  await show(fresh);
}

async function follow(client: ApiClient, kept: KeptEvents, query: EventQuery, show: Show): Promise<void> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const { signal } = interrupted;
  const stream = client.events({ follow: true, afterSeq: BigInt(kept.upToSeq), signal });
  await show(kept.read(query.last));
  for await (const events of matching(stream, query.filter)) await show(events);
}

/** The part of an answer that is on disk. */
class KeptEvents {
  /** 0: nothing is, or nothing can be read. */
  readonly upToSeq: number;

  /** @param folder null: nothing on disk is asked for. */
  constructor(
    private readonly folder: string | null,
    private readonly query: EventQuery,
  ) {
    this.upToSeq = folder === null ? 0 : lastSeq(folder);
  }

  /** @param last The newest of them; Infinity: all. */
  read(last: number): Iterable<EventRecord> {
    const { folder, upToSeq } = this;
    if (folder === null || upToSeq === 0) return [];
    const filter = { ...this.query.filter, upToSeq };
    if (last === Infinity) return readHistory(folder, filter, { onDamage: sayDamage });
    return lastEvents(folder, last, filter, sayDamage);
  }
}

/** The daemon's memory has to do where its folder cannot be read. */
function keptBeside(folder: string | null, query: EventQuery): KeptEvents {
  try {
    return new KeptEvents(folder, query);
  } catch (thrown) {
    const { message } = HavipError.from(thrown);
    process.stderr.write(`havip: cannot read the history, only the daemon's memory: ${message}\n`);
    return new KeptEvents(null, query);
  }
}

function sayDamage({ path, offsetBytes, lostBytes, tail }: Damage): void {
  // The newest record may be just being written.
  if (!tail)
    process.stderr.write(`havip: ${path}: ${lostBytes} bytes from ${offsetBytes} on cannot be read\n`);
}

async function* matching(
  stream: AsyncIterable<EventDelivery>,
  filter: HistoryFilter,
): AsyncGenerator<readonly EventRecord[]> {
  for await (const { events, lost } of stream) {
    if (lost > 0n) process.stderr.write(`havip: ${lost} events lost: this reader was too slow\n`);
    yield events.filter((event) => matches(event, filter));
  }
}

/** Lines that are written at once. */
const PRINTED_EVENTS = 256;

async function showEvents(events: Iterable<EventRecord>, asJson: boolean): Promise<void> {
  const render = asJson ? eventJson : eventText;
  let lines: string[] = [];
  for (const event of events) {
    if (lines.push(`${render(event)}\n`) < PRINTED_EVENTS) continue;
    await print(lines.join(''));
    lines = [];
  }
  if (lines.length > 0) await print(lines.join(''));
}

/** The line of DESIGN.md, "What is fixed for users", and `repointNs`. */
export function eventJson(event: EventRecord): string {
  const { seq, timeNs, wallNs, kind, network, subnet, address, from, to, reason, count, repointNs } = event;
  const about = { network, subnet, address, from: party(from), to: party(to) };
  return toJson({ seq, time: rfc3339(wallNs), timeNs, kind, ...about, reason, count, repointNs });
}

const party = (one: EventParty | null): { port: string; mac: string } | null =>
  one && { port: one.port, mac: one.mac };

/** Columns of fixed width, since the next line is not known yet. */
export function eventText(event: EventRecord): string {
  const { wallNs, kind, reason, count, repointNs } = event;
  const cells = [
    rfc3339(wallNs).slice(0, 26).padEnd(26),
    kind.padEnd(11),
    subjectText(event).padEnd(28),
    partiesText(event),
    reason,
    count > 1 ? `x${count}` : '',
    repointNs === null ? '' : `re-point ${microseconds(repointNs)}`,
  ];
  return escapeControl(cells.filter(Boolean).join('  ').trimEnd());
}

function subjectText({ network, subnet, address }: EventRecord): string {
  return address && `${address} ${network}/${subnet}`;
}

function partiesText({ from, to }: EventRecord): string {
  if (from && to) return `${partyText(from)} -> ${partyText(to)}`;
  if (from) return `${partyText(from)} -> nobody`;
  return to ? partyText(to) : '';
}

const partyText = ({ port, mac }: EventParty): string => (mac ? `${port} ${mac}` : port);

const microseconds = (ns: bigint): string => `${(Number(ns) / 1000).toFixed(ns < 100_000n ? 1 : 0)} µs`;
