// SPDX-License-Identifier: BSD-2-Clause
// `havip watch`: who holds what, live, in a terminal. What is drawn is src/watch.
import { Command, InvalidArgumentError, Option } from 'commander';
import { HavipError } from '../errors.js';
import { configOption, socketOf, socketOption, type PlaceFlags } from './options.js';
import { print, screenOf } from './render.js';

interface WatchFlags extends PlaceFlags {
  readonly interval: number;
  readonly filter: string;
  readonly once?: true;
}

const EXAMPLES = `
Keys: q quits, ? lists the others. A list that takes long to fetch is fetched less often, so that this costs the daemon a
tenth of its time at most. When the daemon goes away, what was seen last stays, grey and with its age, until it is back.

Examples:
  $ havip watch
  $ havip watch --filter unheld
  $ havip watch --filter 'network:blue tap-a'      the daemon lists that network alone
  $ havip watch --once | head -3                   one frame, for a pipe`;

export function watchCommand(): Command {
  return new Command('watch')
    .description('status, live, in a terminal: HAVIPs by state and rate, ports, last events')
    .addOption(
      new Option('--interval <SECONDS>', 'between two looks, 0.25 to 3600').default(1).argParser(secondsOf),
    )
    .option('--filter <WORDS>', 'begin with this filter, as / takes it', '')
    .option('--once', 'print one frame and end')
    .addOption(configOption())
    .addOption(socketOption())
    .addHelpText('after', EXAMPLES)
    .action(async (flags: WatchFlags, command: Command) => {
      if (flags.once !== true) requireTerminal();
      const socket = await socketOf(command, flags);
      const { watch, watchOnce } = await import('../watch/watch.js');
      const { color } = screenOf();
      const options = { socket, intervalMs: flags.interval * 1000, filter: flags.filter, color };
      if (flags.once === true) await print(await watchOnce(options, sizeOf(process.stdout)));
      else await watch(options);
      process.exit(0); // what the feed still waits for must not keep us
    });
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0.25 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError('A number of seconds from 0.25 to 3600.');
}

function requireTerminal(): void {
  if (process.stdin.isTTY && process.stdout.isTTY && process.env.TERM !== 'dumb') return;
  throw new HavipError('USAGE', 'havip watch needs a terminal to draw on and to read keys from', {
    cure: 'havip status, havip events --follow, or havip watch --once',
  });
}

/** A pipe is as wide as COLUMNS says. */
function sizeOf({ columns, rows }: Partial<NodeJS.WriteStream>): { columns: number; rows: number } {
  const fromEnv = (text: string | undefined): number =>
    Math.max(0, Math.min(1000, Math.floor(Number(text) || 0)));
  return {
    columns: (columns ?? fromEnv(process.env.COLUMNS)) || 80,
    rows: (rows ?? fromEnv(process.env.LINES)) || 24,
  };
}
