// SPDX-License-Identifier: BSD-2-Clause
// Writes the parts of a support bundle into one .tar.gz, a part in memory at a time, and last of all what became of each.
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { once } from 'node:events';
import { createGzip, type Gzip } from 'node:zlib';
import { HavipError } from '../errors.js';
import { collect, type Part } from './collect.js';
import { AddressMask, redactConfig } from './redact.js';
import { TAR_END, tarEntry } from './tar.js';

export interface BundleOptions {
  readonly path: string;
  /** The folder in the archive, so that unpacking it litters nothing. */
  readonly name: string;
  readonly redactAddresses: boolean;
  readonly seconds: number;
}

/** A line of the contents. */
export interface Entry {
  readonly name: string;
  readonly bytes: number;
  readonly failure: string | null;
}

const CONTENTS = 'CONTENTS.txt';
/** Of the file: it tells much about a network. */
const FILE_MODE = 0o600;

/** Errors: FAILED when the file is there already, and as the file system's. */
export async function writeBundle(parts: readonly Part[], options: BundleOptions): Promise<Entry[]> {
  const { path, name: folder, redactAddresses, seconds } = options;
  const gzip = createGzip();
  const file = createWriteStream(path, { flags: 'wx', mode: FILE_MODE });
  await once(file, 'open').catch((thrown: unknown) => refuse(path, thrown));
  gzip.pipe(file);
  const mask = redactAddresses ? new AddressMask() : null;
  const entries: Entry[] = [];
  for (const part of parts) {
    const { text, failure } = await collect(part);
    const shown = redact(part, text, mask);
    const content = Buffer.from(shown);
    entries.push({
      name: part.name,
      bytes: content.length,
      failure: failure && (mask?.apply(failure) ?? failure),
    });
    if (content.length > 0) await write(gzip, tarEntry(`${folder}/${part.name}`, content, seconds));
  }
  await write(gzip, tarEntry(`${folder}/${CONTENTS}`, Buffer.from(contentsText(entries)), seconds));
  gzip.end(TAR_END);
  await finished(file);
  return entries;
}

function redact(part: Part, text: string, mask: AddressMask | null): string {
  const safe = part.isConfig && text !== '' ? redactConfig(text) : text;
  return mask?.apply(safe) ?? safe;
}

async function write(gzip: Gzip, bytes: Buffer): Promise<void> {
  if (!gzip.write(bytes)) await once(gzip, 'drain');
}

function refuse(path: string, thrown: unknown): never {
  if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw HavipError.from(thrown);
  throw new HavipError('FAILED', `${path} is there already, and is not written over`, {
    cure: 'name another file with --output, or remove it',
  });
}

/** `status.json   412 bytes` lines, with what failed. */
export function contentsText(entries: readonly Entry[]): string {
  const width = Math.max(...entries.map(({ name }) => name.length));
  return entries.map((entry) => `${entry.name.padEnd(width)}  ${outcome(entry)}\n`).join('');
}

function outcome({ bytes, failure }: Entry): string {
  if (failure === null) return bytes === 0 ? 'nothing to tell' : `${bytes} bytes`;
  return bytes === 0 ? `not there: ${failure}` : `${bytes} bytes; ${failure}`;
}
