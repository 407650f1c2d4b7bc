// SPDX-License-Identifier: BSD-2-Clause
// The failovers' pictures: bars of stages, and how long each announcement took to bring a probe.
import type { Contest, Told } from './failover.js';
import { barsOf, type Bar } from './failover-bars.js';
import { CAUSE_WORDS, milliseconds, stampedUs } from './failover-figures.js';
import { CAUSES, STAGES, type StageName } from './failover-story.js';
import type { Library, Picture } from './suite.js';

/** The network's is the one to be seen. */
const COLOURS: Readonly<Record<StageName, string>> = {
  notice: '#b8c4d0',
  'take-over': '#7d93a8',
  network: '#d9480f',
  answer: '#4c6378',
};
const LEGEND: Readonly<Record<StageName, string>> = {
  notice: 'guests notice',
  'take-over': 'guests take over',
  network: 'network',
  answer: 'guests answer',
};

const sampleOf = ({ contender, cause, story }: Told) => ({ contender: contender.title, cause, story });

export function outagePicture(told: readonly Told[], { advertIntervalS, limitMs }: Contest): Picture {
  const bars = barsOf(told.map(sampleOf));
  const endMs = Math.max(1, ...bars.map(({ outageMs }) => outageMs ?? 0));
  return {
    name: `failover-${advertIntervalS * 1000}ms`,
    title: `Median outage of a keepalived failover, advert_int ${advertIntervalS} s, by whose time it was, ms`,
    plot: (library) => ({
      height: 110 + 24 * bars.length,
      ...{ marginLeft: 170, marginTop: 50, marginRight: 110, marginBottom: 45 },
      x: { domain: [0, endMs * 1.4], label: 'outage as the sender saw it, ms', grid: true },
      y: { label: null, domain: [...new Set(bars.map(({ contender }) => contender))] },
      fy: { label: null, domain: CAUSES.map((cause) => CAUSE_WORDS[cause]) },
      marks: [
        library.barX(bars.flatMap(piecesOf), {
          ...{ x1: 'startMs', x2: 'endMs', y: 'contender', fy: 'cause', fill: 'colour' },
        }),
        library.text(bars, {
          x: (bar: Bar) => bar.outageMs ?? 0,
          ...{ y: 'contender', fy: (bar: Bar) => CAUSE_WORDS[bar.cause] },
          text: (bar: Bar) => wordsOf(bar, limitMs),
          ...{ textAnchor: 'start', dx: 4 },
        }),
        ...legendMarks(library),
      ],
    }),
  };
}

const piecesOf = ({ segments, contender, cause }: Bar) =>
  segments.map((segment) => ({
    ...segment,
    ...{ contender, cause: CAUSE_WORDS[cause], colour: COLOURS[segment.stage] },
  }));

function wordsOf({ outageMs, networkMs }: Bar, limitMs: number): string {
  if (outageMs === null || networkMs === null) return `never within ${limitMs / 1000} s`;
  return `${milliseconds(outageMs)} ms, network ${milliseconds(networkMs)}`;
}

/** The library's own legend is no part of the drawing. */
const legendMarks = (library: Library) =>
  STAGES.map((stage, i) =>
    library.text([`\u25a0 ${LEGEND[stage]}`], {
      ...{ facet: 'super', frameAnchor: 'top-left', dx: 130 * i, dy: -36, fill: COLOURS[stage] },
    }),
  );

/** @param told Of all advert intervals: what the network takes does not hang on them. */
export function arrivalPicture(told: readonly Told[]): Picture {
  const dots = told.flatMap(dotsOf);
  const rows = [
    ...new Set(told.flatMap((one) => [one.contender.title, ...dotsOf(one).map(({ row }) => row)])),
  ];
  const silent = rows.filter((row) => !dots.some((dot) => dot.row === row));
  return {
    name: 'failover-network',
    title:
      'From the announcement of the new holder until its first packet, each failover (probes 100 us apart)',
    plot: (library) => ({
      ...{ height: 90 + 36 * rows.length, marginLeft: 190, marginTop: 20, marginBottom: 45 },
      x: { type: 'log', grid: true, label: 'announcement until the first packet, us' },
      y: { label: null, domain: rows },
      marks: [
        library.dot(dots, { x: 'us', y: 'row', r: 2.5, fill: COLOURS.network, fillOpacity: 0.35 }),
        library.tickX(dots, library.groupY({ x: 'median' }, { x: 'us', y: 'row', strokeWidth: 3 })),
        library.text(silent, { y: (row: string) => row, text: () => 'never', frameAnchor: 'left', dx: 8 }),
      ],
    }),
  };
}

/** As the probes have it, for everybody; and by our own stamps, which are finer. */
function dotsOf(told: Told): { row: string; us: number }[] {
  const { title } = told.contender;
  const arrival = told.story ? [{ row: title, us: Math.max(1, told.story.arrivalNs / 1000) }] : [];
  return [...arrival, ...stampedUs(told).map((us) => ({ row: `${title}: bound`, us }))];
}
