// SPDX-License-Identifier: BSD-2-Clause
// The worker thread of in-worker.ts: reads and checks one file or one set of flags, hands the result over, ends.
import { parentPort, workerData } from 'node:worker_threads';
import { HavipError } from '../errors.js';
import { configFromFlagsWith, type ConfigFlags } from './flags.js';
import { loadWithRuntime } from './load.js';
import { parseConfig, type ParseResult } from './parse.js';
import type { Problem } from './problem.js';
import type { Conflict, RuntimeSet } from './runtime.js';
import { packConfig, transferList, type PackedConfig } from './wire.js';

/** Where the configuration is: a file; the text of one that was read before; or flags. */
export type ConfigSource =
  | { readonly path: string }
  | { readonly path: string; readonly text: Uint8Array }
  | { readonly flags: ConfigFlags };

export type WorkerTask = ConfigSource & { readonly runtime: RuntimeSet };

export type WorkerMessage =
  | {
      readonly packed: PackedConfig;
      readonly conflicts: readonly Conflict[];
      /** The file's, to be checked again without reading; null: there is none. */
      readonly text: Uint8Array | null;
    }
  | { readonly problems: readonly Problem[] }
  /** What is wrong with the flags, one a line. */
  | { readonly usage: string };

function post(message: WorkerMessage, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

function hand({ config, problems, conflicts = [] }: ParseResult, text: Uint8Array | null): void {
  if (config === undefined) return post({ problems });
  const packed = packConfig(config);
  post({ packed, conflicts, text }, transferList(packed));
}

function fromFlags(flags: ConfigFlags, runtime: RuntimeSet): void {
  try {
    hand({ ...configFromFlagsWith(flags, runtime), problems: [] }, null);
  } catch (thrown) {
    const error = HavipError.from(thrown);
    if (error.code !== 'USAGE') throw thrown;
    post({ usage: error.message });
  }
}

function fromFile(path: string, runtime: RuntimeSet): void {
  const { text, ...result } = loadWithRuntime(path, runtime);
  hand(result, text === undefined ? null : shared(text));
}

/** Memory that every later worker sees without a copy. */
function shared(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  const memory = new Uint8Array(new SharedArrayBuffer(bytes.length));
  memory.set(bytes);
  return memory;
}

const task = workerData as WorkerTask;
if ('flags' in task) fromFlags(task.flags, task.runtime);
else if ('text' in task)
  hand(parseConfig(Buffer.from(task.text).toString(), task.path, task.runtime), task.text);
else fromFile(task.path, task.runtime);
