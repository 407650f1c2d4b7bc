// SPDX-License-Identifier: BSD-2-Clause
// The file of what was defined at run time. Written beside the configuration whole, then renamed into place, so that
// after a crash it is the one before or the one after. What cannot be read is put aside and said, and stops nothing.
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RuntimeEip, RuntimeHavip, RuntimeSet } from '../config/runtime.js';
import { NO_RUNTIME } from '../config/runtime.js';
import { HavipError } from '../errors.js';

const VERSION = 1;
const NOTE = 'what havip add, members and eip defined; the configuration file has the last word';
/** It names MACs and ports of guests: for root and its group, as the socket is. */
const MODE = 0o640;
const FOLDER_MODE = 0o750;

/** A set that is on the disk, but not in the place of the one before. */
export interface Prepared {
  commit(): Promise<void>;
  discard(): Promise<void>;
}

export class RuntimeStore {
  private constructor(
    readonly path: string,
    private kept: RuntimeSet,
    /** Why an older file is not in force; null: all is well. */
    readonly fault: string | null,
  ) {}

  /** Errors: none; a file that cannot be read is moved aside, and `fault` says so. */
  static async open(path: string): Promise<RuntimeStore> {
    try {
      return new RuntimeStore(path, parse(await readFile(path, 'utf8')), null);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT')
        return new RuntimeStore(path, NO_RUNTIME, null);
      return new RuntimeStore(path, NO_RUNTIME, await putAside(path, HavipError.from(thrown).message));
    }
  }

  get set(): RuntimeSet {
    return this.kept;
  }

  /** Errors: FAILED, naming the file; nothing is changed then. */
  async prepare(set: RuntimeSet): Promise<Prepared> {
    const draft = `${this.path}.new`;
    try {
      await mkdir(dirname(this.path), { recursive: true, mode: FOLDER_MODE });
      await writeDurably(draft, format(set));
    } catch (thrown) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw this.failure(thrown);
    }
    return {
      commit: async () => {
        try {
          await rename(draft, this.path);
          await syncFolder(dirname(this.path));
        } catch (thrown) {
          throw this.failure(thrown);
        }
        this.kept = set;
      },
      discard: () => rm(draft, { force: true }),
    };
  }

  private failure(thrown: unknown): HavipError {
    const { code, message } = HavipError.from(thrown);
    return new HavipError(code, `cannot keep the change in ${this.path}, so it is not made: ${message}`, {
      cause: thrown,
      cure: 'make room or make the folder writable, or put the change into the configuration file',
    });
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', MODE);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The name, too, is to survive a crash. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const format = ({ havips, eips }: RuntimeSet): string =>
  `${JSON.stringify({ version: VERSION, note: NOTE, havips, eips }, null, 2)}\n`;

/** The shape only: what an entry may say is checked with the configuration. Errors: HavipError. */
function parse(text: string): RuntimeSet {
  const value = JSON.parse(text) as Partial<RuntimeSet & { version: number }> | null;
  if (value?.version !== VERSION)
    throw new HavipError('FAILED', `its version is ${JSON.stringify(value?.version)}, not ${VERSION}`);
  const { havips = [], eips = [] } = value;
  if (!Array.isArray(havips) || !havips.every(isHavip)) throw new HavipError('FAILED', 'a bad list "havips"');
  if (!Array.isArray(eips) || !eips.every(isEip)) throw new HavipError('FAILED', 'a bad list "eips"');
  return { havips, eips };
}

const text = (value: unknown): boolean => typeof value === 'string';

function isHavip(entry: unknown): entry is RuntimeHavip {
  const { network, subnet, havip } = (entry ?? {}) as Partial<RuntimeHavip>;
  return text(network) && text(subnet) && text(havip?.address);
}

function isEip(entry: unknown): entry is RuntimeEip {
  const { network, eip } = (entry ?? {}) as Partial<RuntimeEip>;
  return text(network) && text(eip?.address) && text(eip?.havip);
}

async function putAside(path: string, why: string): Promise<string> {
  const aside = `${path}.bad`;
  const moved = await rename(path, aside).then(
    () => `it is now ${aside}`,
    () => 'and it cannot be moved aside',
  );
  return `what was defined at run time is not in force: ${path} cannot be read (${why}); ${moved}`;
}
