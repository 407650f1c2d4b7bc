// SPDX-License-Identifier: BSD-2-Clause
// A configuration file -> Config, in this thread; in-worker.ts has it done elsewhere. What the text may say is parse.ts.
import { isUtf8 } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { HavipError } from '../errors.js';
import { parseConfig, type ParseResult } from './parse.js';
import { fileProblem, problemsError, type Problem } from './problem.js';
import type { RuntimeSet } from './runtime.js';
import type { Config } from './types.js';

export { parseConfig, type ParseResult } from './parse.js';
export { problemsError, renderProblem, type Problem } from './problem.js';
export { configFromFlags, type ConfigFlags } from './flags.js';
export type * from './types.js';

/** A million HAVIPs take some 40 MiB; what is larger is not a configuration. Unit: bytes. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

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

/** As `loadAndCheck`, with what was defined beside the file. @returns also the text, to be checked again later. */
export function loadWithRuntime(path: string, runtime: RuntimeSet): ParseResult & { readonly text?: string } {
  const text = readText(path);
  return typeof text === 'string' ? { ...parseConfig(text, path, runtime), text } : { problems: [text] };
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
