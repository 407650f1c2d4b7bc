// SPDX-License-Identifier: BSD-2-Clause
// One failover under a stream of probes, watched at both guests' NICs; and the way back, which is one too.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient } from '../api/client.js';
import type { Dossier } from '../holders/dossier.js';
import { VIP } from '../lab/topology.js';
import { sendStream, type StreamTotals } from '../lab/traffic.js';
import { BETTER, calm, PORT, promptly, STANDBY, type Guest, type Pair } from './failover-pair.js';
import type { Site } from './failover-sites.js';
import { storyOf, type Cause, type Story } from './failover-story.js';
import { startWitness } from './failover-witness.js';

/** Probes are 100 us apart, which is how fine an arrival is told. */
export const PROBES_HZ = 10_000;
/** The stream goes on so long, so that what comes late is seen. */
const AFTER_MS = 100;
const DOSSIER_MS = 3000;

export interface Failover {
  readonly cause: Cause;
  /** null: not a probe came to the new holder within `limitMs`. */
  readonly story: Story | null;
  readonly stream: StreamTotals;
  /** havip's own word; null: another's site. */
  readonly dossier: Dossier | null;
}

export interface RoundOptions {
  readonly advertIntervalS: number;
  /** How long the new holder's first probe is waited for, from its announcement on. */
  readonly limitMs: number;
}

/** The better one fails and comes back. */
export async function failAndReturn(
  site: Site,
  pair: Pair,
  cause: Exclude<Cause, 'preempted'>,
  options: RoundOptions,
): Promise<[Failover, Failover]> {
  const failed = await watched(site, cause, options, async (spared) => {
    const from = pair.logged(STANDBY);
    await pair.strike(cause, spared);
    await pair.awaitMaster(STANDBY, from);
  });
  await pair.clear(cause);
  const returned = await watched(site, 'preempted', options, async () => {
    await pair.awaitMaster(BETTER, await pair.comeBack(cause));
  });
  return [failed, returned];
}

async function watched(
  { lab, sender, socket, believe }: Site,
  cause: Cause,
  { advertIntervalS, limitMs }: RoundOptions,
  act: (spared: readonly number[]) => Promise<void>,
): Promise<Failover> {
  const [old, next]: readonly [Guest, Guest] = cause === 'preempted' ? [STANDBY, BETTER] : [BETTER, STANDBY];
  const seconds = (limitMs + 5 * 4000 * advertIntervalS + 10_000) / 1000;
  await believe();
  const [atOld, atNext] = [await startWitness(lab, old, VIP, PORT), await startWitness(lab, next, VIP, PORT)];
  const options = { to: VIP, port: PORT, rateHz: PROBES_HZ, seconds, lingerMs: 50 };
  const stream = await sendStream(lab, sender, options);
  await promptly(lab, sender, stream.child);
  if (!(await atOld.flows(2000))) throw new Error(`${lab.prefix}: ${old} does not get the stream`);
  await calm(advertIntervalS);
  const actNs = process.hrtime.bigint();
  await act([atOld.pid, atNext.pid]);
  await atNext.flows(limitMs);
  await sleep(AFTER_MS);
  const totals = await stream.finish();
  const account = { actNs, old: await atOld.stop(), next: await atNext.stop(), gaps: totals.gaps };
  const story = storyOf(account);
  return { cause, story, stream: totals, dossier: socket ? await dossierOf(socket, lab.port(next)) : null };
}

/** Of the newest move, once nothing more is waited for. */
async function dossierOf(socket: string, port: string): Promise<Dossier> {
  const client = await ApiClient.connect(socket);
  try {
    for (const end = Date.now() + DOSSIER_MS; Date.now() < end; await sleep(20)) {
      const [last] = await client.dossiers({ address: VIP, last: 1 });
      if (last?.complete && last.to.port === port) return last;
    }
    throw new Error(`havip has no dossier of the move to ${port}`);
  } finally {
    client.close();
  }
}
