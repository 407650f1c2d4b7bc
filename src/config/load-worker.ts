// SPDX-License-Identifier: BSD-2-Clause
// The worker thread of loadConfigInWorker: reads and checks one file, hands the result over, ends.
import { parentPort, workerData } from 'node:worker_threads';
import { loadAndCheck } from './load.js';
import type { Problem } from './problem.js';
import { packConfig, transferList, type PackedConfig } from './wire.js';

export type WorkerMessage = { readonly packed: PackedConfig } | { readonly problems: readonly Problem[] };

const { config, problems } = loadAndCheck(String(workerData));
if (config === undefined) {
  parentPort?.postMessage({ problems } satisfies WorkerMessage);
} else {
  const packed = packConfig(config);
  parentPort?.postMessage({ packed } satisfies WorkerMessage, transferList(packed));
}
