// SPDX-License-Identifier: BSD-2-Clause
// TCP between guests, default offloads, in bulk and as questions and answers: the fast path against the plain bridge with
// the right MAC. Two equal labs, one of them with havip loaded, take turns.
import { fileURLToPath } from 'node:url';
import type { Lab } from '../lab/lab.js';
import { ADDRESSES, VIP } from '../lab/topology.js';
import { httpServer, ping, tcpBulk } from '../lab/traffic.js';
import { median, ratioFigure, type Figure } from './figures.js';
import { benchLab, startDaemon } from './host.js';
import type { Context } from './suite.js';

type Kind = 'veth' | 'tap';

/** Who is asked: a HAVIP, or a guest that has nothing to do with any. */
const TARGETS = {
  vip: { server: 'vm-a', address: VIP, name: 'to a HAVIP', bulk: '>= 1', answers: '' },
  other: { server: 'vm-b', address: ADDRESSES['vm-b'], name: 'to no HAVIP', bulk: '>= 0.97', answers: '' },
} as const;
type Target = keyof typeof TARGETS;

const HTTP_LOAD = fileURLToPath(new URL('./http-load.js', import.meta.url));
const HTTP_PORT = 8080;
const BODY_BYTES = 1000;

/** By target: with havip, and over the plain bridge; a round each. */
type Samples = Record<Target, readonly [number[], number[]]>;
const noSamples = (): Samples => ({ vip: [[], []], other: [[], []] });

export async function benchTcp(kind: Kind, context: Context): Promise<Figure[]> {
  const rounds = context.rounds(12, 3);
  const seconds = context.quick ? 1 : 3;
  const labs: Lab[] = [];
  try {
    const plain = await benchLab({ kind });
    labs.push(plain);
    const loaded = await benchLab({ kind });
    labs.push(loaded);
    await startDaemon(loaded, [VIP]);
    for (const lab of labs) await prepare(lab);
    const [bulk, answers] = [noSamples(), noSamples()];
    for (let round = 0; round < rounds; round++) {
      // Who goes first alternates too.
      for (const which of round % 2 ? ([1, 0] as const) : ([0, 1] as const)) {
        for (const target of ['vip', 'other'] as const) {
          const lab = which ? plain : loaded;
          bulk[target][which].push(await bulkRate(lab, target, seconds));
          answers[target][which].push(await answerRate(lab, target, seconds * 500));
        }
      }
      context.progress(round + 1, rounds);
    }
    return [...bulkFigures(kind, bulk), ...answerFigures(kind, answers)];
  } finally {
    for (const lab of labs) await lab.close();
  }
}

async function prepare(lab: Lab): Promise<void> {
  await lab.must('vm-a', ['ip', 'addr', 'add', `${VIP}/24`, 'dev', 'eth0']);
  await lab.announce('vm-a', VIP);
  await ping(lab, 'client', VIP);
  for (const { server } of Object.values(TARGETS)) await httpServer(lab, server, HTTP_PORT);
}

/** Unit: bits a second. */
async function bulkRate(lab: Lab, target: Target, seconds: number): Promise<number> {
  const { server, address } = TARGETS[target];
  return (await tcpBulk(lab, { server, address, client: 'client' }, { seconds })).bitsPerSecond;
}

/** Answers a second. */
async function answerRate(lab: Lab, target: Target, forMs: number): Promise<number> {
  const url = `http://${TARGETS[target].address}:${HTTP_PORT}/${BODY_BYTES}`;
  const said = await lab.must('client', [process.execPath, HTTP_LOAD, url, String(forMs)]);
  const { answers, ms } = JSON.parse(said) as { answers: number; ms: number };
  return (answers / ms) * 1000;
}

function bulkFigures(kind: Kind, samples: Samples): Figure[] {
  return (Object.keys(TARGETS) as Target[]).flatMap((target) => {
    const what = `TCP bulk ${TARGETS[target].name}, ${kind} guests`;
    return figures(what, samples[target], (bits) => `${(bits / 1e9).toFixed(2)} Gb/s`, TARGETS[target].bulk);
  });
}

function answerFigures(kind: Kind, samples: Samples): Figure[] {
  return (Object.keys(TARGETS) as Target[]).flatMap((target) => {
    const what = `HTTP ${TARGETS[target].name}, ${BODY_BYTES} bytes an answer, one connection, ${kind} guests`;
    return figures(what, samples[target], (rate) => `${rate.toFixed(0)} answers/s`, TARGETS[target].answers);
  });
}

function figures(
  what: string,
  [ours, bridge]: readonly [number[], number[]],
  text: (value: number) => string,
  bar: string,
): Figure[] {
  return [
    {
      what,
      value: `${text(median(ours))}; over the plain bridge ${text(median(bridge))}`,
      bar: '',
      samples: ours,
    },
    ratioFigure(`${what}, against the plain bridge`, ours, bridge, bar),
  ];
}
