// SPDX-License-Identifier: BSD-2-Clause
// What may end the process while a lab exists, and that the lab is taken away before it does: signals, errors that
// nobody caught, and a reader of our output that has gone.
import { HavipError } from '../errors.js';

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const NAMES = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[];
/** What a shell shows for a process that SIGPIPE ended. */
const OUTPUT_GONE = 128 + 13;

interface Closable {
  /** Any number of calls do it once. */
  close(): Promise<void>;
}

/** Keeps signals back; what it returns lets them through. For the moment in which a lab is claimed. */
export function holdSignals(): () => void {
  const held: NodeJS.Signals[] = [];
  const hold = (name: NodeJS.Signals): void => void held.push(name);
  for (const name of NAMES) process.on(name, hold);
  return () => {
    for (const name of NAMES) process.off(name, hold);
    for (const name of held) process.kill(process.pid, name);
  };
}

/**
 * On SIGINT, SIGTERM or SIGHUP the lab is closed, then the process ends by 128 + signal number. Returns what
 * undoes this. What was under way in the lab fails at once: await `lab.close()` before passing that on.
 */
export function closeOnDeparture(lab: Closable): () => void {
  const leave = (code: number): void => {
    const exit = (): never => process.exit(code);
    lab.close().then(exit, (error: unknown) => (complain(error), exit()));
  };
  let isTold = !process.stderr.isTTY;
  const onSignal = (name: NodeJS.Signals): void => {
    if (!isTold) process.stderr.write('\nhavip: interrupted; taking the lab away\n');
    isTold = true;
    leave(128 + SIGNALS[name as keyof typeof SIGNALS]);
  };
  const onError = (error: unknown): void => (complain(error), leave(1));
  for (const name of NAMES) process.on(name, onSignal);
  process.on('uncaughtException', onError);
  const restoreOutput = onOutputGone(() => leave(OUTPUT_GONE));
  return () => {
    for (const name of NAMES) process.off(name, onSignal);
    process.off('uncaughtException', onError);
    restoreOutput();
  };
}

/** `havip demo | head`: whoever else listens would end the process at once, and leave the lab behind. */
function onOutputGone(act: () => void): () => void {
  const others = process.stdout.listeners('error') as ((error: Error) => void)[];
  process.stdout.removeAllListeners('error').on('error', act);
  return () => {
    process.stdout.off('error', act);
    for (const other of others) process.stdout.on('error', other);
  };
}

function complain(error: unknown): void {
  process.stderr.write(`havip: ${HavipError.from(error).message}\n`);
}
