// SPDX-License-Identifier: BSD-2-Clause
// The labs that a run of benchmarks has open, so that Ctrl-C takes all of them away, and what killed runs left behind
// is swept.
import { existsSync } from 'node:fs';
import { HavipError } from '../errors.js';
import { labPrefixes, removeLab } from '../lab/cleanup.js';
import { closeOnDeparture } from '../lab/guard.js';
import { Lab } from '../lab/lab.js';

const PREFIX = 'havipbench';

/** From the moment in which one is claimed. */
const open = new Set<Promise<Lab>>();
let made = 0;
let leaving = false;

/** An empty lab that is closed when this process is interrupted, if not before. */
export async function newLab(): Promise<Lab> {
  // A suite that was between two labs when the signal came must not begin another.
  if (leaving) throw new HavipError('FAILED', 'interrupted');
  const lab = Lab.create({ prefix: `${PREFIX}${process.pid}x${++made}` });
  open.add(lab);
  return lab;
}

/** Runs `body`; whatever ends it, a signal included, no lab stays. */
export async function withLabs<T>(body: () => Promise<T>): Promise<T> {
  const undo = closeOnDeparture({ close: leave });
  try {
    return await body();
  } finally {
    await heldWhenLeaving();
    await closeAll();
    undo();
  }
}

/** Before anything is made of an error: after a signal every suite fails, and the handler ends the process. */
export async function heldWhenLeaving(): Promise<void> {
  if (leaving) await new Promise(() => undefined);
}

async function leave(): Promise<void> {
  leaving = true;
  await closeAll();
}

async function closeAll(): Promise<void> {
  // One that could not be made has taken away its half itself, and said so to whom it was for.
  const labs = await Promise.allSettled(open);
  await Promise.all(labs.map(async (lab) => lab.status === 'fulfilled' && lab.value.close()));
}

/** Takes away what runs left that were killed. @returns how many labs */
export async function sweepDeadLabs(): Promise<number> {
  const dead = (await labPrefixes()).filter(isDead);
  for (const prefix of dead) await removeLab(prefix);
  return dead.length;
}

/** By the number of its process alone: should that have come round again, the next run sweeps it. */
function isDead(prefix: string): boolean {
  const pid = new RegExp(`^${PREFIX}(\\d+)x\\d+$`).exec(prefix)?.[1];
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}
