// SPDX-License-Identifier: BSD-2-Clause
// What a packet costs with one HAVIP and with a million, each to one of them at random; beside it a redirect that touches
// one line of memory an address, which is the least that a table can; and what a HAVIP takes of the kernel's memory.
import { fileURLToPath } from 'node:url';
import { HavipError } from '../errors.js';
import type { Lab } from '../lab/lab.js';
import { costOf, costProcess, costRound, type CostProcess } from './cost-process.js';
import { median, percentile, type Figure } from './figures.js';
import { addressOf, configFile, runDaemon } from './host.js';
import { GUEST, HOLDER_MAC, packetLab, staleFrame, UPLINK } from './packet-site.js';
import type { Context, Picture } from './suite.js';

const FILL = fileURLToPath(new URL('./fill.js', import.meta.url));
const COUNTS = [1, 1000, 100_000, 1_000_000] as const;
const PROGRAMS = ['empty', 'least', 'own'] as const;
type Took = Readonly<Record<(typeof PROGRAMS)[number], number>>;
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
    const took = filled.map((): Took[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [at, { helper }] of filled.entries())
        took[at]?.push(await costRound(helper, 0, round, RUNS, PROGRAMS));
      context.progress(round + 1, rounds);
    }
    const above = filled.map(({ count }, at) => ({
      count,
      own: (took[at] ?? []).map(({ own, empty }) => own - empty),
      least: (took[at] ?? []).map(({ least, empty }) => least - empty),
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
  await checkRedirects(helper, 'least', 1, 1);
  // One in so many may cross the bridge, that it may learn.
  await checkRedirects(helper, 'own', PROBES, PROBES - 2);
  // The first packet to a holder is always stamped (bpf/sightings.h), and so costs more than all that come after it.
  await costOf(helper, 0, 'own', WARM_UPS * count);
  const bytes = JSON.parse(/^filled (.*)$/m.exec(said)?.[1] ?? '{}') as Record<string, number>;
  return { count, lab, helper, bytes };
}

const PROBES = 200;

/** Any of the HAVIPs; a drop would be cheaper. */
async function checkRedirects(
  helper: CostProcess,
  program: (typeof PROGRAMS)[number],
  probes: number,
  least: number,
): Promise<void> {
  let redirected = 0;
  for (let probe = 0; probe < probes; probe++)
    if ((await costOf(helper, 0, program, 1)).action === XDP_REDIRECT) redirected++;
  if (redirected >= least) return;
  throw new HavipError('FAILED', `${program}: ${redirected} of ${probes} packets were redirected`);
}

/** Above an empty program, a round each. Unit: nanoseconds. */
interface Above {
  readonly count: number;
  readonly own: readonly number[];
  readonly least: readonly number[];
}

function costFigures(above: readonly Above[]): Figure[] {
  const base = above.find(({ count }) => count === BASE);
  return above.flatMap(({ count, own, least }): Figure[] => {
    const many = count.toLocaleString('en');
    const what = `${many} HAVIP${count > 1 ? 's' : ''}, one at random`;
    const whole = { what: `${what}: ns above an empty program`, value: spread(own), bar: '', samples: own };
    if (!base || count <= BASE) return [whole];
    const bar = count === COUNTS.at(-1) ? '<= 180' : '';
    return [
      whole,
      moreFigure(`${what}: ns more than with 1,000`, own, base.own, bar),
      moreFigure(`one line of memory of ${many}, no table: ns more than of 1,000`, least, base.least, ''),
    ];
  });
}

function moreFigure(what: string, ns: readonly number[], base: readonly number[], bar: string): Figure {
  const samples = ns.map((value, at) => value - (base[at] ?? NaN));
  return { what, value: spread(samples), bar, samples };
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
  const ways = [
    { name: 'havip', color: '#2a7ab9', of: ({ own }: Above) => own },
    { name: 'one line of memory, no table', color: '#888', of: ({ least }: Above) => least },
  ];
  const rows = ways.map(({ of }) =>
    above.map((one) => ({
      ...{ count: one.count, ns: median(of(one)) },
      ...{ low: percentile(of(one), 25), high: percentile(of(one), 75) },
    })),
  );
  return {
    name: 'table',
    title: 'What a packet costs by the number of HAVIPs, each to one at random, ns above an empty program',
    plot: ({ dot, line, ruleX, ruleY, text }) => ({
      height: 320,
      marginLeft: 60,
      marginRight: 60,
      x: {
        ...{ type: 'log', label: 'HAVIPs', ticks: above.map(({ count }) => count) },
        tickFormat: (count: number) => count.toLocaleString('en'),
      },
      y: { label: null, grid: true, zero: true },
      marks: [
        ruleY([0]),
        ...ways.flatMap(({ name, color }, way) => [
          ruleX(rows[way] ?? [], { x: 'count', y1: 'low', y2: 'high' }),
          line(rows[way] ?? [], { x: 'count', y: 'ns', stroke: color, strokeWidth: 2 }),
          dot(rows[way] ?? [], { x: 'count', y: 'ns', fill: color }),
          text([name], {
            ...{ frameAnchor: 'top-left', dx: 10, dy: 10 + 15 * way, fill: color },
          }),
          // Below, where there is room for it.
          text(rows[way]?.filter(({ count }) => way === 0 || count > BASE) ?? [], {
            ...{ x: 'count', y: way === 0 ? 'high' : 'low', dy: way === 0 ? -12 : 12 },
            text: ({ ns }: { ns: number }) => ns.toFixed(0),
          }),
        ]),
      ],
    }),
  };
}
