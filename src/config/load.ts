// SPDX-License-Identifier: BSD-2-Clause
// A configuration file -> Config, in this thread or in a short-lived worker. What the text may say is parse.ts.
import { isUtf8 } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { HavipError } from '../errors.js';
import { parseConfig, type ParseResult } from './parse.js';
import { fileProblem, problemsError, type Problem } from './problem.js';
import type { WorkerMessage } from './load-worker.js';
import type { Config } from './types.js';
import { unpackConfig } from './wire.js';

export { parseConfig, type ParseResult } from './parse.js';
export { problemsError, renderProblem, type Problem } from './problem.js';
export { configFromFlags, type ConfigFlags } from './flags.js';
export type * from './types.js';

/** A million HAVIPs take some 40 MiB; what is larger is not a configuration. Unit: bytes. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Most heap that the worker may take: yaml needs about 90 bytes for one of the file (measured). Unit: MiB. */
const WORKER_HEAP_MB = 6144;

/**
 * Reads and checks a file in this thread.
 * Errors: USAGE with all problems, one a line; PERMISSION when it may not be read.
 */
export function loadConfig(path: string): Config {
  const { config, problems } = loadAndCheck(path);
  if (config === undefined) throw problemsError(problems);
  return config;
}

/** Reads and checks a file in this thread. Errors: none; they are problems. */
export function loadAndCheck(path: string): ParseResult {
  const text = readText(path);
  return typeof text === 'string' ? parseConfig(text, path) : { problems: [text] };
}

export type WorkerResult = { readonly config: Config } | { readonly problems: readonly Problem[] };

/**
 * Reads and checks a file in a worker thread that ends afterwards: the caller's thread goes on, and the parser's
 * memory (90 times the file) goes back.
 * Errors: HavipError FAILED when the worker dies of something other than the file; what the file causes are problems.
 */
export async function loadConfigInWorker(path: string): Promise<WorkerResult> {
  const worker = new Worker(new URL('./load-worker.js', import.meta.url), {
    workerData: path,
    // Not this process's: --input-type or --inspect would keep the worker from starting.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB, maxYoungGenerationSizeMb: 64 },
  });
  const message = await new Promise<WorkerMessage>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') resolve({ problems: [tooLarge(path)] });
      else reject(HavipError.from(error));
    });
    worker.once('exit', (code) =>
      reject(new HavipError('FAILED', `the configuration's worker ended with ${code}`)),
    );
  });
  await worker.terminate();
  return 'packed' in message ? { config: await unpackConfig(message.packed) } : message;
}

function tooLarge(path: string): Problem {
  return fileProblem(path, `needs more than ${WORKER_HEAP_MB} MiB of memory to be read`);
}

/** The file's text, or why there is none. */
function readText(path: string): string | Problem {
  let bytes: Buffer;
  try {
    bytes = readBytes(path);
  } catch (error) {
    return unreadable(path, error as NodeJS.ErrnoException);
  }
  if (bytes.length > MAX_FILE_BYTES) return fileProblem(path, 'is too large; allowed: at most 64 MiB');
  return isUtf8(bytes) ? new TextDecoder().decode(bytes) : notUtf8(path, bytes);
}

/** At most one byte more than is allowed: the path may name a pipe, or /dev/zero. */
function readBytes(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const size = fstatSync(file).size;
    // A pipe has size 0. A file over the limit is not worth reading.
    return size > MAX_FILE_BYTES ? Buffer.alloc(MAX_FILE_BYTES + 1) : readChunks(file);
  } finally {
    closeSync(file);
  }
}

function readChunks(file: number): Buffer {
  const chunks: Buffer[] = [];
  for (let total = 0; total <= MAX_FILE_BYTES;) {
    const chunk = Buffer.alloc(1024 * 1024);
    const length = readSync(file, chunk);
    if (length === 0) break;
    chunks.push(chunk.subarray(0, length));
    total += length;
  }
  return Buffer.concat(chunks);
}

const WHY_UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a folder on the way to it is a file',
  EISDIR: 'is a folder; allowed: a YAML file',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
};

function unreadable(path: string, error: NodeJS.ErrnoException): Problem {
  const why = WHY_UNREADABLE[error.code ?? ''] ?? `cannot be read: ${error.message}`;
  const problem = fileProblem(path, why);
  return HavipError.from(error).code === 'PERMISSION' ? { ...problem, code: 'PERMISSION' } : problem;
}

/** Points to the first byte that is not UTF-8; no line break hides inside a longer character. */
function notUtf8(path: string, bytes: Buffer): Problem {
  let line = 1;
  let start = 0;
  for (let end = bytes.indexOf(0x0a); end >= 0 && isUtf8(bytes.subarray(start, end)); line++) {
    start = end + 1;
    end = bytes.indexOf(0x0a, start);
  }
  const rest = new TextDecoder().decode(bytes.subarray(start, start + 4096));
  const column = Math.max(0, rest.indexOf('\ufffd')) + 1;
  return { file: path, line, column, message: 'found a byte that is not UTF-8; allowed: UTF-8 text' };
}
