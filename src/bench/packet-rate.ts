// SPDX-License-Identifier: BSD-2-Clause
// Packets a second that one CPU passes on, from the generator to the guest's NIC, against what one would use instead.
// Equal labs take turns; a frame that does not come is told.
import { packetFigures, packetPicture } from './packet-figures.js';
import type { Figure } from './figures.js';
import { send, type Entry, type Sent, type Site } from './packet-site.js';
import { makeSite, type WayName } from './packet-ways.js';
import type { Context } from './suite.js';

/** A frame without its checksum: Ethernet's shortest and longest, one in between, and a mix of 7 : 4 : 1. */
export const SIZES = { '64 bytes': 60, '512 bytes': 508, '1,500 bytes': 1514, 'a mix': null } as const;
export type SizeName = keyof typeof SIZES;

/** By size and way, a round each. */
export type Samples = Partial<Record<SizeName, Partial<Record<WayName, Sent[]>>>>;

export interface RateOptions {
  readonly entry: Entry;
  readonly ways: readonly WayName[];
  /** Rounds of each size. */
  readonly sizes: Partial<Record<SizeName, number>>;
  /** A round. */
  readonly packets: number;
  readonly progress: (done: number, of: number) => void;
}

const WAYS = ['havip', 'bare', 'bridge', 'nftables', 'routing'] as const;

export async function benchPacketRate(entry: Entry, context: Context): Promise<Figure[]> {
  const rounds = context.rounds(100, 20);
  const fewer = Math.ceil(rounds / 4);
  const samples = await measureRates({
    entry,
    ways: WAYS,
    sizes: { '64 bytes': rounds, '512 bytes': fewer, '1,500 bytes': fewer, 'a mix': fewer },
    packets: context.quick ? 50_000 : 100_000,
    progress: context.progress,
  });
  context.draw(packetPicture(entry, samples));
  return packetFigures(entry, samples);
}

export async function measureRates(options: RateOptions): Promise<Samples> {
  const sites = new Map<WayName, Site>();
  try {
    for (const way of options.ways) sites.set(way, await makeSite(way, options.entry));
    return await takeTurns(sites, options);
  } finally {
    for (const { lab } of sites.values()) await lab.close();
  }
}

async function takeTurns(sites: ReadonlyMap<WayName, Site>, options: RateOptions): Promise<Samples> {
  const samples: Samples = {};
  const total = Object.values(options.sizes).reduce((sum, rounds) => sum + rounds, 0);
  let done = 0;
  for (const [size, rounds] of Object.entries(options.sizes) as [SizeName, number][]) {
    const ofSize: Partial<Record<WayName, Sent[]>> = (samples[size] = {});
    for (let round = 0; round < rounds; round++) {
      for (const [way, site] of turned([...sites], round))
        (ofSize[way] ??= []).push(await send(site, SIZES[size], options.packets));
      options.progress(++done, total);
    }
  }
  return samples;
}

/** Who goes first changes from round to round. */
function turned<T>(list: readonly T[], by: number): T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
