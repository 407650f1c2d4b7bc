// SPDX-License-Identifier: BSD-2-Clause
// What the daemon costs while nothing happens: 100 ports, 1,000 HAVIPs, alone and scraped as Prometheus would.
import { setTimeout as pause } from 'node:timers/promises';
import type { Lab } from '../lab/lab.js';
import type { Figure } from './figures.js';
import { addCables, addressOf, benchLab, cpuMs, startDaemon, type BenchDaemon } from './host.js';

const PORTS = 100;
const HAVIPS = 1000;
const SCRAPE_EVERY_S = 15;

export interface IdleOptions {
  /** Of each measurement. */
  readonly seconds: number;
}

export async function benchIdle({ seconds }: IdleOptions): Promise<Figure[]> {
  const lab = await benchLab();
  try {
    await addCables(lab, PORTS);
    const daemon = await startDaemon(
      lab,
      Array.from({ length: HAVIPS }, (_, i) => addressOf(i)),
      null,
    );
    // Whoever holds a HAVIP is asked for after the start.
    await pause(20_000);
    const idle = await percentOfCore(lab, daemon, seconds);
    const scraped = await percentOfCore(lab, daemon, seconds, async () => {
      await lab.must('hv', ['curl', '-sS', '-o', '/dev/null', `http://${daemon.metrics}/metrics`]);
    });
    const what = `${PORTS} ports, ${HAVIPS} HAVIPs, ${seconds} s: CPU, % of a core`;
    return [
      figure(`${what}, idle`, idle, '< 1'),
      figure(`${what}, scraped each ${SCRAPE_EVERY_S} s`, scraped, '< 1'),
    ];
  } finally {
    await lab.close();
  }
}

async function percentOfCore(
  lab: Lab,
  { child }: BenchDaemon,
  seconds: number,
  scrape: () => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  const [beganMs, before] = [performance.now(), await cpuMs(lab, child)];
  const endMs = beganMs + seconds * 1000;
  while (performance.now() < endMs) {
    await scrape();
    await pause(Math.min(SCRAPE_EVERY_S * 1000, Math.max(0, endMs - performance.now())));
  }
  return (100 * ((await cpuMs(lab, child)) - before)) / (performance.now() - beganMs);
}

const figure = (what: string, percent: number, bar: string): Figure => ({
  what,
  value: percent.toFixed(2),
  bar,
  samples: [percent],
});
