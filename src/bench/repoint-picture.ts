// SPDX-License-Identifier: BSD-2-Clause
// How many moves took longer than so long: both axes logarithmic, so that the median and one in a thousand are both to
// be read.
import type { Rebind } from './host.js';
import type { Load } from './repoint-load.js';
import type { Repoints } from './repoint.js';
import type { Library, Picture } from './suite.js';

export interface TailPoint {
  readonly us: number;
  /** Part of all that took at least so long, up to 1. */
  readonly share: number;
}

/**
 * Points of a falling curve, evenly apart on a logarithmic axis of shares: the tail has as many as the bulk. The last
 * is the slowest of all.
 * @param samplesUs Unsorted.
 */
export function tailOf(samplesUs: readonly number[], points = 200): TailPoint[] {
  const sorted = samplesUs.toSorted((a, b) => b - a);
  const ranks = Array.from({ length: points }, (_, i) =>
    Math.round(sorted.length ** (1 - i / Math.max(1, points - 1))),
  );
  return [...new Set(ranks)]
    .filter((rank) => rank >= 1 && rank <= sorted.length)
    .map((rank) => ({ us: sorted[rank - 1] ?? NaN, share: rank / sorted.length }));
}

const COLOURS: Readonly<Record<Rebind, string>> = { kernel: '#2a7ab9', loader: '#d9480f' };
const DASHES: Readonly<Record<Load, string>> = { idle: '', packets: '6 3', flood: '2 3', scrape: '10 3 2 3' };
const GLYPHS: Readonly<Record<Load, string>> = { idle: '──', packets: '╌╌', flood: '····', scrape: '─·─' };
const SHARES = [1, 0.5, 0.1, 0.01, 0.001, 0.0001];

export function repointPicture(all: readonly Repoints[]): Picture {
  return {
    name: 'repoint',
    title: 'Moves that took longer than so long, from the announcement at the hook to the visible binding',
    plot: (library) => ({
      ...{ height: 460, marginLeft: 60, marginTop: 30, marginRight: 20, marginBottom: 45 },
      x: { type: 'log', grid: true, label: 'announcement at the hook until the binding is visible, us' },
      y: {
        ...{ type: 'log', grid: true, label: 'moves that took longer', ticks: SHARES },
        tickFormat: (share: number) => `${share * 100} %`,
      },
      marks: all.flatMap((one, i) => curveMarks(library, one, i)),
    }),
  };
}

function curveMarks({ line, text }: Library, { mode, load, samples }: Repoints, i: number) {
  const stroke = COLOURS[mode];
  const legend = { frameAnchor: 'middle', dx: -30, dy: 20 + 15 * i, fill: stroke } as const;
  return [
    line(tailOf(samples), { x: 'us', y: 'share', stroke, strokeDasharray: DASHES[load] }),
    text([`${mode}, ${load} ${GLYPHS[load]}`], legend),
  ];
}
