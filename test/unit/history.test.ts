// SPDX-License-Identifier: BSD-2-Clause
// The kept events: bounds, gaps, and readers that come and go or are slow.
import test from 'ava';
import { Subscriber } from '../../src/api/subscriber.js';
import type { EventDelivery } from '../../src/api/types.js';
import { History } from '../../src/observe/history.js';
import type { EventRecord } from '../../src/observe/messages.js';

const event = (seq: number): EventRecord => ({
  ...{
    seq,
    kind: 'bind',
    timeNs: BigInt(seq),
    wallNs: BigInt(seq),
    network: 'n',
    subnet: 's',
    address: '10.0.0.1',
  },
  ...{ from: null, to: null, reason: 'arp-reply', count: 1, repointNs: null },
});
const range = (from: number, to: number): EventRecord[] =>
  Array.from({ length: to - from + 1 }, (_, i) => event(from + i));
const seqs = (events: readonly EventRecord[]): number[] => events.map(({ seq }) => seq);

const bounds = test.macro((t, batches: [number, number][], first: number, last: number) => {
  const history = new History(10);
  for (const [from, to] of batches) history.add(range(from, to));
  t.deepEqual(seqs(history.events), seqs(range(first, last)));
});

test('fewer than the limit: all', bounds, [[1, 3]], 1, 3);
test('exactly the limit: all', bounds, [[1, 10]], 1, 10);
test('one more: the oldest leaves', bounds, [[1, 10], [11, 11]], 2, 11); // prettier-ignore
test('one batch longer than the limit: its end', bounds, [[1, 35]], 26, 35);
test(
  'many small batches: the last of them',
  bounds,
  Array.from({ length: 40 }, (_, i) => [i + 1, i + 1]),
  31,
  40,
);

test('what lies after a number, and what has left already', (t) => {
  const history = new History(10);
  t.deepEqual(history.after(0), { events: [], lost: 0n, restarted: false });
  history.add(range(1, 30));
  t.deepEqual(seqs(history.after(0).events), seqs(range(21, 30)));
  t.is(history.after(0).lost, 0n, 'who asks for everything has missed nothing');
  t.deepEqual(seqs(history.after(25).events), seqs(range(26, 30)));
  t.is(history.after(25).lost, 0n);
  t.is(history.after(20).lost, 0n);
  t.is(history.after(15).lost, 5n, '16 to 20');
});

test('a number of another daemon’s is no place in this one’s history', (t) => {
  const history = new History(10, 7n);
  history.add(range(1, 5));
  const all = { events: history.events, lost: 0n, restarted: true };
  t.deepEqual(history.after(99), all, 'this one has not come as far');
  t.deepEqual(history.after(3, 6n), all, 'it has, but the number is of another life');
  t.like(history.after(3, 7n), { restarted: false });
  t.deepEqual(seqs(history.after(3, 7n).events), [4, 5]);
  t.like(history.after(9, 7n), { events: [], restarted: false }, 'a worker that is not told all yet');
});

test('a subscription hears new events until it ends', (t) => {
  const history = new History(10);
  const heard: number[] = [];
  const end = history.subscribe((events) => heard.push(...seqs(events)));
  history.add(range(1, 2));
  end();
  history.add(range(3, 3));
  t.deepEqual(heard, [1, 2]);
});

test('a slow reader loses its oldest, is told how many just there, and catches up', (t) => {
  const sent: EventDelivery[] = [];
  const subscriber = new Subscriber((delivery) => sent.push(delivery) !== 1);
  subscriber.push(range(1, 1));
  t.false(subscriber.idle, 'the first message blocked it');
  for (let from = 2; from <= 10_001; from += 100) subscriber.push(range(from, from + 99));
  t.is(sent.length, 1, 'nothing is sent to a blocked reader');
  subscriber.drained();
  const got = sent.flatMap(({ events }) => seqs(events));
  const lost = sent.map((delivery) => delivery.lost);
  t.is(lost[1], BigInt(10_000 - 4096));
  t.true(lost.slice(2).every((one) => one === 0n));
  t.deepEqual(got, [1, ...seqs(range(10_001 - 4095, 10_001))]);
  t.true(subscriber.idle);
});

test('an event that comes by history and by subscription is sent once', (t) => {
  const sent: number[] = [];
  const subscriber = new Subscriber(({ events }) => sent.push(...seqs(events)) > 0);
  subscriber.push(range(1, 5));
  subscriber.push(range(4, 7));
  t.deepEqual(sent, [1, 2, 3, 4, 5, 6, 7]);
});
