// SPDX-License-Identifier: BSD-2-Clause
// Two guests that both believe to be the holder, a holder that is not there, and one that announced before we came:
// the daemon says so, asks, and re-binds where exactly one answers. Traffic goes to one of them all the while.
import test from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { ADDRESSES, VIP, VIP6 } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import {
  events,
  heldBy,
  metrics,
  startDaemon,
  status,
  webConfig,
  type EventLine,
} from '../support/daemon.js';
import { eventually, requireRoot } from '../support/lab.js';
import { checkReaches, other, pairLab, takeOver, type Holder } from '../support/pair.js';
import { arp, capture, vrrpAdvert } from '../support/raw.js';

test.before(requireRoot);

const ALARMS = ['split-brain', 'dual-active', 'disagreement'];
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const give = (lab: Lab, guest: string, address = VIP): Promise<unknown> =>
  lab.ip(guest, [`address replace ${address}/${address.includes(':') ? '128 nodad' : '32'} dev eth0`]);
const take = (lab: Lab, guest: string, address = VIP): Promise<unknown> =>
  lab.exec(guest, ['ip', 'address', 'del', address, 'dev', 'eth0']);

async function alarm(lab: Lab, kind: string): Promise<EventLine> {
  await eventually(`${kind} is told`, async () => (await events(lab, kind)).length > 0, 10_000);
  const [event] = await events(lab, kind);
  if (event === undefined) throw new Error(`no ${kind}`);
  return event;
}

for (const rebind of ['kernel', 'loader'] as const) {
  test.serial(`a holder that announced before the daemon came is found by asking (${rebind})`, async (t) => {
    const lab = await pairLab(t);
    await give(lab, 'vm-a');
    await give(lab, 'vm-b', VIP6);
    const daemon = await startDaemon(lab, {
      config: webConfig([VIP, VIP6].map((address) => ({ address, rebind }))),
    });
    await heldBy(lab, lab.port('vm-a'));
    await heldBy(lab, lab.port('vm-b'), VIP6);
    t.is((await status(lab)).holder?.by, 'arp-answer');
    t.is((await status(lab, VIP6)).holder?.by, 'na-answer');
    t.deepEqual(await events(lab, 'refuse', ...ALARMS), []);
    t.is((await metrics(lab, daemon)).get('havip_model_mismatch_total'), 0);
    await checkReaches(t, lab, 'vm-a');
  });
}

test.serial('two that answer one question are a split-brain, and one of them has it', async (t) => {
  const lab = await pairLab(t);
  await give(lab, 'vm-a');
  await give(lab, 'vm-b');
  await startDaemon(lab);
  const split = await alarm(lab, 'split-brain');
  t.deepEqual(new Set([split.from?.port, split.to?.port]), new Set([lab.port('vm-a'), lab.port('vm-b')]));
  t.deepEqual(new Set([split.from?.mac, split.to?.mac]), new Set([lab.mac('vm-a'), lab.mac('vm-b')]));
  t.is(split.reason, 'two-answers');
  const row = await status(lab);
  t.is(row.state, 'split-brain');
  const holder: Holder = row.holder?.port === lab.port('vm-a') ? 'vm-a' : 'vm-b';
  await checkReaches(t, lab, holder);

  // It lasts as long as both answer, however silent they are otherwise; and ends when one has gone.
  await pause(12_000);
  t.is((await status(lab)).state, 'split-brain');
  t.is((await events(lab, 'split-brain')).length, 1);
  await take(lab, other(holder));
  await eventually('it has ended', async () => (await status(lab)).state === 'held', 25_000);
  t.is((await events(lab, 'split-brain-end')).length, 1);
  t.like(await status(lab), { holder: { port: lab.port(holder) }, moves: 0 });
});

test.serial(
  'a former holder that announces again within 10 s is a split-brain; a crash failover is none',
  async (t) => {
    const lab = await pairLab(t);
    const daemon = await startDaemon(lab);
    await takeOver(lab, 'vm-a');
    await takeOver(lab, 'vm-b');
    t.deepEqual(await events(lab, ...ALARMS), []);
    await lab.sendFrames('vm-a', 'eth0', [arp({ mac: lab.mac('vm-a'), sender: VIP })]);
    const split = await alarm(lab, 'split-brain');
    t.like(split, {
      from: { port: lab.port('vm-b') },
      to: { port: lab.port('vm-a') },
      reason: 'arp-request',
    });
    const page = await metrics(lab, daemon);
    t.is(page.get('havip_split_brain'), 1);
    t.is(page.get('havip_alarms_total{kind="split-brain"}'), 1);
  },
);

/** A real master that hears nobody: what split-brain is made of. */
async function deaf(lab: Lab, guest: Holder): Promise<void> {
  const rules = 'table ip deaf { chain in { type filter hook input priority 0; ip protocol 112 drop; }; }';
  await lab.must(guest, ['nft', '-f', '-'], { input: rules });
}

test.serial(
  'masters that hear each other no more: alarm by adverts; then the survivor is found by asking',
  async (t) => {
    const lab = await pairLab(t);
    await startDaemon(lab);
    // The second burst of announcements one second after the first: here it has to be over early.
    const pair = { vrid: 51, vip: VIP, advertIntervalS: 0.2, extra: ['garp_master_delay 1'] };
    const a = await lab.keepalived('vm-a', { ...pair, priority: 150 });
    await heldBy(lab, lab.port('vm-a'));
    const b = await lab.keepalived('vm-b', { ...pair, priority: 100 });
    await b.waitFor(/Entering BACKUP STATE/);
    await pause(2000);
    t.deepEqual(await events(lab, ...ALARMS), []);
    // A master that hears one of lower priority announces again: then it would stay with vm-a.
    for (const guest of ['vm-a', 'vm-b'] as const) await deaf(lab, guest);
    await b.waitFor(/Entering MASTER STATE/);
    await heldBy(lab, lab.port('vm-b'));
    const split = await alarm(lab, 'split-brain');
    t.like(split, {
      from: { port: lab.port('vm-a') },
      to: { port: lab.port('vm-b') },
      reason: 'vrrp-advert',
    });
    t.is((await status(lab)).state, 'split-brain');
    await checkReaches(t, lab, 'vm-b');

    // The last announcer goes without a word; the survivor never stopped being master, so it says nothing either.
    await killAll(lab, 'vm-b', b.pid);
    await take(lab, 'vm-b');
    await eventually(
      'the survivor has it',
      async () => (await status(lab)).holder?.port === lab.port('vm-a'),
      20_000,
    );
    t.is((await status(lab)).holder?.by, 'verified');
    t.is((await events(lab, 'move')).at(-1)?.reason, 'verified');
    await lab.clearNeighbours('client');
    t.true((await traffic.ping(lab, 'client', VIP, 3)).received > 0);
    t.true(a.running);
  },
);

/** The parent first, so that it starts no other child. */
async function killAll(lab: Lab, guest: Holder, pid: number): Promise<void> {
  const { stdout } = await lab.exec(guest, ['pgrep', '-P', String(pid)]);
  for (const one of [pid, ...stdout.split('\n').filter(Boolean).map(Number)]) process.kill(one, 'SIGKILL');
}

const advertBy = (lab: Lab, guest: Holder, priority = 100): string =>
  vrrpAdvert({ mac: lab.mac(guest), source: ADDRESSES[guest], address: VIP, priority, intervalCs: 20 });

async function adverts(lab: Lab, guests: readonly Holder[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    for (const guest of guests) await lab.sendFrames(guest, 'eth0', [advertBy(lab, guest)]);
    await pause(150);
  }
}

test.serial('two that advertise in one interval are told before either announces', async (t) => {
  const lab = await pairLab(t);
  await startDaemon(lab);
  await takeOver(lab, 'vm-a');
  await adverts(lab, ['vm-a'], 4);
  t.deepEqual(await events(lab, ...ALARMS), []);
  await adverts(lab, ['vm-a', 'vm-b'], 6);
  const told = await alarm(lab, 'dual-active');
  t.like(told, { from: { port: lab.port('vm-b') }, to: { port: lab.port('vm-a') } });
  t.like(await status(lab), { state: 'held', moves: 0, holder: { port: lab.port('vm-a') } });
});

for (const heal of ['verify', 'alarm'] as const) {
  test.serial(`adverts say one thing and the binding another (heal: ${heal})`, async (t) => {
    const lab = await pairLab(t);
    await startDaemon(lab, { config: webConfig([{ address: VIP, heal }]) });
    await takeOver(lab, 'vm-a');
    await take(lab, 'vm-a');
    await give(lab, 'vm-b');
    await adverts(lab, ['vm-b'], 8);
    t.like(await alarm(lab, 'disagreement'), {
      from: { port: lab.port('vm-b') },
      to: { port: lab.port('vm-a') },
    });
    if (heal === 'verify') await heldBy(lab, lab.port('vm-b'));
    else await pause(5000);
    t.is((await status(lab)).holder?.port, lab.port(heal === 'verify' ? 'vm-b' : 'vm-a'));
  });
}

test.serial('a question is asked under the tags of its subnet, and claims nothing', async (t) => {
  const lab = await pairLab(t);
  const seen = await capture(lab, 'vm-a');
  await startDaemon(lab, { config: webConfig([{ address: VIP }], { vlan: [100] }) });
  const asked = (): string[] => seen.frames().filter((frame) => frame.startsWith('810000640806', 24));
  await eventually('it is asked three times', () => Promise.resolve(asked().length === 3));
  const [frame = ''] = asked();
  t.is(frame.slice(0, 12), 'ffffffffffff');
  // Sender protocol address 0.0.0.0, target the HAVIP: 18 bytes of Ethernet and tag, then 14 and 24 of ARP.
  t.is(frame.slice(2 * 32, 2 * 36), '00000000');
  t.is(frame.slice(2 * 42, 2 * 46), '0a000132');
  await seen.stop();
});
