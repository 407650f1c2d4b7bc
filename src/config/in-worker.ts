// SPDX-License-Identifier: BSD-2-Clause
// A configuration, read and checked in a worker thread that ends afterwards. The daemon's way: its own thread goes on,
// the parser's memory (90 times the file) goes back, and schema and parser are never loaded beside the control loop.
import { Worker } from 'node:worker_threads';
import { HavipError } from '../errors.js';
import type { ConfigFlags } from './flags.js';
import type { ConfigSource, WorkerMessage, WorkerTask } from './load-worker.js';
import { fileProblem, problemsError, type Problem } from './problem.js';
import { NO_RUNTIME, type Conflict, type RuntimeSet } from './runtime.js';
import type { Config } from './types.js';
import { unpackConfig } from './wire.js';

/** Most heap that the worker may take: yaml needs about 90 bytes for one of the file (measured). Unit: MiB. */
const WORKER_HEAP_MB = 6144;

export type WorkerResult = { readonly config: Config } | { readonly problems: readonly Problem[] };

/** Errors: HavipError FAILED when the worker dies of something other than the file; what the file causes are problems. */
export async function loadConfigInWorker(path: string): Promise<WorkerResult> {
  const loaded = await loadInWorker({ path });
  return 'problems' in loaded ? loaded : { config: loaded.config };
}

/** Errors: USAGE with everything that is wrong with the flags, one a line. */
export async function configFromFlagsInWorker(flags: ConfigFlags): Promise<Config> {
  const loaded = await loadInWorker({ flags });
  if ('problems' in loaded) throw problemsError(loaded.problems);
  return loaded.config;
}

export interface Loaded {
  readonly config: Config;
  /** What was defined at run time and is not in force. */
  readonly conflicts: readonly Conflict[];
  /** The file's text, shared memory; null: there is no file. */
  readonly text: Uint8Array | null;
}

/**
 * @param runtime What was defined beside it.
 * Errors: as `loadConfigInWorker` and `configFromFlagsInWorker`.
 */
export async function loadInWorker(
  source: ConfigSource,
  runtime: RuntimeSet = NO_RUNTIME,
): Promise<Loaded | { readonly problems: readonly Problem[] }> {
  const outOfMemory = 'flags' in source ? { usage: 'too many flags' } : { problems: [tooLarge(source.path)] };
  const message = await run({ ...source, runtime }, outOfMemory);
  if ('usage' in message) throw new HavipError('USAGE', message.usage);
  if ('problems' in message) return message;
  const { packed, conflicts, text } = message;
  return { config: await unpackConfig(packed), conflicts, text };
}

/** @param outOfMemory What it amounts to when the worker's heap is full. */
async function run(task: WorkerTask, outOfMemory: WorkerMessage): Promise<WorkerMessage> {
  const worker = new Worker(new URL('./load-worker.js', import.meta.url), {
    workerData: task,
    // Not this process's: --input-type or --inspect would keep the worker from starting.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB, maxYoungGenerationSizeMb: 64 },
  });
  const message = await new Promise<WorkerMessage>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') resolve(outOfMemory);
      else reject(HavipError.from(error));
    });
    worker.once('exit', (code) =>
      reject(new HavipError('FAILED', `the configuration's worker ended with ${code}`)),
    );
  });
  await worker.terminate();
  return message;
}

function tooLarge(path: string): Problem {
  return fileProblem(path, `needs more than ${WORKER_HEAP_MB} MiB of memory to be read`);
}
