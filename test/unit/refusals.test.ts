// SPDX-License-Identifier: BSD-2-Clause
// Refused claims, told once a second with how many there were: by the ring, and by the sweep for what came after it.
import test from 'ava';
import { Refusals, type RefusalNews } from '../../src/control/refusals.js';
import { CLAIM_RESULT } from '../../src/kernel/layout.gen.js';
import { fakeTables, type FakeTables } from './fake-maps.js';

const MS = 1_000_000n;
const MAC = '02:00:00:00:00:0a';
const HAVIP = 3;
const { REFUSED_NOT_MEMBER, REFUSED_SPOOF } = CLAIM_RESULT;

/** What the programs do: count, and ring where they have not for a second. */
class Kernel {
  readonly maps: FakeTables = fakeTables({ havips: 4, ports: 8 });

  refuse(count: number, atMs: number, result: number = REFUSED_NOT_MEMBER, port = 2): { rings: boolean } {
    const key = { havip: HAVIP, port, result };
    const before = this.maps.refusals.get(key);
    const nowNs = BigInt(atMs) * MS;
    const rings = !before || nowNs - before.toldNs >= 1000n * MS;
    const by = { mac: Buffer.from(MAC.replaceAll(':', ''), 'hex'), port };
    const total = (before?.total ?? 0n) + BigInt(count);
    this.maps.refusals.set(key, { total, toldNs: rings ? nowNs : before.toldNs, by, kind: 1n });
    return { rings };
  }
}

const record = (atMs: number, result: number = REFUSED_NOT_MEMBER, port = 2) => ({
  claim: { havip: HAVIP, by: { port, mac: MAC }, kind: 1, tsNs: BigInt(atMs) * MS },
  result,
});
const news = (count: number, atMs: number, result: number = REFUSED_NOT_MEMBER, port = 2): RefusalNews => ({
  havip: HAVIP,
  by: { port, mac: MAC },
  result,
  count,
  tsNs: BigInt(atMs) * MS,
});
const sweep = (refusals: Refusals, atMs: number): RefusalNews[] => refusals.sweep(BigInt(atMs) * MS);

test('the first refusal is told when it rings', (t) => {
  const kernel = new Kernel();
  const refusals = new Refusals(kernel.maps.refusals);
  kernel.refuse(1, 10);
  t.deepEqual(refusals.rang(record(10)), news(1, 10));
  t.deepEqual(sweep(refusals, 20), []);
});

test('a flood is told with all that had come by the time of reading', (t) => {
  const kernel = new Kernel();
  const refusals = new Refusals(kernel.maps.refusals);
  kernel.refuse(1000, 10);
  t.deepEqual(refusals.rang(record(10)), news(1000, 10));
});

test('what comes after the ring is told by the sweep, once', (t) => {
  const kernel = new Kernel();
  const refusals = new Refusals(kernel.maps.refusals);
  kernel.refuse(1, 10);
  refusals.rang(record(10));
  kernel.refuse(41, 200);
  t.deepEqual(sweep(refusals, 900), [news(41, 900)]);
  t.deepEqual(sweep(refusals, 1900), []);
});

test('a sweep that finds nothing yet still looks again within the second', (t) => {
  const kernel = new Kernel();
  const refusals = new Refusals(kernel.maps.refusals);
  kernel.refuse(1, 10);
  refusals.rang(record(10));
  t.deepEqual(sweep(refusals, 50), []);
  t.false(kernel.refuse(4, 500).rings);
  t.deepEqual(sweep(refusals, 1050), [news(4, 1050)]);
});

test('after a quiet second a flood is asked for only when it rings again', (t) => {
  const kernel = new Kernel();
  const refusals = new Refusals(kernel.maps.refusals);
  kernel.refuse(1, 10);
  refusals.rang(record(10));
  t.deepEqual(sweep(refusals, 1010), []);
  t.true(kernel.refuse(3, 1200).rings);
  t.deepEqual(sweep(refusals, 2010), []);
  t.deepEqual(refusals.rang(record(1200)), news(3, 1200));
});

test('each port and reason has its own count', (t) => {
  const kernel = new Kernel();
  const refusals = new Refusals(kernel.maps.refusals);
  kernel.refuse(2, 10);
  kernel.refuse(3, 10, REFUSED_SPOOF);
  kernel.refuse(4, 10, REFUSED_NOT_MEMBER, 5);
  t.deepEqual(refusals.rang(record(10, REFUSED_SPOOF)), news(3, 10, REFUSED_SPOOF));
  t.deepEqual(refusals.rang(record(10, REFUSED_NOT_MEMBER, 5)), news(4, 10, REFUSED_NOT_MEMBER, 5));
  t.deepEqual(refusals.rang(record(10)), news(2, 10));
});

test('a second ring of what was told already says nothing', (t) => {
  const kernel = new Kernel();
  const refusals = new Refusals(kernel.maps.refusals);
  kernel.refuse(2, 10);
  refusals.rang(record(10));
  t.is(refusals.rang(record(10)), null);
});

test('an entry that made room for others and came back counts from one again', (t) => {
  const kernel = new Kernel();
  const refusals = new Refusals(kernel.maps.refusals);
  kernel.refuse(50, 10);
  refusals.rang(record(10));
  kernel.maps.refusals.delete({ havip: HAVIP, port: 2, result: REFUSED_NOT_MEMBER });
  kernel.refuse(7, 1200);
  t.deepEqual(refusals.rang(record(1200)), news(7, 1200));
});

test('an entry that has made room by the time of reading is not told', (t) => {
  const kernel = new Kernel();
  t.is(new Refusals(kernel.maps.refusals).rang(record(10)), null);
});

test('what an earlier run told is not told again', (t) => {
  const kernel = new Kernel();
  kernel.refuse(50, 10);
  const restarted = new Refusals(kernel.maps.refusals);
  kernel.refuse(5, 1200);
  t.deepEqual(restarted.rang(record(1200)), news(5, 1200));
});
