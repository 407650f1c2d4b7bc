// SPDX-License-Identifier: BSD-2-Clause
// What stays of claims from frame to frame: the `claims` map keeps the newest of each (HAVIP, port), the ring is the
// doorbell, refusals ring once a second. Nothing is lost without being counted.
import test from 'ava';
import { CLAIM_KIND, CLAIM_RESULT } from '../../src/kernel/layout.gen.js';
import { readClaims } from '../../src/control/claims.js';
import { decodeBatch } from '../../src/control/records.js';
import { Record as RecordRow } from '../../src/kernel/layout.gen.js';
import { announceReply, announceRequest, answer, HOLDER, question, SENDER, STALE } from './names.js';
import { ENTRIES, holderName, observe, run, takeRing, told, world, type Entry } from './observe.js';
import { HAVIP, PORTS, TAG, type Situation } from './world.js';

const SECOND_NS = 1_000_000_000n;
const others: Situation = { held: { v4: ['other', HOLDER] } };
const announceAs = (mac: string): Buffer => announceRequest({}, { from: mac });

const serial = (
  title: string,
  body: (t: import('ava').ExecutionContext, entry: Entry) => void | Promise<void>,
): void => {
  for (const entry of ENTRIES) test.serial(`${title} (${entry})`, (t) => body(t, entry));
};

serial(
  'a burst of five from a new holder rings five times, in order, and leaves one row',
  async (t, entry) => {
    world.arrange(others);
    takeRing();
    const beforeNs = process.hrtime.bigint();
    run(entry, announceReply(), 5);
    const afterNs = process.hrtime.bigint();
    const rung = takeRing();
    const stamps = rung.map(({ tsNs }) => tsNs);
    t.is(rung.length, 5);
    t.deepEqual(
      stamps,
      [...new Set(stamps)].sort((a, b) => Number(a - b)),
    );
    t.true(
      stamps.every((stamp) => stamp >= beforeNs && stamp <= afterNs),
      'stamps are of CLOCK_MONOTONIC',
    );
    const rows = await readClaims(world.tables.claims);
    const newest = {
      havip: HAVIP.v4,
      by: { port: PORTS.guest.slot, mac: SENDER },
      kind: CLAIM_KIND.ARP_REPLY,
    };
    t.deepEqual(rows, [{ claim: { ...newest, tsNs: stamps[4] ?? 0n }, result: CLAIM_RESULT.CLAIM }]);
  },
);

serial("a ring record means to the loader what the map's row means", async (t, entry) => {
  world.arrange(others);
  takeRing();
  run(entry, announceRequest());
  const rung = takeRing();
  const records = Buffer.concat(rung.map((record) => RecordRow.encode(record)));
  t.deepEqual(decodeBatch(records, rung.length).claims, await readClaims(world.tables.claims));
});

serial('a holder that repeats itself writes nothing and rings nothing', (t, entry) => {
  world.arrange({ held: { v4: ['guest', SENDER] } });
  const seen = observe(entry, announceReply(), 5);
  t.deepEqual(seen.counted, { 'guest ARP_REPLY REFRESH': 5n });
  t.deepEqual([seen.claims, seen.ring, seen.refusals], [[], [], []]);
});

serial('a claim is a refresh as soon as the loader has bound it', (t, entry) => {
  world.arrange(others);
  t.is(observe(entry, announceRequest()).ring.length, 1);
  t.is(observe(entry, announceRequest()).ring.length, 1, 'not bound yet: rings again');
  world.bind('v4', ['guest', SENDER]);
  t.deepEqual(observe(entry, announceRequest()).ring, []);
});

serial("the holder's announcement after another's claim rings again, once", (t, entry) => {
  world.arrange(others);
  run(entry, announceRequest());
  world.writePort({ in: 'other' });
  const back = observe(entry, announceAs(HOLDER));
  const record = { havip: 'v4', by: `other ${HOLDER}`, kind: 'ARP_REQUEST', result: 'CLAIM' };
  t.deepEqual(back.ring, [record]);
  t.is(back.newest.v4, `other ${HOLDER}`);
  t.deepEqual(observe(entry, announceAs(HOLDER)).ring, []);
});

serial("questions and answers of another member do not make the holder's repeat a claim", (t, entry) => {
  world.arrange(others);
  run(entry, question());
  run(entry, answer());
  world.writePort({ in: 'other' });
  t.deepEqual(observe(entry, announceAs(HOLDER)).ring, []);
});

serial('the newest claim of each port and HAVIP is kept, and no other', (t, entry) => {
  world.arrange(others);
  run(entry, announceAs(SENDER));
  run(entry, announceAs(STALE));
  run(entry, announceRequest({}, { tags: [{ id: TAG.outer }] }));
  world.writePort({ in: 'tap' });
  run(entry, announceReply());
  const rows = [...world.tables.claims.entries()];
  const claim = (havip: string, by: string, kind: string) => ({ havip, by, kind, result: 'CLAIM' });
  t.deepEqual(
    rows.map(([, row]) => told(row)).sort((a, b) => `${a.havip} ${a.by}`.localeCompare(`${b.havip} ${b.by}`)),
    [
      claim('tagged', `guest ${SENDER}`, 'ARP_REQUEST'),
      claim('v4', `guest ${STALE}`, 'ARP_REQUEST'),
      claim('v4', `tap ${SENDER}`, 'ARP_REPLY'),
    ],
  );
  for (const [key, row] of rows) t.deepEqual(key, { havip: row.havip, port: row.by.port });
});

serial('a flood of refused claims rings once, and the map has the total', (t, entry) => {
  world.arrange({ ...others, flags: 0 });
  const seen = observe(entry, announceRequest(), 1000);
  const refused = { havip: 'v4', by: `guest ${SENDER}`, kind: 'ARP_REQUEST', result: 'REFUSED_NOT_MEMBER' };
  t.deepEqual(seen.ring, [refused]);
  t.deepEqual(seen.refusals, [{ ...refused, total: 1000n }]);
  t.deepEqual(seen.counted, { 'guest ARP_REQUEST REFUSED_NOT_MEMBER': 1000n });
  t.deepEqual(seen.claims, []);
});

serial('refusals of another port, HAVIP or reason ring for themselves', (t, entry) => {
  world.arrange({ ...others, flags: 0 });
  t.is(observe(entry, announceRequest()).ring.length, 1);
  t.is(observe(entry, announceRequest({}, { tags: [{ id: TAG.outer }] })).ring.length, 1, 'another HAVIP');
  world.writePort({ in: 'tap' });
  t.is(observe(entry, announceRequest()).ring.length, 1, 'another port');
  world.arrange(others);
  t.is(observe(entry, announceRequest({ senderMac: STALE }, { from: SENDER })).ring.length, 1);
  t.is(observe(entry, announceRequest({ hardwareType: 6 })).ring.length, 1, 'another reason');
  t.is(observe(entry, announceReply({ hardwareType: 6 })).ring.length, 0, 'another form is no other reason');
});

serial('a second after it rang a refusal rings again, with the latest claimant', (t, entry) => {
  world.arrange({ ...others, flags: 0 });
  run(entry, announceAs(SENDER), 10);
  const [[key, row] = []] = [...world.tables.refusals.entries()];
  if (!key || !row) return t.fail('nothing was refused');
  world.tables.refusals.set(key, { ...row, toldNs: row.toldNs - SECOND_NS + 300_000_000n });
  t.deepEqual(observe(entry, announceAs(SENDER)).ring, [], '0.7 s are not enough');
  world.tables.refusals.set(key, { ...row, total: 11n, toldNs: row.toldNs - SECOND_NS });
  const seen = observe(entry, announceAs(STALE), 5);
  const refused = { havip: 'v4', by: `guest ${STALE}`, kind: 'ARP_REQUEST', result: 'REFUSED_NOT_MEMBER' };
  t.deepEqual(seen.ring, [refused]);
  t.deepEqual(seen.refusals, [{ ...refused, total: 16n }]);
});

serial('a full ring is counted, and the map still has the newest claim', (t, entry) => {
  world.arrange(others);
  takeRing();
  run(entry, announceAs(STALE), 1000);
  run(entry, announceAs(SENDER));
  const rung = takeRing();
  const lost = Number(world.tables.losses.sum(0)?.ringFull);
  t.true(
    rung.length > 40 && rung.length < 60,
    `a ring of one page holds about 51 records, not ${rung.length}`,
  );
  t.is(rung.length + lost, 1001);
  t.true(rung.every(({ by }) => holderName(by) === `guest ${STALE}`));
  t.deepEqual(
    [...world.tables.claims.entries()].map(([, row]) => told(row)),
    [{ havip: 'v4', by: `guest ${SENDER}`, kind: 'ARP_REQUEST', result: 'CLAIM' }],
  );
  t.is(observe(entry, announceAs(SENDER)).ring.length, 1, 'a ring that was emptied rings again');
});

serial('a full `claims` map is counted, and the ring still carries the claim', (t, entry) => {
  world.arrange(others);
  const { claims } = world.tables;
  const row = { tsNs: 1n, by: { mac: new Uint8Array(6), port: 1 }, havip: 7, kind: 1, result: 1 };
  for (let port = 1; port <= claims.maxEntries; port++) claims.set({ havip: 7, port: 1000 + port }, row);
  takeRing();
  const { frame } = run(entry, announceRequest());
  t.deepEqual(world.tables.losses.sum(0), { ringFull: 0n, claimsFull: 1n });
  t.is(takeRing().length, 1);
  t.is(frame, announceRequest().toString('hex'));
  world.arrange({});
});
