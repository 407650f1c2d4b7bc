// SPDX-License-Identifier: BSD-2-Clause
// Samples of packet rates -> figures and their picture.
import { median, percentile, ratioFigure, type Figure } from './figures.js';
import type { Samples, SizeName } from './packet-rate.js';
import type { Entry, Sent } from './packet-site.js';
import { WAYS, type WayName } from './packet-ways.js';
import type { Picture } from './suite.js';

const ENTRY_NAMES = { wire: 'XDP entry', guest: 'tc entry' } as const satisfies Record<Entry, string>;

/** What is asked of the shortest frames, by contender. */
const ASKED: Record<Entry, Partial<Record<WayName, string>>> = {
  wire: { bare: '>= 0.95', bridge: '>= 4', nftables: '>= 4' },
  guest: { bare: '>= 0.95', bridge: '>= 1.3' },
};

const ratesOf = (sent: readonly Sent[]): number[] => sent.map(({ ns }) => 1e9 / ns);
const million = (rate: number): string => (rate / 1e6).toFixed(2);

export function packetFigures(entry: Entry, samples: Samples): Figure[] {
  return [
    ...Object.entries(samples).flatMap(([size, ofSize]) => sizeFigures(entry, size as SizeName, ofSize)),
    lossFigure(entry, samples),
  ];
}

function sizeFigures(entry: Entry, size: SizeName, ofSize: Partial<Record<WayName, Sent[]>>): Figure[] {
  const name = `${ENTRY_NAMES[entry]}, ${size}`;
  const ours = ratesOf(ofSize.havip ?? []);
  const others = (Object.keys(ofSize) as WayName[]).filter((way) => way !== 'havip');
  const asked = size === '64 bytes' ? ASKED[entry] : {};
  return [
    ...(Object.entries(ofSize) as [WayName, Sent[]][]).map(([way, sent]) =>
      rateFigure(`${name}: ${WAYS[way].about}`, sent),
    ),
    ...others.map((way) =>
      ratioFigure(
        `${name}: havip against ${WAYS[way].about}`,
        ours,
        ratesOf(ofSize[way] ?? []),
        asked[way] ?? '',
      ),
    ),
  ];
}

function rateFigure(what: string, sent: readonly Sent[]): Figure {
  const samples = ratesOf(sent);
  const [low = NaN, mid = NaN, high = NaN] = [25, 50, 75].map((p) => percentile(samples, p));
  const value = `${million(mid)} Mpps, ${Math.round(1e9 / mid)} ns a packet (quartiles ${million(low)} to ${million(high)})`;
  return { what, value, bar: '', samples };
}

function lossFigure(entry: Entry, samples: Samples): Figure {
  const all = Object.values(samples).flatMap((ofSize) => Object.entries(ofSize));
  const lost = (way: string): number =>
    all.flatMap(([name, sent]) => (name === way ? sent : [])).reduce((sum, one) => sum + one.lost, 0);
  const ways = [...new Set(all.map(([way]) => way))];
  const others = ways
    .filter((way) => way !== 'havip' && lost(way) > 0)
    .map((way) => `${lost(way)} by ${WAYS[way as WayName].about}`);
  const value = [`${lost('havip')} by havip`, ...others].join(', ');
  return { what: `${ENTRY_NAMES[entry]}: packets lost`, value, bar: '<= 0', samples: [lost('havip')] };
}

/** A bar each, with the quartiles of its samples. */
export function packetPicture(entry: Entry, samples: Samples): Picture {
  const rows = Object.entries(samples).flatMap(([size, ofSize]) =>
    (Object.entries(ofSize) as [WayName, Sent[]][]).map(([way, sent]) => {
      const rates = ratesOf(sent).map((rate) => rate / 1e6);
      return {
        size,
        way: WAYS[way].about,
        rate: median(rates),
        low: percentile(rates, 25),
        high: percentile(rates, 75),
      };
    }),
  );
  return {
    name: `packet-rate-${entry}`,
    title: `${ENTRY_NAMES[entry]}: packets that one CPU passes on, Mpps, median and quartiles`,
    plot: ({ barX, ruleX, ruleY, text }) => ({
      marginLeft: 240,
      marginRight: 90,
      height: 90 + 24 * rows.length,
      x: { label: 'Mpps', grid: true },
      y: { label: null, domain: [...new Set(rows.map(({ way }) => way))] },
      fy: { label: null, domain: Object.keys(samples) },
      marks: [
        barX(rows, {
          fy: 'size',
          y: 'way',
          x: 'rate',
          fill: ({ way }: { way: string }) => (way === 'havip' ? '#2a7ab9' : '#b8c4ce'),
        }),
        ruleY(rows, { fy: 'size', y: 'way', x1: 'low', x2: 'high', stroke: '#222' }),
        text(rows, {
          fy: 'size',
          y: 'way',
          x: 'high',
          text: ({ rate }: { rate: number }) => rate.toFixed(2),
          dx: 6,
          textAnchor: 'start',
        }),
        ruleX([0]),
      ],
    }),
  };
}
