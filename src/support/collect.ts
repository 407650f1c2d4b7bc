// SPDX-License-Identifier: BSD-2-Clause
// How a part of a support bundle is got: the output of a command, bounded in bytes and time; what failed is said.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HavipError } from '../errors.js';

/** Of one part. More is cut, and said. */
export const MAX_PART_BYTES = 10 << 20;
/** A command that hangs must not keep the rest from being got. */
const COMMAND_MS = 30_000;

/** What a part has become. */
export interface Collected {
  readonly text: string;
  /** Why there is nothing, or less than there should be; null: all is well. */
  readonly failure: string | null;
}

export interface Part {
  /** Its path in the archive. */
  readonly name: string;
  readonly collect: () => Collected | Promise<Collected>;
  /** It holds what the operator wrote: secrets are looked for. */
  readonly isConfig?: true;
}

export const whole = (text: string): Collected => ({ text, failure: null });

/** Whatever it throws is its failure. */
export async function collect(part: Part): Promise<Collected> {
  try {
    return cut(await part.collect());
  } catch (thrown) {
    return { text: '', failure: HavipError.from(thrown).message };
  }
}

function cut({ text, failure }: Collected): Collected {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_PART_BYTES) return { text, failure };
  const kept = bytes.subarray(0, MAX_PART_BYTES).toString();
  return { text: kept, failure: failure ?? `cut after ${MAX_PART_BYTES >> 20} MiB` };
}

const CLI = fileURLToPath(new URL('../cli/main.js', import.meta.url));

/** One of our own commands, in a process of its own: what fails or falls there, falls alone. */
export const ourCommand = (...argv: readonly string[]): Promise<Collected> =>
  command(process.execPath, CLI, ...argv);

/** Its standard output; how it ended and what it said besides, where it did not end well. */
export function command(program: string, ...argv: readonly string[]): Promise<Collected> {
  return new Promise((resolve) => {
    const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_MS });
    const output = { stdout: new Bounded(MAX_PART_BYTES), stderr: new Bounded(4096) };
    child.stdout.on('data', (chunk: Buffer) => {
      if (!output.stdout.add(chunk)) child.kill();
    });
    child.stderr.on('data', (chunk: Buffer) => output.stderr.add(chunk));
    child.once('error', (error) => resolve({ text: '', failure: error.message }));
    child.once('close', (code, signal) => {
      const text = output.stdout.text;
      if (output.stdout.full) return resolve({ text, failure: `cut after ${MAX_PART_BYTES >> 20} MiB` });
      const end = signal === null ? `exit code ${code}` : `ended by ${signal}`;
      const said = output.stderr.text.trim().replaceAll('\n', '; ');
      resolve({ text, failure: code === 0 ? null : [end, said].filter(Boolean).join(': ') });
    });
  });
}

/** The first so many bytes. */
class Bounded {
  full = false;
  private readonly chunks: Buffer[] = [];
  private bytes = 0;

  constructor(private readonly limit: number) {}

  /** @returns Whether there is room for more. */
  add(chunk: Buffer): boolean {
    this.full ||= this.bytes + chunk.length > this.limit;
    const kept = chunk.subarray(0, this.limit - this.bytes);
    this.chunks.push(kept);
    this.bytes += kept.length;
    return !this.full;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}
