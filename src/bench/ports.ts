// SPDX-License-Identifier: BSD-2-Clause
// A host with one vNIC and with a thousand: how long the daemon takes to serve them, what it takes of memory, and what a
// packet costs whose holder is behind any of them.
import { fileURLToPath } from 'node:url';
import { HavipError } from '../errors.js';
import type { Lab } from '../lab/lab.js';
import { costProcess, costRound, PROGRAMS, type CostProcess } from './cost-process.js';
import type { Programs } from './cost-types.js';
import { percentile, type Figure } from './figures.js';
import { addCables, addressOf, residentMb, scrape, startDaemon, type BenchDaemon } from './host.js';
import { packetLab, SPREAD, staleFrame, UPLINK } from './packet-site.js';
import type { Context } from './suite.js';

const ANNOUNCE = fileURLToPath(new URL('./announce-ports.js', import.meta.url));
const COUNTS = [1, 100, 1000] as const;
const RUNS = 20_000;

interface Served {
  readonly count: number;
  readonly lab: Lab;
  readonly helper: CostProcess;
  readonly startSeconds: number;
  readonly mb: number;
}

export async function benchPorts(context: Context): Promise<Figure[]> {
  const rounds = context.rounds(100, 20);
  const served: Served[] = [];
  try {
    for (const count of COUNTS) served.push(await serve(count));
    const took = served.map((): Programs<number>[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [at, { helper }] of served.entries())
        took[at]?.push(await costRound(helper, 0, round, RUNS, PROGRAMS));
      context.progress(round + 1, rounds);
    }
    return served.flatMap((one, at) => portFigures(one, took[at] ?? []));
  } finally {
    for (const { lab } of served) await lab.close();
  }
}

async function serve(count: number): Promise<Served> {
  const lab = await packetLab('wire');
  await addPorts(lab, count);
  const havips = Array.from({ length: SPREAD }, (_, i) => addressOf(i));
  const uplink = [`uplinks: [${UPLINK}]`, `hooks: { ${UPLINK}: xdp }`];
  const daemon = await startDaemon(lab, havips, null, [], uplink);
  await lab.must('hv', [process.execPath, ANNOUNCE, String(count), String(SPREAD)]);
  await allHeld(lab, daemon);
  const run = { port: UPLINK, frame: staleFrame(lab), spread: SPREAD };
  const helper = await costProcess(lab, daemon.pinPath, [run]);
  return { count, lab, helper, startSeconds: daemon.startMs / 1000, mb: await residentMb(lab, daemon.child) };
}

/** Their far ends have NAPI, so that XDP may redirect to them. */
async function addPorts(lab: Lab, count: number): Promise<void> {
  await addCables(lab, count);
  const loop = `for i in $(seq 0 ${count - 1}); do ethtool -K p\${i}x gro on || exit 1; done`;
  await lab.must('hv', ['sh', '-c', loop], { timeoutMs: 60_000 });
}

async function allHeld(lab: Lab, daemon: BenchDaemon): Promise<void> {
  let held = 0;
  for (let attempt = 0; attempt < 50; attempt++) {
    const series = [...(await scrape(lab, daemon))];
    held = series.filter(([name, value]) => name.startsWith('havip_held{') && value === 1).length;
    if (held === SPREAD) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new HavipError('FAILED', `${held} of ${SPREAD} HAVIPs are held`);
}

function portFigures({ count, startSeconds, mb }: Served, took: readonly Programs<number>[]): Figure[] {
  const ports = `${count.toLocaleString('en')} vNIC${count > 1 ? 's' : ''}`;
  const samples = took.map(({ own, empty }) => own - empty);
  const [low, mid, high] = [25, 50, 75].map((p) => percentile(samples, p).toFixed(0));
  return [
    figure(`${ports}: start until all are served, s`, startSeconds),
    figure(`${ports}: resident memory, MB`, mb),
    {
      what: `${ports}: a packet to a HAVIP behind one of them, ns above an empty program`,
      value: `${mid} (quartiles ${low} to ${high}, ${samples.length} rounds)`,
      bar: '',
      samples,
    },
  ];
}

const figure = (what: string, value: number): Figure => ({
  what,
  value: value.toFixed(1),
  bar: '',
  samples: [value],
});
