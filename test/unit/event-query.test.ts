// SPDX-License-Identifier: BSD-2-Clause
// The flags of `havip events`: what each form of a time means, what is refused, and how far back goes what.
import test, { type ExecutionContext } from 'ava';
import { eventQuery, type EventQuery, type QueryFlags } from '../../src/cli/event-query.js';
import { parseMoment } from '../../src/cli/moments.js';
import { HavipError } from '../../src/errors.js';
import { EVENT_KINDS } from '../../src/observe/messages.js';

const NOW = new Date(2026, 10, 25, 10, 30, 0);
const nsOf = (date: Date): bigint => BigInt(date.getTime()) * 1_000_000n;
const at = (day: number, hours: number, minutes = 0, seconds = 0): bigint =>
  nsOf(new Date(2026, 10, day, hours, minutes, seconds));

const moment = test.macro({
  exec: (t: ExecutionContext, text: string, expected: bigint) => t.is(parseMoment(text, NOW), expected),
  title: (_, text: string) => `time ${text}`,
});

test(moment, '2h', at(25, 8, 30));
test(moment, '30m', at(25, 10));
test(moment, '90s', at(25, 10, 28, 30));
test(moment, '1.5h', at(25, 9));
test(moment, '3d', at(22, 10, 30));
test(moment, '03:00', at(25, 3));
test(moment, '3:12', at(25, 3, 12));
test(moment, '03:12:04', at(25, 3, 12, 4));
test(moment, '10:30', at(25, 10, 30));
test(moment, '10:31', at(24, 10, 31));
test(moment, '22:00', at(24, 22));
test(moment, '2026-11-25T03:00:00Z', nsOf(new Date('2026-11-25T03:00:00Z')));
test(moment, '2026-11-25 03:00:00z', nsOf(new Date('2026-11-25T03:00:00Z')));
test(moment, '2026-11-25T03:00:00+05:30', nsOf(new Date('2026-11-24T21:30:00Z')));
test(moment, '2026-11-25T03:00:00.123456789Z', nsOf(new Date('2026-11-25T03:00:00Z')) + 123_456_789n);
test(moment, '2026-11-25T03:00:00.5Z', nsOf(new Date('2026-11-25T03:00:00.5Z')));

for (const text of [
  '',
  'yesterday',
  '24:00',
  '3',
  '-2h',
  '2 h',
  '2y',
  '2026-11-25',
  '2026-02-30T00:00:00Z',
  '2026-11-25T03:00:00',
]) {
  test(`no time: ${JSON.stringify(text)}`, (t) => {
    const error = t.throws(() => parseMoment(text, NOW), { instanceOf: HavipError });
    t.is(error.code, 'USAGE');
    t.regex(error.cure ?? '', /2h.*03:00.*2026-/);
  });
}

const query = (flags: QueryFlags): EventQuery => eventQuery(flags, NOW);

test('nothing asked: the last 1,000', (t) => {
  t.deepEqual(query({}), { filter: {}, last: 1000, plain: true });
  t.like(query({ follow: true }), { last: 1000, plain: true });
});

test('since a time: all; by address or kind alone: the last 1,000 of them', (t) => {
  t.like(query({ since: '2h' }), { last: Infinity, plain: false });
  t.like(query({ until: '2h' }), { last: Infinity });
  t.like(query({ after: '7' }), { last: Infinity, filter: { afterSeq: 7 } });
  t.like(query({ vip: 'fd00:1:0::50' }), { last: 1000, plain: false, filter: { address: 'fd00:1::50' } });
  t.like(query({ kind: 'move' }), { last: 1000, plain: false });
  t.like(query({ since: '2h', last: '5' }), { last: 5 });
});

test('every kind is taken, alone and in a list', (t) => {
  for (const kind of EVENT_KINDS) t.deepEqual(query({ kind }).filter.kinds, new Set([kind]));
  t.deepEqual(query({ kind: 'move, bind' }).filter.kinds, new Set(['move', 'bind'] as const));
});

const refused = test.macro({
  exec(t: ExecutionContext, _: string, flags: QueryFlags, message: RegExp) {
    const error = t.throws(() => query(flags), { instanceOf: HavipError });
    t.is(error.exitCode, 2);
    t.regex(error.message, message);
  },
  title: (_, name) => `refused: ${name}`,
});

test(
  refused,
  'a typo in a kind names those there are',
  { kind: 'move,bnid' },
  /"bnid"; allowed: bind, move, .*lost$/,
);
test(refused, 'an empty kind', { kind: 'move,' }, /no kind of event: ""/);
test(refused, 'what is no address', { vip: 'web' }, /not an IP address: "web"/);
test(
  refused,
  'a time that ends before it begins',
  { since: '1h', until: '2h' },
  /--until lies before --since/,
);
test(refused, 'an end for what has none', { follow: true, until: '1h' }, /--follow has no end/);
test(refused, 'a count that is none', { last: '1e3' }, /--last takes a whole number/);
test(refused, 'a number that is none', { after: '-1' }, /--after takes a whole number/);
