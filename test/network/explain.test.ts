// SPDX-License-Identifier: BSD-2-Clause
// A real keepalived failover under a stream of 10,000 packets a second, told by its dossier: the outage as that stream
// measured it for itself, the guests' share as keepalived's own log has it, and what the programs saw of both holders.
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { events, havip, heldBy, startDaemon, webConfig } from '../support/daemon.js';
import { requireRoot } from '../support/lab.js';
import { pairLab, takeOver, type Holder } from '../support/pair.js';

test.before(requireRoot);

const PRIORITY = { 'vm-a': 150, 'vm-b': 100 } as const;
const NOBODYS_MAC = '02:00:00:00:00:99';

interface Told {
  readonly id: number;
  readonly outageNs: number | null;
  readonly guestsNs: number | null;
  readonly networkNs: number | null;
  readonly expectedGuestsNs: number | null;
  readonly basis: string;
  readonly releaseReason: string;
  readonly complete: boolean;
  readonly advice: string;
  readonly stamps: Readonly<Record<string, number | null>>;
  readonly stages: readonly { name: string; share: string }[];
  readonly vrrp: { vrid: number; oldPriority: number; newPriority: number } | null;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function explain(lab: Lab, ...argv: string[]): Promise<Told[]> {
  const { stdout, stderr, code } = await havip(lab, 'explain', ...argv, '--json');
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Told[];
}

async function running(t: ExecutionContext, rebind: 'kernel' | 'loader', advertIntervalS: number) {
  const lab = await pairLab(t);
  await startDaemon(lab, { config: webConfig([{ address: VIP, rebind }]) });
  const start = (guest: Holder) =>
    lab.keepalived(guest, { vrid: 51, vip: VIP, advertIntervalS, priority: PRIORITY[guest] });
  const a = await start('vm-a');
  await heldBy(lab, lab.port('vm-a'));
  const b = await start('vm-b');
  await b.waitFor(/Entering BACKUP STATE/);
  await lab.staticNeighbour('client', VIP, NOBODYS_MAC);
  for (const guest of ['vm-a', 'vm-b']) await traffic.echoStream(lab, guest);
  const stream = await traffic.sendStream(lab, 'client', { to: VIP, seconds: 30, rateHz: 10_000 });
  await pause(1500);
  return { lab, a, b, stream };
}

/** In parts of the outage: what a busy machine adds to either clock is a few ms, and no part of the story. */
const isNear = (one: number, another: number, part: number): boolean =>
  Math.abs(one - another) <= part * another;

for (const rebind of ['kernel', 'loader'] as const) {
  test.serial(`a crash, as its clients, keepalived and the programs have it (${rebind})`, async (t) => {
    const { lab, b, stream } = await running(t, rebind, 1);
    const from = b.lines.length;
    await lab.crash('vm-a', { port: 'down' });
    await b.waitFor(/Entering MASTER STATE/, { from });
    const masterNs = process.hrtime.bigint();
    await heldBy(lab, lab.port('vm-b'));
    await pause(1000);
    const { longestGap } = await stream.finish();
    const [told] = await explain(lab, VIP);
    if (!told || !longestGap) return t.fail('no dossier, or no gap');
    const { stamps } = told;
    // From the last answer that the client got until keepalived says that it takes over.
    const logNs = Number(masterNs - longestGap.startNs);
    const [outageNs, guestsNs] = [told.outageNs ?? 0, told.guestsNs ?? 0];
    t.log(`outage ${outageNs / 1e6} ms; by the stream ${longestGap.durationNs / 1e6} ms`);
    t.log(`guests ${guestsNs / 1e6} ms; by keepalived's log ${logNs / 1e6} ms`);
    t.log(`network ${told.networkNs} ns; expected ${told.expectedGuestsNs} ns`);
    t.is(told.basis, 'answers');
    t.true(told.complete);
    t.true(isNear(outageNs, longestGap.durationNs, 0.02));
    t.true(isNear(guestsNs, logNs, 0.05));
    t.true(guestsNs > 0.95 * outageNs && (told.networkNs ?? outageNs) < 0.05 * outageNs);
    t.like(told.vrrp, { vrid: 51, oldPriority: 150, newPriority: 100 });
    t.is(told.expectedGuestsNs, 3_609_375_000);
    const order = ['lastAdvertNs', 'lastFromOldNs', 'releasedNs', 'firstSignNs', 'announcedNs', 'writtenNs'];
    const times = [...order, 'firstToNewNs', 'firstFromNewNs'].map((name) => stamps[name] ?? 0);
    t.deepEqual(
      times,
      times.toSorted((one, other) => one - other),
      JSON.stringify(stamps),
    );
    t.true(times[0] !== 0);
    t.is(told.releaseReason, 'port-down');
    t.is(told.stages[0]?.name, 'notice');
    t.regex(told.advice, /advert_int 0\.1/);
  });
}

test.serial('a goodbye: the master resigns, and the skew is all that was to be expected', async (t) => {
  const { lab, a, b, stream } = await running(t, 'kernel', 1);
  const from = b.lines.length;
  a.kill('SIGTERM');
  await b.waitFor(/Entering MASTER STATE/, { from });
  await heldBy(lab, lab.port('vm-b'));
  await pause(1000);
  const { longestGap } = await stream.finish();
  const [told] = await explain(lab, VIP);
  if (!told || !longestGap) return t.fail('no dossier, or no gap');
  t.log(`outage ${(told.outageNs ?? 0) / 1e6} ms; by the stream ${longestGap.durationNs / 1e6} ms`);
  t.true((told.stamps['resignedNs'] ?? 0) > (told.stamps['lastAdvertNs'] ?? Infinity));
  t.is(told.expectedGuestsNs, 609_375_000);
  t.true(isNear(told.outageNs ?? 0, longestGap.durationNs, 0.05));
});

test.serial('the text names both, every stamp, and is asked by VIP, by number and not at all', async (t) => {
  const lab = await pairLab(t);
  const daemon = await startDaemon(lab);
  const nothing = await havip(lab, 'explain');
  t.deepEqual([nothing.code, /nothing has moved/.test(nothing.stderr)], [1, true]);
  await takeOver(lab, 'vm-a');
  await takeOver(lab, 'vm-b');
  const [move] = await events(lab, 'move');
  if (!move) return t.fail('no move');
  for (const argv of [[], [VIP], [String(move.seq)]]) {
    const { stdout, code } = await havip(lab, 'explain', ...argv);
    t.is(code, 0);
    t.regex(stdout, new RegExp(`^move ${move.seq}  ${VIP} default/br-web\\n`));
    t.regex(stdout, new RegExp(`${lab.port('vm-a')} -> ${lab.port('vm-b')}, by arp-request`));
    t.regex(stdout, /outage +none seen/);
  }
  await daemon.stop();
  const alone = await havip(lab, 'explain', String(move.seq), '--json');
  t.is((JSON.parse(alone.stdout) as Told[])[0]?.id, move.seq, 'from the history, without the daemon');
  t.regex(alone.stderr, /no daemon runs; reading the history/);
  const none = await havip(lab, 'explain', '999999');
  t.deepEqual([none.code, /no move of 999999/.test(none.stderr)], [4, true]);
  await startDaemon(lab);
  t.is((await explain(lab, VIP))[0]?.id, move.seq, 'a new daemon knows the old one’s moves');

  const wrong = await havip(lab, 'explain', 'vm-b');
  t.deepEqual([wrong.code, /neither an IP address nor the number/.test(wrong.stderr)], [2, true]);
  const unknown = await havip(lab, 'explain', '999999');
  t.deepEqual([unknown.code, /no move of 999999/.test(unknown.stderr)], [1, true]);
  const stranger = await havip(lab, 'explain', '10.0.1.99');
  t.deepEqual([stranger.code, /no HAVIP 10\.0\.1\.99/.test(stranger.stderr)], [1, true]);
});
