// SPDX-License-Identifier: BSD-2-Clause
// The daemon's log on standard error: JSON lines for a journal, one readable line each on a terminal. Both threads
// write to it, each by itself: lines are short enough not to mix.
import { writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { pino, type Logger } from 'pino';
import type { EventKind, EventParty, EventRecord } from './messages.js';

export type { Logger };

const STDERR = 2;

export function createLog(): Logger {
  const options = { base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: levelLabel } };
  return isatty(STDERR)
    ? pino(options, readable())
    : pino(options, pino.destination({ dest: STDERR, sync: false }));
}

const levelLabel = (level: string): { level: string } => ({ level });

/** `03:12:04 warn  message  key=value` */
function readable(): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const { level, time, msg, ...rest } = JSON.parse(chunk.toString()) as Record<string, unknown>;
      const details = Object.entries(rest).map(([key, value]) => `${key}=${textOf(value)}`);
      const at = String(time).slice(11, 19);
      writeSync(STDERR, `${[at, String(level).padEnd(5), String(msg), ...details].join(' ')}\n`);
      done();
    },
  });
}

/** Quoted where a name could break the line or the terminal. */
const textOf = (value: unknown): string =>
  typeof value === 'string' && /^[ -~]*$/.test(value) ? value : JSON.stringify(value);

/** What an operator should look at, and not only find later. */
const WARNINGS: ReadonlySet<EventKind> = new Set(['refuse', 'flap', 'lost']);
/** Ports and files: the control thread says more of them than their events do. */
const ELSEWHERE: ReadonlySet<EventKind> = new Set(['attach', 'detach', 'config']);

/** A holder change as a line of the log. */
export function logEvent(log: Logger, event: EventRecord): void {
  const { kind, address, subnet, from, to, reason, count } = event;
  if (ELSEWHERE.has(kind)) return;
  const details = { address, subnet, from: party(from), to: party(to), reason, ...(count > 1 && { count }) };
  if (WARNINGS.has(kind)) log.warn(details, kind);
  else log.info(details, kind);
}

const party = (end: EventParty | null): string | undefined => (end ? `${end.port} ${end.mac}` : undefined);
