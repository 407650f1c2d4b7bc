// SPDX-License-Identifier: BSD-2-Clause
// A real keepalived pair under a stream from a client that believes in a MAC that nobody has: crashes, goodbyes and
// preemption. What the guests take is theirs; the network adds next to nothing to it.
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import type { Child } from '../../src/lab/process.js';
import { VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { events, heldBy, startDaemon, status, type EventLine } from '../support/daemon.js';
import { requireRoot } from '../support/lab.js';
import { other, pairLab, type Holder, type Kind } from '../support/pair.js';

test.before(requireRoot);

const PAIR = { vrid: 51, vip: VIP, advertIntervalS: 0.2 };
const PRIORITY = { 'vm-a': 150, 'vm-b': 100 } as const;

interface Pair {
  readonly lab: Lab;
  readonly stream: Awaited<ReturnType<typeof traffic.sendStream>>;
  readonly echoes: Record<Holder, Awaited<ReturnType<typeof traffic.echoStream>>>;
  start(guest: Holder): Promise<Child>;
}

/** Without us not a packet of the stream would arrive anywhere. */
const NOBODYS_MAC = '02:00:00:00:00:99';

/** vm-a is the master, vm-b stands by, the stream is under way. */
async function runningPair(t: ExecutionContext, kind: Kind): Promise<Pair & { a: Child; b: Child }> {
  const lab = await pairLab(t, { 'vm-a': kind });
  await startDaemon(lab);
  const start = (guest: Holder): Promise<Child> =>
    lab.keepalived(guest, { ...PAIR, priority: PRIORITY[guest] });
  const a = await start('vm-a');
  await heldBy(lab, lab.port('vm-a'));
  const b = await start('vm-b');
  await b.waitFor(/Entering BACKUP STATE/);
  await lab.staticNeighbour('client', VIP, NOBODYS_MAC);
  const echoes = {
    'vm-a': await traffic.echoStream(lab, 'vm-a'),
    'vm-b': await traffic.echoStream(lab, 'vm-b'),
  };
  const stream = await traffic.sendStream(lab, 'client', { to: VIP, seconds: 60 });
  await pause(400);
  return { lab, start, a, b, stream, echoes };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const holders = (lab: Lab): Promise<EventLine[]> => events(lab, 'bind', 'move', 'mac-change', 'release');

/** One holder after the other, each event beginning where the one before ended: never two, never a gap unsaid. */
function checkChain(t: ExecutionContext, told: readonly EventLine[]): void {
  let holder: string | null = null;
  let last: string | null = null;
  for (const { kind, from, to, timeNs } of told) {
    t.log(`${kind} ${from?.port ?? 'nobody'} -> ${to?.port ?? 'nobody'}`);
    if (kind === 'bind') t.is(holder, null);
    else t.is(from?.port, kind === 'move' ? (last ?? '') : (holder ?? ''), `${kind} at ${timeNs}`);
    holder = to?.port ?? null;
    last = holder ?? last;
  }
  const times = told.map(({ timeNs }) => timeNs);
  t.deepEqual(
    times,
    times.toSorted((one, another) => one - another),
  );
}

/** Once the new holder is bound, not a packet goes astray; and nearly all of the outage was the guests'. */
async function checkOutage(t: ExecutionContext, pair: Pair, move: EventLine, endedNs: bigint): Promise<void> {
  const next = move.to?.port === pair.lab.port('vm-a') ? 'vm-a' : 'vm-b';
  const announcedNs = BigInt(move.timeNs);
  const boundNs = announcedNs + BigInt(move.repointNs ?? 0);
  const late = (await pair.echoes[other(next)].records()).filter(({ sendNs }) => sendNs > boundNs);
  t.is(late.length, 0, `${late.length} packets at the old holder that were sent after ${next} was bound`);
  const first = (await pair.echoes[next].records()).find(({ receiveNs }) => receiveNs > announcedNs);
  const guestsNs = Number(announcedNs - endedNs);
  const networkNs = first === undefined ? Infinity : Number(first.receiveNs - announcedNs);
  t.log(`outage: guests ${guestsNs / 1e6} ms, network ${networkNs / 1e6} ms, re-point ${move.repointNs} ns`);
  t.true(networkNs < guestsNs, 'the network took longer than the guests');
}

for (const kind of ['veth', 'tap'] as const) {
  test.serial(
    `the master on ${kind} crashes with its link: the standby is followed, and preemption back`,
    async (t) => {
      const pair = await runningPair(t, kind);
      const { lab, b, stream } = pair;
      const from = b.lines.length;
      const endedNs = process.hrtime.bigint();
      await lab.crash('vm-a', { port: 'down' });
      await b.waitFor(/Entering MASTER STATE/, { from });
      await heldBy(lab, lab.port('vm-b'));
      t.like(await status(lab), {
        state: 'held',
        moves: 1,
        holder: { mac: lab.mac('vm-b'), location: 'local' },
      });
      const [, , move] = await holders(lab);
      if (move === undefined) return t.fail('no move was told');
      await pause(300);
      await checkOutage(t, pair, move, endedNs);

      // Back with the higher priority: it takes the address from the one that has it.
      await lab.setPort('vm-a', 'up');
      pair.echoes['vm-a'] = await traffic.echoStream(lab, 'vm-a');
      const again = await pair.start('vm-a');
      await again.waitFor(/Entering MASTER STATE/);
      await heldBy(lab, lab.port('vm-a'));
      await pause(300);
      const { gaps } = await stream.finish();
      t.true(gaps.length >= 1);
      const told = await holders(lab);
      t.deepEqual(
        told.map(({ kind: one, to }) => [one, to?.port]),
        [
          ['bind', lab.port('vm-a')],
          ['release', undefined],
          ['move', lab.port('vm-b')],
          ['move', lab.port('vm-a')],
        ],
      );
      checkChain(t, told);
      t.like(await status(lab), { state: 'held', moves: 2, holder: { port: lab.port('vm-a') } });
    },
  );
}

test.serial(
  'the master is killed and its link stays up: the old one gets nothing from the new claim on',
  async (t) => {
    const pair = await runningPair(t, 'veth');
    const { lab, a, b } = pair;
    const from = b.lines.length;
    const endedNs = process.hrtime.bigint();
    // keepalived alone, with its child: the guest lives on, and still has the address.
    for (const pid of await keepalivedPids(lab, a)) process.kill(pid, 'SIGKILL');
    await b.waitFor(/Entering MASTER STATE/, { from });
    await heldBy(lab, lab.port('vm-b'));
    await pause(300);
    await pair.stream.finish();
    const told = await holders(lab);
    checkChain(t, told);
    t.deepEqual(
      told.map(({ kind }) => kind),
      ['bind', 'move'],
    );
    if (told[1] !== undefined) await checkOutage(t, pair, told[1], endedNs);
    t.true((await pair.echoes['vm-a'].records()).length > 0);
  },
);

/** The parent first, so that it starts no other child. */
async function keepalivedPids(lab: Lab, parent: Child): Promise<number[]> {
  const { stdout } = await lab.exec('vm-a', ['pgrep', '-P', String(parent.pid)]);
  return [parent.pid, ...stdout.split('\n').filter(Boolean).map(Number)];
}

test.serial('the master says goodbye (SIGTERM, priority 0): the standby takes over at once', async (t) => {
  const pair = await runningPair(t, 'tap');
  const { lab, a, b, stream } = pair;
  const from = b.lines.length;
  const endedNs = process.hrtime.bigint();
  a.kill('SIGTERM');
  await b.waitFor(/Entering MASTER STATE/, { from });
  await heldBy(lab, lab.port('vm-b'));
  await pause(300);
  t.true((await stream.finish()).lost > 0);
  const told = await holders(lab);
  checkChain(t, told);
  t.deepEqual(
    told.map(({ kind }) => kind),
    ['bind', 'move'],
  );
  if (told[1] !== undefined) await checkOutage(t, pair, told[1], endedNs);
});
