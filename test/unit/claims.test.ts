// SPDX-License-Identifier: BSD-2-Clause
// Claims from the kernel's bytes: decoded, in the order in which the frames arrived, whatever order the CPUs told
// them in; and their names for people.
import test from 'ava';
import { newestClaims, readClaims, type ClaimRecord } from '../../src/control/claims.js';
import { decodeBatch } from '../../src/control/records.js';
import { isRefusal, kindName, refusalName } from '../../src/kernel/names.js';
import { fromRow, toRow } from '../../src/control/bindings.js';
import { Record as RecordRow, CLAIM_KIND, CLAIM_RESULT } from '../../src/kernel/layout.gen.js';
import { fakeTables } from './fake-maps.js';

const { CLAIM, REFUSED_NOT_MEMBER } = CLAIM_RESULT;
const EMPTY = RecordRow.decode(Buffer.alloc(RecordRow.size));
const row = (havip: number, tsNs: bigint, port = 1, result: number = CLAIM): RecordRow => ({
  ...EMPTY,
  tsNs,
  by: { mac: Buffer.from([2, 0, 0, 0, 0, port]), port },
  havip,
  kind: CLAIM_KIND.ARP_REPLY,
  result,
});
const batch = (...rows: readonly RecordRow[]): [Buffer, number] => [
  Buffer.concat(rows.map((one) => RecordRow.encode(one))),
  rows.length,
];
const claimsOf = (records: Buffer, count: number): ClaimRecord[] => decodeBatch(records, count).claims;
const stamps = (records: ReturnType<typeof claimsOf>): bigint[] => records.map(({ claim }) => claim.tsNs);

test('a record says who claims what, when and how', (t) => {
  t.deepEqual(claimsOf(...batch(row(7, 12n, 3))), [
    {
      claim: { havip: 7, by: { port: 3, mac: '02:00:00:00:00:03' }, kind: CLAIM_KIND.ARP_REPLY, tsNs: 12n },
      result: CLAIM,
    },
  ]);
});

test('records are ordered by when the frames arrived', (t) => {
  t.deepEqual(stamps(claimsOf(...batch(row(1, 30n), row(2, 10n), row(3, 20n)))), [10n, 20n, 30n]);
});

test('stamps that differ beyond 53 bits are ordered too', (t) => {
  const base = 1n << 60n;
  t.deepEqual(stamps(claimsOf(...batch(row(1, base + 2n), row(2, base + 1n)))), [base + 1n, base + 2n]);
});

test('records of one instant keep the order of the ring', (t) => {
  const records = claimsOf(...batch(row(5, 10n), row(4, 10n), row(6, 10n)));
  t.deepEqual(
    records.map(({ claim }) => claim.havip),
    [5, 4, 6],
  );
});

test('of several claims for one HAVIP the newest is left, of others too', (t) => {
  const records = claimsOf(...batch(row(1, 30n, 3), row(2, 15n, 4), row(1, 10n, 1), row(1, 20n, 2)));
  t.deepEqual(
    newestClaims(records).map(({ claim }) => `${claim.havip} ${claim.by.port}`),
    ['2 4', '1 3'],
  );
});

test('an answer to one station, however new, does not hide an announcement', (t) => {
  const answer = { ...row(1, 20n, 2), kind: CLAIM_KIND.ARP_ANSWER };
  const left = newestClaims(claimsOf(...batch(row(1, 10n, 1), answer)));
  t.deepEqual(
    left.map(({ claim }) => claim.by.port),
    [1],
  );
  t.deepEqual(
    newestClaims(claimsOf(...batch(answer))).map(({ claim }) => claim.onlyUnheld),
    [true],
  );
});

test('refusals stand beside the claims, each of them', (t) => {
  const refused = (tsNs: bigint) => row(1, tsNs, 2, REFUSED_NOT_MEMBER);
  const records = claimsOf(...batch(refused(40n), row(1, 30n), refused(10n), refused(20n)));
  t.deepEqual(
    records.filter(({ result }) => isRefusal(result)).map(({ claim }) => claim.tsNs),
    [10n, 20n, 40n],
  );
  t.deepEqual(
    records.filter(({ result }) => !isRefusal(result)).map(({ claim }) => claim.tsNs),
    [30n],
  );
});

test("a record of slot 0 is nobody's", (t) => {
  t.deepEqual(claimsOf(...batch(row(1, 10n, 0))), []);
});

test('an empty batch is empty', (t) => {
  t.deepEqual(claimsOf(Buffer.alloc(0), 0), []);
});

test("the map's claims come oldest first, every port's own", async (t) => {
  const { claims } = fakeTables({ havips: 4, ports: 8 });
  for (const one of [row(1, 30n, 2), row(1, 10n, 1), row(2, 20n, 1), row(3, 5n, 0)]) {
    claims.set({ havip: one.havip, port: one.by.port }, one);
  }
  t.deepEqual(stamps(await readClaims(claims)), [10n, 20n, 30n]);
});

const named = test.macro((t, actual: string, expected: string) => t.is(actual, expected));
test('a kind in words', named, kindName(CLAIM_KIND.ARP_REQUEST), 'arp-request');
test('a kind that this build does not know is a number', named, kindName(99), 'kind-99');
test('a refusal in words', named, refusalName(REFUSED_NOT_MEMBER), 'not-member');
test('a spoof in words', named, refusalName(CLAIM_RESULT.REFUSED_SPOOF), 'spoof');

test('the results that are refusals', (t) => {
  const refusals = Object.entries(CLAIM_RESULT).filter(
    ([name, value]) => name !== 'COUNT' && isRefusal(value),
  );
  t.deepEqual(
    refusals.map(([name]) => name),
    Object.keys(CLAIM_RESULT).filter((name) => name.startsWith('REFUSED_')),
  );
});

test('a binding and its row say the same, also where nobody holds it', (t) => {
  const former = { port: 4, mac: '02:00:00:00:00:04' };
  for (const holder of [former, null]) {
    const binding = { holder, former, sinceNs: 1n << 60n, moves: 9, by: 2 };
    t.deepEqual(fromRow(toRow(7, binding)), binding);
    t.is(toRow(7, binding).havip, 7);
  }
});
