// SPDX-License-Identifier: BSD-2-Clause
// What else a hypervisor has to do while holders move. Every load is bounded: it is sent in lots, of which the one that
// is under way is the last once it has been told to end.
import { setTimeout as sleep } from 'node:timers/promises';
import { announcement } from '../lab/frames.js';
import { tool, type Lab } from '../lab/lab.js';
import type { Child } from '../lab/process.js';
import { ADDRESSES } from '../lab/topology.js';
import { addressOf, scrape, type BenchDaemon } from './host.js';
import { shortest, SPREAD, STALE_MAC } from './packet-site.js';

/**
 * packets: the shortest frames to HAVIPs come in by an uplink as fast as a CPU can send them. flood: a guest that is no
 * member announces a HAVIP as fast as it can, and is refused. scrape: all metrics are asked for, each second.
 */
export const LOADS = ['idle', 'packets', 'flood', 'scrape'] as const;
export type Load = (typeof LOADS)[number];

export interface Loaded {
  readonly lab: Lab;
  readonly daemon: BenchDaemon;
  /** generate.ts at the far end of the uplink. */
  readonly generator: Child;
}

/** Frames of a lot: a fifth of a second or so. */
const LOT = { packets: 500_000, flood: 20_000 };

/** What a load amounted to: frames, or series for a scrape. */
export interface Sent {
  readonly count: number;
  readonly seconds: number;
}

export function startLoad(site: Loaded, load: Load): { stop: () => Promise<Sent> } {
  let ended = load === 'idle';
  const run = async (): Promise<Sent> => {
    const began = performance.now();
    let count = 0;
    while (!ended) count += await lotOf[load as Exclude<Load, 'idle'>](site);
    return { count, seconds: (performance.now() - began) / 1000 };
  };
  const running = run();
  // An error is for whoever ends it.
  running.catch(() => undefined);
  const stop = (): Promise<Sent> => {
    ended = true;
    return running;
  };
  return { stop };
}

const lotOf: Readonly<Record<Exclude<Load, 'idle'>, (site: Loaded) => Promise<number>>> = {
  packets: async ({ lab, generator }) => {
    const from = { mac: lab.mac('wire'), address: ADDRESSES.client };
    const head = shortest(from, { mac: STALE_MAC, address: addressOf(0) });
    const seen = generator.lines.length;
    generator.write(`60 ${LOT.packets} ${SPREAD} ${head}\n`);
    await generator.waitFor(/^sent \d+$/, { from: seen, timeoutMs: 60_000 });
    return LOT.packets;
  },
  flood: async ({ lab }) => {
    const input = `${announcement(addressOf(0), lab.mac('client'), 'request')} ${LOT.flood}\n`;
    await lab.must('client', [tool('frame-tool'), 'send', 'eth0'], { input, timeoutMs: 60_000 });
    return LOT.flood;
  },
  scrape: async ({ lab, daemon }) => {
    const { size } = await scrape(lab, daemon);
    await sleep(1000);
    return size;
  },
};
