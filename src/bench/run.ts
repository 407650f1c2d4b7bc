// SPDX-License-Identifier: BSD-2-Clause
// Runs suites one after the other and keeps what they found.
import { HavipError } from '../errors.js';
import type { Figure } from './figures.js';
import { heldWhenLeaving, withLabs } from './labs.js';
import { thisMachine, type Machine } from './machine.js';
import type { Progress } from './progress.js';
import type { Picture } from './suite.js';
import { SUITES } from './suites.js';

export interface RunOptions {
  /** Names of suites. */
  readonly only: readonly string[];
  readonly quick: boolean;
  /** undefined: each suite's own. */
  readonly rounds: number | undefined;
}

export interface SuiteReport {
  readonly name: string;
  readonly about: string;
  /** What measures this again. */
  readonly command: string;
  /** Unit: s. */
  readonly took: number;
  /** Why there are no figures; null: there are. */
  readonly failed: string | null;
  readonly figures: readonly Figure[];
  readonly pictures: readonly Picture[];
}

export interface Report {
  readonly machine: Machine;
  readonly suites: readonly SuiteReport[];
}

/** Errors: USAGE for a name that is no suite's. */
export function suiteNames(list: string | undefined): string[] {
  const all = Object.keys(SUITES);
  const names = list?.split(',').map((name) => name.trim()) ?? all;
  const wrong = names.find((name) => !Object.hasOwn(SUITES, name));
  if (wrong === undefined) return names;
  throw new HavipError('USAGE', `no such benchmark: ${JSON.stringify(wrong)}`, {
    cure: `one or more of ${all.join(', ')}`,
  });
}

/** @param tell Hears of each suite as it ends, and is waited for. One that fails does not keep the next from its turn. */
export async function runSuites(
  options: RunOptions,
  progress: Progress,
  tell: (suite: SuiteReport, soFar: Report) => Promise<void>,
): Promise<Report> {
  const suites: SuiteReport[] = [];
  const machine = await thisMachine();
  await withLabs(async () => {
    for (const name of options.only) {
      progress.begin(name);
      const report = await runSuite(name, options, progress).finally(() => progress.end());
      suites.push(report);
      await tell(report, { machine, suites });
    }
  });
  return { machine, suites };
}

async function runSuite(name: string, options: RunOptions, progress: Progress): Promise<SuiteReport> {
  const suite = SUITES[name];
  if (!suite) throw new HavipError('USAGE', `no such benchmark: ${name}`);
  const pictures: Picture[] = [];
  const began = performance.now();
  const outcome = await suite
    .run({
      quick: options.quick,
      rounds: (usual, short) => options.rounds ?? (options.quick ? short : usual),
      progress: (done, of) => progress.step(done, of),
      draw: (picture) => void pictures.push(picture),
    })
    .then(
      (figures) => ({ figures, failed: null }),
      async (error: unknown) => {
        await heldWhenLeaving();
        return { figures: [], failed: HavipError.from(error).message };
      },
    );
  const took = (performance.now() - began) / 1000;
  return { name, about: suite.about, command: commandOf(name, options), took, ...outcome, pictures };
}

function commandOf(name: string, { quick, rounds }: RunOptions): string {
  const flags = [rounds === undefined ? '' : ` --rounds ${rounds}`, quick ? ' --quick' : ''];
  return `havip bench --only ${name}${flags.join('')}`;
}
