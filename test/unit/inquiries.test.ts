// SPDX-License-Identifier: BSD-2-Clause
// When the subnet is asked who has an address, and what the answers mean.
import test from 'ava';
import { Inquiries } from '../../src/holders/inquiries.js';
import { holder, MS, V, type Party } from './registry-world.js';

const ns = (ms: number): bigint => BigInt(1000 + ms) * MS;

/** Asks by itself: 'ask' and 'heal b' at the milliseconds at which they come. */
function story(
  inquiries: Inquiries,
  answers: (ms: number) => readonly (readonly [Party, boolean])[] = () => [],
): string[] {
  const told: string[] = [];
  for (let next = inquiries.nextDueNs(); next !== null; next = inquiries.nextDueNs()) {
    const ms = Number(next / MS) - 1000;
    const { search, verify, heal } = inquiries.due(next);
    const ask = [...search, ...verify];
    if (ask.length) told.push(`ask ${ms}`);
    for (const { to } of heal) told.push(`heal ${to.mac.replace('mac ', '')} ${ms}`);
    if (ask.length) for (const [by, isHolder] of answers(ms)) inquiries.answered(V, holder(by), isHolder);
  }
  return told;
}

function verifying(): Inquiries {
  const inquiries = new Inquiries();
  inquiries.verify(V, ns(0));
  return inquiries;
}

test('a search asks at once, after 300 and after 600 ms', (t) => {
  const inquiries = new Inquiries();
  inquiries.search([V], ns(0));
  t.deepEqual(story(inquiries), ['ask 0', 'ask 300', 'ask 600']);
});

test('found, it asks no more, but an answer is still one for a second', (t) => {
  const inquiries = new Inquiries();
  inquiries.search([V], ns(0));
  t.is(inquiries.askedNs(V), 0n);
  t.deepEqual(inquiries.due(ns(0)), { search: [V], verify: [], heal: [] });
  inquiries.found(V);
  t.false(inquiries.isOpen(V));
  t.is(inquiries.askedNs(V), ns(0));
  t.deepEqual(inquiries.due(ns(999)), { search: [], verify: [], heal: [] });
  t.is(inquiries.askedNs(V), ns(0));
  t.deepEqual(inquiries.due(ns(1000)), { search: [], verify: [], heal: [] });
  t.is(inquiries.askedNs(V), 0n);
  t.is(inquiries.nextDueNs(), null);
});

test('those of one search are asked for together; one that is found or ended is not asked for again', (t) => {
  const inquiries = new Inquiries();
  inquiries.search([1, 2, 3, 4], ns(0));
  inquiries.search([4, 5], ns(100));
  const asked = (ms: number): number[] => [...inquiries.due(ns(ms)).search];
  t.deepEqual(asked(0), [1, 2, 3, 4]);
  t.deepEqual(asked(100), [5]);
  inquiries.found(2);
  inquiries.end(3);
  inquiries.verify(4, ns(5000));
  t.deepEqual(asked(300), [1]);
  t.deepEqual(
    [1, 2, 3, 5].map((havip) => inquiries.isOpen(havip)),
    [true, false, false, true],
  );
});

test('one that is not the holder answers every time, and alone: it is the holder', (t) => {
  t.deepEqual(
    story(verifying(), () => [['b', false]]),
    ['ask 0', 'ask 1000', 'ask 2000', 'heal b 3000'],
  );
});

const ASKED = ['ask 0', 'ask 1000', 'ask 2000'];

test('nobody answers', (t) => {
  t.deepEqual(story(verifying()), ASKED);
});
test('the holder answers, be it once', (t) => {
  t.deepEqual(
    story(verifying(), (ms) =>
      ms === 1000
        ? [
            ['b', false],
            ['a', true],
          ]
        : [['b', false]],
    ),
    ASKED,
  );
});
test('another misses one', (t) => {
  t.deepEqual(
    story(verifying(), (ms) => (ms === 2000 ? [] : [['b', false]])),
    ASKED,
  );
});
test('two answer', (t) => {
  t.deepEqual(
    story(verifying(), () => [
      ['b', false],
      ['c', false],
    ]),
    ASKED,
  );
});
test('first one, then another', (t) => {
  t.deepEqual(
    story(verifying(), (ms) => [[ms === 0 ? 'b' : 'c', false]]),
    ASKED,
  );
});
test('under another MAC of the same port', (t) => {
  t.deepEqual(
    story(verifying(), (ms) => [[ms === 0 ? 'a' : 'A', false]]),
    ASKED,
  );
});

test('a move in the middle begins it anew', (t) => {
  const inquiries = verifying();
  inquiries.due(ns(0));
  inquiries.answered(V, holder('b'), false);
  inquiries.moved(V, ns(500));
  t.deepEqual(
    story(inquiries, () => [['b', false]]),
    ['ask 500', 'ask 1500', 'ask 2500', 'heal b 3500'],
  );
});

test('an answer before the question is none', (t) => {
  const inquiries = verifying();
  inquiries.answered(V, holder('b'), false);
  t.deepEqual(story(inquiries), ASKED);
});
