// SPDX-License-Identifier: BSD-2-Clause
// Re-point latency: from an announcement's arrival at the hook (kernel stamp) until the binding is visible (same clock),
// taken from the daemon's own events: in both modes, with the hypervisor idle and busy. All take turns.
import { latencyFigure, median, percentile, type Figure } from './figures.js';
import type { Rebind } from './host.js';
import { LOADS, type Load } from './repoint-load.js';
import { repointPicture } from './repoint-picture.js';
import { move, MOVING, repointSite, type RepointSite } from './repoint-site.js';
import type { Context } from './suite.js';

const MODES = ['kernel', 'loader'] as const satisfies readonly Rebind[];

/** Moves of one mode under one load. */
export interface Repoints {
  readonly mode: Rebind;
  readonly load: Load;
  /** Unit: us. */
  readonly samples: number[];
  /** Of the load, a second: one a turn. */
  readonly rates: number[];
}

const EVERY_US = 1000;
const RARELY_US = 100_000;

const ASKED: Readonly<Record<Rebind, string>> = {
  kernel: 'p50 <= 0.5, p99 <= 3',
  loader: 'p50 <= 100, p99 <= 2000',
};
const LOAD_WORDS: Readonly<Record<Load, string>> = {
  idle: 'idle',
  packets: 'packets a second',
  flood: 'refused announcements a second',
  scrape: 'series scraped a second',
};

export async function benchRepoint({ quick, rounds, progress, draw }: Context): Promise<Figure[]> {
  const turns = rounds(10, 2);
  const rarely = quick ? 50 : 300;
  const all = MODES.flatMap((mode) =>
    LOADS.map((load): Repoints => ({ mode, load, samples: [], rates: [] })),
  );
  const sites: RepointSite[] = [];
  try {
    for (const mode of MODES) sites.push(await repointSite(mode));
    const siteOf = (mode: Rebind): RepointSite => sites[MODES.indexOf(mode)] as RepointSite;
    for (let turn = 0; turn < turns; turn++) {
      // Who goes first alternates too.
      for (const { mode, load, samples, rates } of turn % 2 ? all.toReversed() : all) {
        const moved = await move(siteOf(mode), load, EVERY_US);
        samples.push(...moved.samples);
        rates.push(moved.sent.count / moved.sent.seconds);
      }
      progress(turn + 1, turns + 1);
    }
    const loader = siteOf('loader');
    const { samples: cold } = await move(loader, 'idle', RARELY_US, loader.addresses.slice(0, rarely));
    draw(repointPicture(all));
    return [...all.map(figureOf), coldFigure(cold), growthFigure(all)];
  } finally {
    await Promise.all(sites.map(({ lab }) => lab.close()));
  }
}

function figureOf({ mode, load, samples, rates }: Repoints): Figure {
  const rate = Math.round(median(rates)).toLocaleString('en');
  const meanwhile = load === 'idle' ? 'idle' : `under ${rate} ${LOAD_WORDS[load]}`;
  const what = `re-point, ${mode} mode, ${meanwhile}, ${MOVING} at a time, 1,000/s`;
  return latencyFigure(what, samples, load === 'idle' ? ASKED[mode] : '');
}

/** A daemon whose code and data have left the caches meanwhile. */
const coldFigure = (samples: readonly number[]): Figure =>
  latencyFigure('re-point, loader mode, idle, 10/s', samples, 'p50 <= 250, p99 <= 2000');

function growthFigure(all: readonly Repoints[]): Figure {
  const p99 = (load: Load): number =>
    percentile(all.find((one) => one.mode === 'loader' && one.load === load)?.samples ?? [], 99);
  const growth = p99('scrape') / p99('idle');
  const what = 're-point, loader mode: p99 while scraped, against the idle one';
  return { what, value: growth.toFixed(2), bar: '<= 2', samples: [growth] };
}
