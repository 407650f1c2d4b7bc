// SPDX-License-Identifier: BSD-2-Clause
// The two axes of the timeline: a span of time from days down to microseconds, and outages on a logarithmic scale. Pure.

/** Since 1970. Unit: ms, with a fraction. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** A double of today's milliseconds has steps of a quarter of a microsecond. */
const NARROWEST_MS = 0.02;
const WIDEST_MS = 7 * 24 * 3_600_000;

export const widthOf = ({ startMs, endMs }: Span): number => endMs - startMs;

/** @param factor Below 1: closer. @param atMs Stays where it is. */
export function zoom(span: Span, factor: number, atMs: number): Span {
  const width = Math.min(Math.max(widthOf(span) * factor, NARROWEST_MS), WIDEST_MS);
  const share = (atMs - span.startMs) / widthOf(span);
  const startMs = atMs - width * share;
  return { startMs, endMs: startMs + width };
}

export const pan = ({ startMs, endMs }: Span, byMs: number): Span => ({
  startMs: startMs + byMs,
  endMs: endMs + byMs,
});

/** With room on both sides. */
export function around(startMs: number, endMs: number): Span {
  const width = Math.max(endMs - startMs, NARROWEST_MS);
  return { startMs: startMs - width * 0.12, endMs: endMs + width * 0.12 };
}

const STEPS_MS: readonly number[] = [
  ...[-2, -1, 0, 1, 2].flatMap((power) => [1, 2, 5].map((one) => one * 10 ** power)),
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 3, 6, 12, 24, 48].map((hours) => hours * 3_600_000),
];

/** Round times inside the span, at most `most` of them. @param zeroMs They are round counted from here. */
export function ticks(
  span: Span,
  most: number,
  zeroMs = 0,
): { readonly stepMs: number; readonly atMs: number[] } {
  const least = widthOf(span) / most;
  const stepMs = STEPS_MS.find((step) => step >= least) ?? Math.ceil(least / 86_400_000) * 86_400_000;
  const first = Math.ceil((span.startMs - zeroMs) / stepMs);
  const last = Math.floor((span.endMs - zeroMs) / stepMs);
  return {
    stepMs,
    atMs: Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => zeroMs + (first + at) * stepMs),
  };
}

/** Decades of the outage axis. Unit: ns. */
export const OUTAGE_LINES_NS = [1e6, 1e7, 1e8, 1e9, 1e10] as const;
const LOWEST_NS = 1e5;
const HIGHEST_NS = 6e10;

/** 0 at 0.1 ms and below, 1 at a minute and above. */
export function outageHeight(ns: number): number {
  const clamped = Math.min(Math.max(ns, LOWEST_NS), HIGHEST_NS);
  return Math.log(clamped / LOWEST_NS) / Math.log(HIGHEST_NS / LOWEST_NS);
}
