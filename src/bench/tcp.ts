// SPDX-License-Identifier: BSD-2-Clause
// TCP bulk between guests, default offloads: the fast path against the plain bridge with the right MAC. Two equal
// labs, one of them with havip loaded, take turns.
import type { Lab } from '../lab/lab.js';
import { ADDRESSES, VIP } from '../lab/topology.js';
import { ping, tcpBulk } from '../lab/traffic.js';
import { ratioFigure, type Figure } from './figures.js';
import { benchLab, startDaemon } from './host.js';
import type { Context } from './suite.js';

export async function benchTcp(kind: 'veth' | 'tap', context: Context): Promise<Figure[]> {
  const rounds = context.rounds(12, 3);
  const seconds = context.quick ? 1 : 3;
  const labs: Lab[] = [];
  try {
    const plain = await benchLab({ kind });
    labs.push(plain);
    const loaded = await benchLab({ kind });
    labs.push(loaded);
    await startDaemon(loaded, [VIP]);
    for (const lab of labs) await takeVip(lab);
    const samples: Record<'vip' | 'other', [number[], number[]]> = { vip: [[], []], other: [[], []] };
    for (let round = 0; round < rounds; round++) {
      for (const [target, server, address] of [
        ['vip', 'vm-a', VIP],
        ['other', 'vm-b', ADDRESSES['vm-b']],
      ] as const) {
        // Who goes first alternates too.
        for (const which of round % 2 ? [1, 0] : [0, 1]) {
          const lab = which ? plain : loaded;
          const { bitsPerSecond } = await tcpBulk(lab, { server, address, client: 'client' }, { seconds });
          samples[target][which as 0 | 1].push(bitsPerSecond);
        }
      }
      context.progress(round + 1, rounds);
    }
    return [
      ratioFigure(`TCP bulk to a HAVIP, ${kind} guests, against the plain bridge`, ...samples.vip, '>= 0.9'),
      ratioFigure(
        `TCP bulk to no HAVIP, ${kind} guests, against the plain bridge`,
        ...samples.other,
        '>= 0.97',
      ),
    ];
  } finally {
    for (const lab of labs) await lab.close();
  }
}

async function takeVip(lab: Lab): Promise<void> {
  await lab.must('vm-a', ['ip', 'addr', 'add', `${VIP}/24`, 'dev', 'eth0']);
  await lab.announce('vm-a', VIP);
  await ping(lab, 'client', VIP);
}
