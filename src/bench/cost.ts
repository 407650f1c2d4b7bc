// SPDX-License-Identifier: BSD-2-Clause
// Nanoseconds that the programs take for a frame, by verdict, from test runs: above a program that does nothing, and as
// a multiple of a bare redirect; beside them how many instructions they are.
import { HavipError } from '../errors.js';
import type { Lab } from '../lab/lab.js';
import { costLab, type CostCase } from './cost-lab.js';
import { costOf, costProcess, costRound, PROGRAMS, type CostProcess } from './cost-process.js';
import type { ProgramCounts, Programs } from './cost-types.js';
import { median, percentile, type Figure } from './figures.js';
import { scrape, type BenchDaemon } from './host.js';
import type { Context, Picture } from './suite.js';

/** Of one sample: short, so that few are hit by something else, and the rest of them agree. */
const RUNS = 5000;
/** Where each run is about another HAVIP: so many that all of them are warm for most of the sample. */
const SPREAD_RUNS = 50_000;
/** In which one frame a second or so takes another way: the bridge must hear its sender. */
const VERDICT_RUNS = 2000;
const VERDICT_SHARE = 0.99;

export interface CostSample {
  readonly one: CostCase;
  readonly took: readonly Programs<number>[];
}

export async function benchCost(context: Context): Promise<Figure[]> {
  const rounds = context.rounds(400, 60);
  const { lab, daemon, cases } = await costLab();
  try {
    const helper = await costProcess(lab, daemon.pinPath, cases);
    for (const [at, one] of cases.entries()) await checkVerdict(lab, daemon, helper, at, one);
    const took = cases.map((): Programs<number>[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [at, { spread = 0 }] of cases.entries())
        took[at]?.push(await costRound(helper, at, round, spread > 0 ? SPREAD_RUNS : RUNS, PROGRAMS));
      context.progress(round + 1, rounds);
    }
    const samples = cases.map((one, at): CostSample => ({ one, took: took[at] ?? [] }));
    context.draw(costPicture(samples));
    return [...samples.map(costFigure), ...countFigures(helper.counts)];
  } finally {
    await lab.close();
  }
}

/** The first of those runs may be the one by which something is learned. */
async function checkVerdict(
  lab: Lab,
  daemon: BenchDaemon,
  helper: CostProcess,
  at: number,
  { what, port, verdict: expected }: CostCase,
): Promise<void> {
  const [verdict, reason] = expected.split('/');
  const series = `havip_frames_total{port="${port}",verdict="${verdict}",reason="${reason}"}`;
  const before = (await scrape(lab, daemon)).get(series) ?? NaN;
  await costOf(helper, at, 'own', VERDICT_RUNS);
  const counted = ((await scrape(lab, daemon)).get(series) ?? NaN) - before;
  if (counted >= VERDICT_RUNS * VERDICT_SHARE) return;
  throw new HavipError('FAILED', `${what}: ${counted} of ${VERDICT_RUNS} frames had the verdict ${expected}`);
}

function costFigure({ one: { what, bar }, took }: CostSample): Figure {
  const samples = took.map(({ own, empty }) => own - empty);
  const [low, mid, high] = [25, 50, 75].map((p) => percentile(samples, p).toFixed(1));
  const best = (
    Math.min(...took.map(({ own }) => own)) - Math.min(...took.map(({ empty }) => empty))
  ).toFixed(1);
  const ratio = median(took.map(({ own, bare }) => own / bare)).toFixed(2);
  const whole = median(took.map(({ own }) => own)).toFixed(1);
  const value = `${mid} ns above an empty program (quartiles ${low} to ${high}, of the fastest ${best}); ${whole} ns a run, ${ratio} x a bare redirect's`;
  return { what, value, bar, samples };
}

/** Of each program once. */
function countFigures(counts: readonly ProgramCounts[]): Figure[] {
  const programs = new Map(counts.map((one) => [one.name, one]));
  return [...programs.values()].map(({ name, verifiedInstructions, xlatedBytes, jitedBytes }) => ({
    what: `${name}: instructions`,
    value: `${xlatedBytes / 8}, of which the verifier walked ${verifiedInstructions}; ${jitedBytes} bytes of machine code`,
    bar: '',
    samples: [xlatedBytes / 8],
  }));
}

function costPicture(samples: readonly CostSample[]): Picture {
  const rows = samples.map(({ one: { what }, took }) => {
    const above = took.map(({ own, empty }) => own - empty);
    return { what, ns: median(above), low: percentile(above, 25), high: percentile(above, 75) };
  });
  const bare = median(samples.flatMap(({ took }) => took.map((one) => one.bare - one.empty)));
  return {
    name: 'cost',
    title: 'What the programs take for a frame, ns above an empty program; the line: a bare redirect',
    plot: ({ barX, ruleX, ruleY, text }) => ({
      marginLeft: 260,
      marginRight: 60,
      height: 60 + 24 * rows.length,
      x: { label: 'ns', grid: true },
      y: { label: null, domain: rows.map(({ what }) => what) },
      marks: [
        barX(rows, { y: 'what', x: 'ns', fill: '#2a7ab9' }),
        ruleY(rows, { y: 'what', x1: 'low', x2: 'high', stroke: '#222' }),
        text(rows, {
          ...{ y: 'what', x: 'high', dx: 6, textAnchor: 'start' },
          text: ({ ns }: { ns: number }) => ns.toFixed(0),
        }),
        ruleX([0]),
        ruleX([bare], { stroke: '#c33' }),
      ],
    }),
  };
}
