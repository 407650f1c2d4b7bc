// SPDX-License-Identifier: BSD-2-Clause
// The daemon's log on standard error: JSON lines for a journal, one readable line each on a terminal. Never blocks
// the thread that writes to it.
import { Writable } from 'node:stream';
import { pino, type Logger } from 'pino';

export type { Logger };

export function createLog(stream: NodeJS.WriteStream = process.stderr): Logger {
  const options = { base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: levelLabel } };
  return stream.isTTY
    ? pino(options, readable(stream))
    : pino(options, pino.destination({ dest: 2, sync: false }));
}

const levelLabel = (level: string): { level: string } => ({ level });

/** `03:12:04 warn  message  key=value` */
function readable(stream: NodeJS.WritableStream): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const { level, time, msg, ...rest } = JSON.parse(chunk.toString()) as Record<string, unknown>;
      const details = Object.entries(rest).map(([key, value]) => `${key}=${textOf(value)}`);
      const at = String(time).slice(11, 19);
      stream.write(`${[at, String(level).padEnd(5), String(msg), ...details].join(' ')}\n`);
      done();
    },
  });
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
