// SPDX-License-Identifier: BSD-2-Clause
// What a packet costs with one HAVIP and with a million, each to one of them at random, and what a HAVIP takes of the
// kernel's memory.
import { fileURLToPath } from 'node:url';
import { HavipError } from '../errors.js';
import type { Lab } from '../lab/lab.js';
import { costOf, costProcess, costRound, type CostProcess } from './cost-process.js';
import type { Programs } from './cost-types.js';
import { median, percentile, type Figure } from './figures.js';
import { addressOf, configFile, runDaemon } from './host.js';
import { GUEST, HOLDER_MAC, packetLab, staleFrame, UPLINK } from './packet-site.js';
import type { Context, Picture } from './suite.js';

const FILL = fileURLToPath(new URL('./fill.js', import.meta.url));
const COUNTS = [1, 1000, 100_000, 1_000_000] as const;
const BASE = 1000;
/** Of one sample: so many that a table of a thousand is warm again after what was measured before it. */
const RUNS = 50_000;
const XDP_REDIRECT = 4;
/** Packets to each, before anything is measured: one in fifty has had none then. */
const WARM_UPS = 4;
/** What steers packets; the other maps are asked by announcements, or once a packet by index. */
const FAST_MAP = 'steering';

interface Filled {
  readonly count: number;
  readonly lab: Lab;
  readonly helper: CostProcess;
  /** Of the kernel's memory, by map. Unit: bytes. */
  readonly bytes: Readonly<Record<string, number>>;
}

export async function benchTable(context: Context): Promise<Figure[]> {
  const rounds = context.rounds(60, 15);
  const filled: Filled[] = [];
  try {
    for (const count of context.quick ? COUNTS.slice(0, -1) : COUNTS) filled.push(await fill(count));
    const took = filled.map((): Programs<number>[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [at, { helper }] of filled.entries())
        took[at]?.push(await costRound(helper, 0, round, RUNS));
      context.progress(round + 1, rounds);
    }
    const above = filled.map(({ count }, at) => ({
      count,
      ns: (took[at] ?? []).map(({ own, empty }) => own - empty),
    }));
    context.draw(tablePicture(above));
    return [...costFigures(above), ...memoryFigures(filled)];
  } finally {
    for (const { lab } of filled) await lab.close();
  }
}

/** A hypervisor whose fast path serves so many, all held by one guest; its daemon is not there any more. */
async function fill(count: number): Promise<Filled> {
  const lab = await packetLab('wire');
  const subnet = {
    ...{ name: 'web', cidr: '10.0.0.0/8', bridge: 'br-web', uplinks: [UPLINK], hooks: { [UPLINK]: 'xdp' } },
    havips: [{ address: addressOf(0) }],
  };
  const networks = JSON.stringify([{ name: 'bench', subnets: [subnet] }]);
  const daemon = await runDaemon(lab, networks, `capacity: { havips: ${count} }`);
  await daemon.child.stop('SIGKILL');
  const argv = [FILL, configFile(lab), lab.port(GUEST.name), HOLDER_MAC, String(count)];
  const said = await lab.must('hv', [process.execPath, ...argv], { timeoutMs: 120_000 });
  const helper = await costProcess(lab, daemon.pinPath, [
    { port: UPLINK, frame: staleFrame(lab), spread: count },
  ]);
  await checkHeld(helper, count);
  // The first packet to a holder is always stamped (bpf/sightings.h), and so costs more than all that come after it.
  await costOf(helper, 0, 'own', WARM_UPS * count);
  const bytes = JSON.parse(/^filled (.*)$/m.exec(said)?.[1] ?? '{}') as Record<string, number>;
  return { count, lab, helper, bytes };
}

const PROBES = 200;

/** Any of them; one in so many may cross the bridge, that it may learn. */
async function checkHeld(helper: CostProcess, count: number): Promise<void> {
  let redirected = 0;
  for (let probe = 0; probe < PROBES; probe++)
    if ((await costOf(helper, 0, 'own', 1)).action === XDP_REDIRECT) redirected++;
  if (redirected >= PROBES - 2) return;
  throw new HavipError('FAILED', `of ${count} HAVIPs, ${redirected} of ${PROBES} packets were redirected`);
}

interface Above {
  readonly count: number;
  /** Above an empty program, a round each. */
  readonly ns: readonly number[];
}

function costFigures(above: readonly Above[]): Figure[] {
  const base = above.find(({ count }) => count === BASE);
  return above.flatMap(({ count, ns }): Figure[] => {
    const what = `${count.toLocaleString('en')} HAVIP${count > 1 ? 's' : ''}, one at random`;
    const whole = { what: `${what}: ns above an empty program`, value: spread(ns), bar: '', samples: ns };
    if (!base || count <= BASE) return [whole];
    const more = ns.map((value, at) => value - (base.ns[at] ?? NaN));
    const bar = count === COUNTS.at(-1) ? '<= 180' : '';
    return [whole, { what: `${what}: ns more than with 1,000`, value: spread(more), bar, samples: more }];
  });
}

function spread(samples: readonly number[]): string {
  const [low, mid, high] = [25, 50, 75].map((p) => percentile(samples, p).toFixed(0));
  return `${mid} (quartiles ${low} to ${high}, ${samples.length} rounds)`;
}

/** Of the largest, so that what a map takes without entries does not count. */
function memoryFigures(filled: readonly Filled[]): Figure[] {
  const largest = filled.at(-1);
  const smallest = filled[0];
  if (!largest || !smallest) return [];
  const each = Object.entries(largest.bytes)
    .map(([name, bytes]) => ({ name, bytes: (bytes - (smallest.bytes[name] ?? 0)) / largest.count }))
    .filter(({ bytes }) => bytes >= 0.5)
    .sort((a, b) => b.bytes - a.bytes);
  const all = each.reduce((sum, { bytes }) => sum + bytes, 0);
  const fast = each.find(({ name }) => name === FAST_MAP)?.bytes ?? NaN;
  const list = each.map(({ name, bytes }) => `${name} ${bytes.toFixed(0)}`).join(', ');
  return [
    {
      what: `kernel memory a HAVIP, the map that steers packets (${FAST_MAP}): bytes`,
      value: fast.toFixed(1),
      bar: '<= 48',
      samples: [fast],
    },
    {
      what: 'kernel memory a HAVIP, all maps: bytes',
      value: `${all.toFixed(0)} (${list})`,
      bar: '',
      samples: [all],
    },
  ];
}

function tablePicture(above: readonly Above[]): Picture {
  const rows = above.map(({ count, ns }) => ({
    count,
    ns: median(ns),
    low: percentile(ns, 25),
    high: percentile(ns, 75),
  }));
  return {
    name: 'table',
    title: 'What a packet costs by the number of HAVIPs, each to one at random, ns above an empty program',
    plot: ({ dot, line, ruleX, ruleY, text }) => ({
      height: 320,
      marginLeft: 60,
      marginRight: 60,
      x: {
        ...{ type: 'log', label: 'HAVIPs', ticks: rows.map(({ count }) => count) },
        tickFormat: (count: number) => count.toLocaleString('en'),
      },
      y: { label: null, grid: true, zero: true },
      marks: [
        ruleY([0]),
        ruleX(rows, { x: 'count', y1: 'low', y2: 'high' }),
        line(rows, { x: 'count', y: 'ns', stroke: '#2a7ab9', strokeWidth: 2 }),
        dot(rows, { x: 'count', y: 'ns', fill: '#2a7ab9' }),
        text(rows, {
          ...{ x: 'count', y: 'high', dy: -12 },
          text: ({ ns }: { ns: number }) => ns.toFixed(0),
        }),
      ],
    }),
  };
}
