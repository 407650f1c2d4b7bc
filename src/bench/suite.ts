// SPDX-License-Identifier: BSD-2-Clause
// What a suite of benchmarks is, and what it is given. A new one is a line in suites.ts.
import type { PlotOptions } from '@observablehq/plot';
import type { Figure } from './figures.js';

/**
 * Measures one question, in labs made by labs.ts, which are closed whatever happens to the process. It returns what it
 * found; a suite that needs nothing of its context may leave the parameter out.
 */
export type Suite = (context: Context) => Promise<Figure[]>;

export interface Context {
  /** A short look: seconds a suite instead of minutes. */
  readonly quick: boolean;
  /** How often to go round all contenders: as the user said (`--rounds`), else `usual`, or `short` when quick. */
  readonly rounds: (usual: number, short: number) => number;
  /** After each step, for the bar: how many of how many are done. */
  readonly progress: (done: number, of: number) => void;
  /** A picture of what was measured, for the report. */
  readonly draw: (picture: Picture) => void;
}

export interface Picture {
  /** Also the file's: NAME.svg. Lower-case letters, digits and "-". */
  readonly name: string;
  /** One sentence, with units. */
  readonly title: string;
  /** What is drawn, in the library's own terms; it is loaded only when something is. */
  readonly plot: (library: Library) => PlotOptions;
}

export type Library = typeof import('@observablehq/plot');
