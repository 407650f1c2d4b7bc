// SPDX-License-Identifier: BSD-2-Clause
// Re-point latency: from an announcement's arrival at the hook (kernel stamp) until the binding is in the map (same
// clock), taken from the daemon's own events. Every announcement is a move: vm-b takes what vm-a holds.
import type { Lab } from '../lab/lab.js';
import { latencyFigure, percentile, type Figure } from './figures.js';
import {
  addressOf,
  announceAll,
  benchLab,
  HAVIP,
  startDaemon,
  type BenchDaemon,
  type Rebind,
} from './host.js';

export interface RepointOptions {
  readonly fast: number;
  readonly slow: number;
}

/** Enough HAVIPs for a registry of 65,000 series: each has six and a half. */
const HAVIPS = 10_000;

export async function benchRepoint({ fast, slow }: RepointOptions): Promise<Figure[]> {
  const idle = await measuredRepoint(fast, 1000, { rebind: 'loader' });
  const scraped = await measuredRepoint(fast, 1000, { rebind: 'loader', scrape: true });
  const cold = await measuredRepoint(slow, 100_000, { rebind: 'loader' });
  const growth = percentile(scraped.samples, 99) / percentile(idle.samples, 99);
  return [
    latencyFigure(`re-point, loader mode, ${fast} at 1,000/s`, idle.samples, 'p50 <= 100, p99 <= 2000'),
    latencyFigure(`re-point, loader mode, ${slow} at 10/s`, cold.samples, 'p50 <= 250, p99 <= 2000'),
    latencyFigure(`re-point while ${scraped.series} series are scraped each second`, scraped.samples, ''),
    { what: 'its p99 against the idle one', value: growth.toFixed(2), bar: '<= 2', samples: [growth] },
  ];
}

/** One move each of `count` HAVIPs. Shape of `samples`: microseconds from the announcement's arrival on. */
export async function measuredRepoint(
  count: number,
  everyUs: number,
  { rebind, scrape = false }: { rebind: Rebind; scrape?: boolean },
): Promise<{ samples: number[]; series: number }> {
  const lab = await benchLab();
  try {
    const addresses = Array.from({ length: HAVIPS }, (_, i) => addressOf(i));
    const daemon = await startDaemon(lab, addresses, rebind);
    await announceAll(lab, 'vm-a', addresses.slice(0, count), 200);
    await settled(lab, daemon, count);
    const follower = lab.spawn('hv', [
      process.execPath,
      HAVIP,
      'events',
      '--follow',
      '--json',
      ...daemon.args,
    ]);
    await follower.waitFor(/"kind":"bind"/);
    const scraper = scrape ? scrapeEverySecond(lab, daemon) : null;
    for (const burst of bursts(addresses.slice(0, count), everyUs)) {
      await announceAll(lab, 'vm-b', burst, everyUs);
      await follower.waitFor(lastMove(burst.at(-1) ?? ''), { timeoutMs: 30_000 });
    }
    const series = (await scraper?.stop()) ?? 0;
    const samples = follower.lines.flatMap(repointUs);
    if (samples.length !== count) throw new Error(`${samples.length} moves of ${count} were told`);
    return { samples, series };
  } finally {
    await lab.close();
  }
}

/** Unspaced ones go a thousand at a time, as one guest takes over what another held. */
function bursts(addresses: readonly string[], everyUs: number): (readonly string[])[] {
  const size = everyUs === 0 ? 1000 : addresses.length;
  return Array.from({ length: Math.ceil(addresses.length / size) }, (_, i) =>
    addresses.slice(i * size, (i + 1) * size),
  );
}

const lastMove = (address: string): RegExp =>
  new RegExp(`"kind":"move".*"address":"${address.replaceAll('.', '\\.')}"`);

/** All of them are held, so that what follows are moves. */
async function settled(lab: Lab, { metrics }: BenchDaemon, count: number): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const text = await lab.must('hv', ['curl', '-s', `http://${metrics}/metrics`]);
    if ((text.match(/^havip_held\{.*\} 1$/gm) ?? []).length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the announcements did not bind');
}

function scrapeEverySecond(lab: Lab, { metrics }: BenchDaemon): { stop: () => Promise<number> } {
  const script = `while :; do curl -s http://${metrics}/metrics | grep -cv '^#'; sleep 1; done`;
  const child = lab.spawn('hv', ['sh', '-c', script]);
  return {
    stop: async () => {
      await child.stop('SIGTERM');
      return Number(child.lines.at(-1) ?? 0);
    },
  };
}

function repointUs(line: string): number[] {
  const event = JSON.parse(line) as { kind: string; repointNs: number | null };
  return event.kind === 'move' && event.repointNs !== null ? [event.repointNs / 1000] : [];
}
