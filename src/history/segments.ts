// SPDX-License-Identifier: BSD-2-Clause
// The state folder: the names of its segments, in order, and whether it can be trusted to hold them.
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HavipError } from '../errors.js';

/** Root and its group read the history, as they may ask the daemon. */
const FOLDER_MODE = 0o750;
export const FILE_MODE = 0o640;

/** `history-00000001.pb`: as text they sort as they follow. */
const SEGMENT = /^history-(\d{8,})\.pb$/;

export interface Segment {
  readonly number: number;
  readonly path: string;
}

export function segmentAt(folder: string, number: number): Segment {
  return { number, path: join(folder, `history-${String(number).padStart(8, '0')}.pb`) };
}

/** Oldest first; none where the folder does not exist. Errors: as readdir, EACCES for instance. */
export function listSegments(folder: string): Segment[] {
  const numbers = namesIn(folder).flatMap((name) => SEGMENT.exec(name)?.[1] ?? []);
  return numbers
    .map(Number)
    .sort((a, b) => a - b)
    .map((number) => segmentAt(folder, number));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}

/** Its first bytes, by default all. null: rotated away since it was listed. */
export function readSegment({ path }: Segment, limitBytes = Infinity): Buffer | null {
  try {
    return limitBytes === Infinity ? readFileSync(path) : readStart(path, limitBytes);
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

function readStart(path: string, limitBytes: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(limitBytes);
    return bytes.subarray(0, readSync(fd, bytes, 0, limitBytes, 0));
  } finally {
    closeSync(fd);
  }
}

const isMissing = (thrown: unknown): boolean => (thrown as NodeJS.ErrnoException).code === 'ENOENT';

/** Makes the folder where it is missing. Errors: FAILED with the cure where others could change what we write. */
export function prepareFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  const { uid, mode } = statSync(folder);
  const self = process.geteuid?.() ?? uid;
  if (uid !== self && uid !== 0) {
    const cure = 'chown it, or choose another folder with statePath or --state-path';
    throw new HavipError('FAILED', `the state folder ${folder} belongs to user ${uid}, not to us (${self})`, {
      cure,
    });
  }
  if (mode & 0o022) {
    const shown = (mode & 0o777).toString(8);
    throw new HavipError('FAILED', `the state folder ${folder} is writable by others (mode ${shown})`, {
      cure: `chmod ${FOLDER_MODE.toString(8)} ${folder}`,
    });
  }
}
