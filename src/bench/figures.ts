// SPDX-License-Identifier: BSD-2-Clause
// Samples -> figures: medians, percentiles, and ratios taken pair by pair, since the machine's speed wanders.

/** Shape: unsorted samples. @param p 0..100 */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))] ?? NaN;
}

export const median = (samples: readonly number[]): number => percentile(samples, 50);

/** One line of the report. */
export interface Figure {
  readonly what: string;
  readonly value: string;
  /** What is asked, as `isMet` reads it; empty where it is told for comparison only. */
  readonly bar: string;
  readonly samples: readonly number[];
}

/** Median of the pairwise ratios a/b, with their spread. */
export function ratioFigure(what: string, a: readonly number[], b: readonly number[], bar: string): Figure {
  const samples = a.map((value, i) => value / (b[i] ?? NaN));
  const [low, mid, high] = [25, 50, 75].map((p) => percentile(samples, p).toFixed(3));
  return { what, value: `${mid} (quartiles ${low} to ${high}, ${samples.length} pairs)`, bar, samples };
}

/** @param samplesUs microseconds */
export function latencyFigure(what: string, samplesUs: readonly number[], bar: string): Figure {
  const at = (p: number): string => `p${p} ${microseconds(percentile(samplesUs, p))}`;
  const worst = microseconds(Math.max(...samplesUs));
  const value = `${[50, 90, 99, 99.9].map(at).join(', ')}, max ${worst} us (${samplesUs.length})`;
  return { what, value, bar, samples: samplesUs };
}

const microseconds = (value: number): string => value.toFixed(value < 10 ? 2 : 0);

/**
 * Whether the samples are as asked: `<= 12` of their median, `p50 <= 0.5, p99 <= 3` of those percentiles, all of them; null where
 * nothing is asked, or nothing was measured.
 */
export function isMet({ bar, samples }: Figure): boolean | null {
  if (bar === '' || samples.length === 0) return null;
  return bar.split(', ').every((part) => isPartMet(part, samples));
}

function isPartMet(part: string, samples: readonly number[]): boolean {
  const [, p = '50', sign = '', limit] = /^(?:p([\d.]+) )?([<>]=?) ([\d.]+)$/.exec(part) ?? [];
  if (limit === undefined) throw new Error(`no bar that can be judged: ${part}`);
  const value = percentile(samples, Number(p));
  if (value === Number(limit)) return sign.endsWith('=');
  return sign.startsWith('<') === value < Number(limit);
}
