// SPDX-License-Identifier: BSD-2-Clause
// Now and then one frame of each sender takes the bridge, rewritten, so that the bridge keeps the sender's entry and
// does not flood the answers. The clock is turned back in the map instead of being waited for.
import test from 'ava';
import { LIMITS, type Station } from '../../src/kernel/layout.gen.js';
import { HOLDER, packet4, packet6, SENDER, STALE } from './names.js';
import { ENTRIES, holderName, run, world, type Entry } from './observe.js';
import { type Situation } from './world.js';

const INTERVAL_NS = 60_000_000_000n;
const situation: Situation = {
  held: { v4: ['other', HOLDER], v6: ['other', HOLDER] },
  learnEveryNs: INTERVAL_NS,
};
const NOBODY: Station = { who: { mac: new Uint8Array(6), port: 0 }, seenNs: 0n, tick: 0n };

function arrange(): void {
  world.arrange(situation);
  const all = Array.from({ length: LIMITS.STATIONS }, (_, index) => [index, NOBODY] as const);
  world.tables.stations.setAll(all);
}

const known = (): [number, Station][] =>
  [...world.tables.stations.entries()].filter(([, station]) => station.who.port !== 0);

/** Lets time pass for every sender. */
function age(byNs: bigint): void {
  for (const [index, { who, seenNs }] of known())
    world.tables.stations.set(index, { who, seenNs: seenNs - byNs, tick: 0n });
}

const from = (mac: string): Buffer => packet4(STALE, { from: mac });
const TO_HOLDER = HOLDER.replaceAll(':', '');

const serial = (title: string, body: (t: import('ava').ExecutionContext, entry: Entry) => void): void => {
  for (const entry of ENTRIES) {
    test.serial(`${title} (${entry})`, (t) => {
      arrange();
      body(t, entry);
    });
  }
};

serial("a sender's first frame takes the bridge, rewritten; the next are redirected", (t, entry) => {
  const first = run(entry, from(SENDER));
  t.is(first.verdict, 'pass');
  t.is(first.frame, TO_HOLDER + from(SENDER).toString('hex').slice(12));
  for (let i = 0; i < 3; i++) t.is(run(entry, from(SENDER)).verdict, 'redirect');
  t.deepEqual(
    known().map(([, { who }]) => holderName(who)),
    [`guest ${SENDER}`],
  );
});

serial('within the interval it is redirected, after it one frame takes the bridge again', (t, entry) => {
  run(entry, from(SENDER));
  age(INTERVAL_NS - 5_000_000_000n);
  t.is(run(entry, from(SENDER)).verdict, 'redirect');
  age(5_000_000_000n);
  t.is(run(entry, from(SENDER)).verdict, 'pass');
  t.is(run(entry, from(SENDER)).verdict, 'redirect');
});

serial('what took the bridge counts as delivered', (t, entry) => {
  run(entry, from(SENDER));
  run(entry, from(SENDER));
  const packets = [...world.tables.havip_counters.entries()].flatMap(([, cpus]) =>
    cpus.map(({ packets }) => packets),
  );
  t.is(
    packets.reduce((sum, count) => sum + count, 0n),
    2n,
  );
});

serial('each sender takes its own turn', (t, entry) => {
  t.is(run(entry, from(SENDER)).verdict, 'pass');
  t.is(run(entry, from(STALE)).verdict, 'pass');
  t.is(run(entry, from(SENDER)).verdict, 'redirect');
  t.is(run(entry, from(STALE)).verdict, 'redirect');
});

serial('one turn serves every HAVIP that the sender talks to', (t, entry) => {
  t.is(run(entry, from(SENDER)).verdict, 'pass');
  t.is(run(entry, packet6()).verdict, 'redirect');
});

serial('a sender that has moved to another port is learned anew', (t, entry) => {
  t.is(run(entry, from(SENDER)).verdict, 'pass');
  world.writePort({ ...situation, in: 'tap' });
  t.is(run(entry, from(SENDER)).verdict, 'pass');
  t.is(run(entry, from(SENDER)).verdict, 'redirect');
});

serial('senders of one hash cost each other the fast path, never a frame', (t, entry) => {
  run(entry, from(SENDER));
  const [[index] = []] = known();
  if (index === undefined) return t.fail('the sender was not remembered');
  world.tables.stations.set(index, {
    who: { mac: Buffer.from('020000000077', 'hex'), port: 9 },
    seenNs: 1n,
    tick: 0n,
  });
  const again = run(entry, from(SENDER));
  t.is(again.verdict, 'pass');
  t.is(again.frame.slice(0, 12), TO_HOLDER);
  t.is(run(entry, from(SENDER)).verdict, 'redirect');
});

serial('a bridge that never forgets asks for no turns', (t, entry) => {
  world.writePort({ ...situation, learnEveryNs: 0n });
  t.is(run(entry, from(SENDER)).verdict, 'redirect');
  t.deepEqual(known(), []);
});

serial('what is not redirected anyway takes no turn', (t, entry) => {
  world.arrange({ ...situation, held: { v4: ['host', HOLDER] } });
  t.is(run(entry, from(SENDER)).verdict, 'pass');
  world.arrange({ ...situation, held: {} });
  t.is(run(entry, from(SENDER)).verdict, 'pass');
  t.deepEqual(known(), []);
});
