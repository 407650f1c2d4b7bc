// SPDX-License-Identifier: BSD-2-Clause
// The packet rate of the shortest frames over a bare redirect's, as quickly as it can be had with confidence.
import { median } from '../../src/bench/figures.js';
import { withLabs } from '../../src/bench/labs.js';
import { measureRates } from '../../src/bench/packet-rate.js';
import type { Entry } from '../../src/bench/packet-site.js';

export interface Gate {
  /** Median of the pairs. */
  readonly ratio: number;
  /** What the bare redirect took for a packet, the median. */
  readonly bareNs: number;
  /** Frames, the bare redirect's included. */
  readonly lost: number;
}

const PAIRS = 40;
const PACKETS = 50_000;

export async function measureGate(entry: Entry): Promise<Gate> {
  const sizes = { '64 bytes': PAIRS };
  const options = {
    entry,
    ways: ['havip', 'bare'],
    sizes,
    packets: PACKETS,
    progress: () => undefined,
  } as const;
  const { '64 bytes': { havip = [], bare = [] } = {} } = await withLabs(() => measureRates(options));
  return {
    bareNs: median(bare.map(({ ns }) => ns)),
    ratio: median(bare.map(({ ns }, i) => ns / (havip[i]?.ns ?? NaN))),
    lost: [...havip, ...bare].reduce((sum, { lost }) => sum + lost, 0),
  };
}
