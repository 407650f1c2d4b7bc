// SPDX-License-Identifier: BSD-2-Clause
// What was measured when somebody last meant it to change: files of this folder, in the source tree.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Counts } from './counts.js';
import type { Gate } from './gate.js';

const FOLDER = new URL('../../../test/bench/', import.meta.url);
const pathOf = (name: string): string => fileURLToPath(new URL(name, FOLDER));
const read = (name: string): unknown => JSON.parse(readFileSync(pathOf(name), 'utf8'));

/** Where a figure is from. */
export interface Circumstances {
  readonly kernel: string;
  readonly cpu: string;
  /** Where the compiler matters. */
  readonly clang?: string | null;
}

/** Why what is measured here says nothing about what was recorded there; null: it does. */
export function incomparable(here: Circumstances, there: Circumstances): string | null {
  for (const what of ['kernel', 'cpu', 'clang'] as const)
    if (here[what] !== there[what]) return `${what} is ${here[what]}, recorded with ${there[what]}`;
  return null;
}

/** The packet rate, by entry, over a bare redirect's. */
export interface Rates extends Circumstances {
  /** XDP entry, 64 bytes. */
  readonly wire: Pick<Gate, 'ratio' | 'bareNs'>;
  /** tc entry, 64 bytes. */
  readonly guest: Pick<Gate, 'ratio' | 'bareNs'>;
}

export const recordedCounts = (): Counts => read('counts.json') as Counts;
export const recordedRates = (): Rates => read('recorded.json') as Rates;

export function record(name: 'counts.json' | 'recorded.json', value: Counts | Rates): void {
  writeFileSync(pathOf(name), `${JSON.stringify(value, null, 2)}\n`);
}
