// SPDX-License-Identifier: BSD-2-Clause
// The worker thread of in-worker.ts: reads and checks one file or one set of flags, hands the result over, ends.
import { parentPort, workerData } from 'node:worker_threads';
import { HavipError } from '../errors.js';
import { configFromFlags, type ConfigFlags } from './flags.js';
import { loadAndCheck } from './load.js';
import type { Problem } from './problem.js';
import type { Config } from './types.js';
import { packConfig, transferList, type PackedConfig } from './wire.js';

export type WorkerTask = { readonly path: string } | { readonly flags: ConfigFlags };

export type WorkerMessage =
  | { readonly packed: PackedConfig }
  | { readonly problems: readonly Problem[] }
  /** What is wrong with the flags, one a line. */
  | { readonly usage: string };

function hand(config: Config): void {
  const packed = packConfig(config);
  parentPort?.postMessage({ packed } satisfies WorkerMessage, transferList(packed));
}

function fail(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}

function fromFlags(flags: ConfigFlags): void {
  try {
    hand(configFromFlags(flags));
  } catch (thrown) {
    const error = HavipError.from(thrown);
    if (error.code !== 'USAGE') throw thrown;
    fail({ usage: error.message });
  }
}

function fromFile(path: string): void {
  const { config, problems } = loadAndCheck(path);
  if (config === undefined) fail({ problems });
  else hand(config);
}

const task = workerData as WorkerTask;
if ('path' in task) fromFile(task.path);
else fromFlags(task.flags);
