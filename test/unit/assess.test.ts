// SPDX-License-Identifier: BSD-2-Clause
// A failover's stamps -> outage, shares, what was to be expected, and one sentence.
import test from 'ava';
import { assess, type Facts } from '../../src/holders/assess.js';
import type { Dossier, Stamps } from '../../src/holders/dossier.js';

const MS = 1_000_000n;
const T = 2n ** 53n;
const at = (ms: number): bigint => T + BigInt(Math.round(ms * 1e6));

const NOT_SEEN: Stamps = {
  ...{ lastToOldNs: null, lastFromOldNs: null, firstMissedNs: null, lastAdvertNs: null, resignedNs: null },
  ...{ releasedNs: null, firstSignNs: null, announcedNs: at(3600), writtenNs: at(3600.001) },
  ...{ firstToNewNs: null, firstFromNewNs: null },
};

/** Killed, its link down, under keepalived's defaults, while somebody sends 10,000 packets a second. */
const CRASH: Stamps = {
  ...{ lastAdvertNs: at(-400), lastFromOldNs: at(0), lastToOldNs: at(1), firstMissedNs: at(0.1) },
  ...{ resignedNs: null, releasedNs: at(2), firstSignNs: at(3599.5), announcedNs: at(3600) },
  ...{ writtenNs: at(3600.001), firstToNewNs: at(3600.1), firstFromNewNs: at(3600.4) },
};

const facts = (stamps: Stamps, more: Partial<Facts> = {}): Facts => ({
  ...{
    id: 1,
    network: 'blue',
    subnet: 'web',
    address: '10.0.1.50',
    reason: 'arp-request',
    releaseReason: '',
  },
  from: { port: 'tap-a', mac: '02:00:00:00:00:0a' },
  to: { port: 'tap-b', mac: '02:00:00:00:00:0b' },
  announcedWallNs: 0n,
  stamps,
  vrrp: { vrid: 51, intervalNs: 1000n * MS, oldPriority: 150, newPriority: 100 },
  ...{ vrrpVersion: 2, missed: 36_000n, heldBack: false },
  ...more,
});

const shares = ({ stages }: Dossier): string[] =>
  stages.map(({ name, share, startNs, endNs }) => `${name} ${share} ${Number(endNs - startNs) / 1e6}`);

test('a crash: the guests notice, the network takes a microsecond', (t) => {
  const found = assess(facts(CRASH), true);
  t.is(found.basis, 'answers');
  t.is(found.outageNs, at(3600.4) - at(0));
  t.deepEqual(shares(found), [
    'notice guests 3599.5',
    'take-over guests 0.5',
    're-point network 0.001',
    'wait traffic 0.099',
    'answer guests 0.3',
  ]);
  t.is(found.guestsNs, 3_600_300_000n);
  t.is(found.networkNs, 1000n);
  t.is(found.expectedGuestsNs, 3_609_375_000n, '3 x 1 s + (256 - 100) / 256 s');
  t.regex(found.advice, /3\.60 s to notice \(3\.61 s by RFC 9568.*advert_int 0\.1 would/);
});

test('the skew of version 3 is a part of the interval', (t) => {
  const vrrp = { vrid: 51, intervalNs: 100n * MS, oldPriority: 150, newPriority: 100 };
  t.is(assess(facts(CRASH, { vrrp, vrrpVersion: 3 }), true).expectedGuestsNs, 300n * MS + 60_937_500n);
  t.is(assess(facts(CRASH, { vrrp, vrrpVersion: 2 }), true).expectedGuestsNs, 300n * MS + 609_375_000n);
});

test('a goodbye: only the skew is to be expected, and nothing to tune', (t) => {
  const stamps = {
    ...CRASH,
    lastAdvertNs: at(-400),
    resignedNs: at(0.5),
    firstSignNs: null,
    releasedNs: null,
  };
  const soon = { announcedNs: at(5), writtenNs: at(5.001), firstToNewNs: at(5.1), firstFromNewNs: at(5.3) };
  const found = assess(facts({ ...stamps, ...soon }, { missed: 50n }), true);
  t.is(found.expectedGuestsNs, 609_375_000n);
  t.deepEqual(shares(found).slice(0, 2), ['notice guests 0.5', 'take-over guests 4.5']);
  t.is(found.advice, 'Nothing to tune: the old master said goodbye, and the new one took over in 5.3 ms.');
});

test('without VRRP nothing is expected, and the announcement is what ends the wait', (t) => {
  const found = assess(facts({ ...CRASH, lastAdvertNs: null, firstSignNs: null }, { vrrp: null }), true);
  t.is(found.expectedGuestsNs, null);
  t.is(shares(found)[0], 'notice guests 3600');
});

test('two that answer at once are no outage', (t) => {
  const both = { ...CRASH, lastFromOldNs: at(3600.5), firstMissedNs: null };
  const found = assess(facts(both, { missed: 0n }), true);
  t.deepEqual([found.outageNs, found.guestsNs, found.stages], [0n, 0n, []]);
});

test('a client that rested before the crash: its last acknowledgement is no cry for help', (t) => {
  const rested = {
    ...CRASH,
    lastFromOldNs: at(-60_000),
    lastToOldNs: at(-59_999),
    firstMissedNs: at(-59_999),
  };
  const found = assess(facts(rested, { missed: 1n }), true);
  t.deepEqual([found.basis, found.outageNs, found.guestsNs], ['none', null, null]);
  t.is(found.advice, 'Nobody sent anything while nobody answered, so no outage was seen.');
});

test('one that came back in the middle: the outage begins with its first packet', (t) => {
  const late = { ...CRASH, lastFromOldNs: at(-60_000), lastToOldNs: at(-59_999), firstMissedNs: at(1000) };
  t.is(assess(facts(late, { missed: 5n }), true).outageNs, at(3600.4) - at(1000));
});

test('a stream that nobody ever answers: by deliveries', (t) => {
  const found = assess(
    facts({ ...CRASH, lastFromOldNs: null, firstFromNewNs: null, firstMissedNs: at(-9) }),
    true,
  );
  t.deepEqual([found.basis, found.outageNs], ['deliveries', at(3600.1) - at(1)]);
  t.is(shares(found).at(-1), 'wait traffic 0.099');
});

test('a new holder that has not answered yet leaves it open', (t) => {
  const found = assess(facts({ ...CRASH, firstFromNewNs: null }), false);
  t.deepEqual([found.outageNs, found.complete], [null, false]);
});

test('nothing seen at all', (t) => {
  const found = assess(facts(NOT_SEEN, { vrrp: null, missed: 0n }), true);
  t.deepEqual([found.outageNs, found.stages], [null, []]);
  t.regex(found.advice, /No packet has come/);
});

const advises = test.macro((t, stamps: Partial<Stamps>, more: Partial<Facts>, words: RegExp) => {
  t.regex(assess(facts({ ...CRASH, ...stamps }, more), true).advice, words);
});

test(
  'a network that is slow is told to decide in the kernel',
  advises,
  {
    ...{ firstSignNs: at(1), announcedNs: at(2), writtenNs: at(400), firstToNewNs: at(401) },
    firstFromNewNs: at(402),
  },
  {},
  /^The network took 398\.0 ms to follow the announcement: use rebind: kernel/,
);
test(
  'a claimant that was held back is told why',
  advises,
  {},
  { heldBack: true },
  /move budget was spent.*damping\.moves/,
);
test(
  'a service that starts late is told so',
  advises,
  { firstToNewNs: at(3601), firstFromNewNs: at(9000) },
  {},
  /took 5\.40 s to answer its first packet/,
);
test(
  'scripts between election and announcement are told so',
  advises,
  { firstSignNs: at(1) },
  {},
  /announces|announced the address 3\.60 s after its first sign/,
);
test(
  'a fast timer can only be beaten by a goodbye',
  advises,
  {},
  { vrrp: { vrid: 1, intervalNs: 100n * MS, oldPriority: 1, newPriority: 1 } },
  /only a goodbye is faster/,
);
test(
  'clients that come late are not the guests’ fault',
  advises,
  {
    ...{ firstSignNs: at(1), announcedNs: at(2), writtenNs: at(2.001) },
    firstToNewNs: at(3000),
    firstFromNewNs: at(3001),
  },
  {},
  /^Nobody sent anything for 3\.00 s/,
);
