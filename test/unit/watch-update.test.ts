// SPDX-License-Identifier: BSD-2-Clause
// Keys, news, filters, sorts, rates, and what is sent to a terminal: the parts of `havip watch` that decide.
import test from 'ava';
import { Rates } from '../../src/watch/rates.js';
import { Best, comparison, matches, parseFilter, select, type Order } from '../../src/watch/rows.js';
import { difference, keyOf } from '../../src/watch/terminal.js';
import { selectedRow, told, wantedRows } from '../../src/watch/update.js';
import { event, look, NOW_MS, press, row, ROWS, watched } from './watch-fixtures.js';

const addresses = (rows: readonly { address: string }[]): string[] => rows.map(({ address }) => address);

const order = test.macro((t, by: Order, expected: readonly string[]) =>
  t.deepEqual(addresses(select(ROWS, parseFilter(''), by)), [...expected]),
);
const [A, B, C] = ['10.0.1.50', '10.0.1.51', 'fd00:1::50'] as const;
test('by state: trouble, then the busiest', order, { sort: 'state', reversed: false }, [B, A, C]);
test('by rate', order, { sort: 'rate', reversed: false }, [A, C, B]);
test('by address, IPv4 first', order, { sort: 'address', reversed: false }, [A, B, C]);
test('by address, reversed', order, { sort: 'address', reversed: true }, [C, B, A]);
test('by moves', order, { sort: 'moves', reversed: false }, [A, B, C]);
test('by age: nobody’s come last', order, { sort: 'age', reversed: false }, [A, C, B]);

test('addresses sort as numbers', (t) => {
  const rows = ['10.0.0.10', '10.0.0.9', 'fd00::10', 'fd00::9', '9.0.0.1'].map((address) => row(address));
  const sorted = rows.sort(comparison({ sort: 'address', reversed: false }));
  t.deepEqual(addresses(sorted), ['9.0.0.1', '10.0.0.9', '10.0.0.10', 'fd00::9', 'fd00::10']);
});

const filter = test.macro((t, text: string, expected: readonly string[]) =>
  t.deepEqual(addresses(ROWS.filter((one) => matches(one, parseFilter(text)))), [...expected]),
);
test('a word in the address', filter, '1.5', [A, B]);
test('a state', filter, 'UNHELD', [B]);
test('a holder', filter, 'tap-a', [A, C]);
test('a MAC', filter, '00:0a', [A, C]);
test('several words, all of them', filter, 'tap-a fd00', [C]);
test('network/subnet', filter, 'blue/web', [A, B, C]);
test('exactly that address', filter, 'address:10.0.1.5', []);
test('exactly that network, and a word', filter, 'network:blue unheld', [B]);

test('exact terms are the daemon’s to look up', (t) => {
  t.deepEqual(parseFilter('network:blue address:10.0.1.50 tap'), {
    query: { network: 'blue', address: '10.0.1.50' },
    words: ['tap'],
  });
});

test('the best of a long list is what sorting all of it would give', (t) => {
  const rows = Array.from({ length: 1_000 }, (_, i) =>
    row(`10.0.${i >> 8}.${i & 255}`, { rate: (i * 7919) % 1_000 }),
  );
  const by: Order = { sort: 'rate', reversed: false };
  const best = new Best(by, 10);
  for (const one of rows) best.offer(one);
  t.deepEqual(best.take(), [...rows].sort(comparison(by)).slice(0, 10));
});

test('a rate needs two looks, and begins anew with the counter', (t) => {
  const rates = new Rates();
  const measured: (number | null)[] = [];
  for (const [packets, atMs] of [
    [100n, 0],
    [600n, 500],
    [600n, 1_000],
    [10n, 1_500],
    [20n, 2_500],
  ] as const) {
    rates.begin();
    measured.push(rates.measure('a', packets, atMs));
  }
  t.deepEqual(measured, [null, 1_000, 0, null, 10]);
  rates.begin();
  rates.begin();
  t.is(rates.measure('a', 30n, 3_000), null, 'what one look did not see is forgotten');
});

test('the mark stays with its HAVIP when the order changes under it', (t) => {
  const marked = press(watched(), 'down');
  t.is(selectedRow(marked)?.address, A);
  const busier = look([...ROWS.slice(0, 2), row(C, { rate: 9_999 })]);
  const after = told(marked, { type: 'look', look: busier });
  t.is(selectedRow(after)?.address, A);
  t.deepEqual(addresses(after.shown), [B, C, A]);
  t.is(selectedRow(press(after, 'home'))?.address, B);
});

test('the mark is always on the screen', (t) => {
  const rows = Array.from({ length: 100 }, (_, i) => row(`10.0.0.${i}`));
  let state = told(watched(), { type: 'look', look: look(rows) });
  state = press(state, 'end');
  t.is(selectedRow(state)?.address, '10.0.0.99');
  t.is(state.top, 100 - 11);
  t.is(press(state, 'up', 'up').top, 89);
  t.is(press(state, 'pageup', 'pageup').top, 77);
  t.is(press(state, 'home').top, 0);
  t.is(wantedRows(state), 1_000);
});

test('typing a filter: letters, q, space and backspace; Esc drops it, Enter keeps it', (t) => {
  const typing = press(watched(), '/', 'q', 'space', 'x', 'backspace', 'backspace', 'backspace', 'f', 'd');
  t.is(typing.filter, 'fd');
  t.is(typing.mode, 'filter');
  t.deepEqual(addresses(typing.shown), [C]);
  t.like(press(typing, 'enter'), { mode: 'list', filter: 'fd' });
  t.like(press(typing, 'escape'), { mode: 'list', filter: '' });
  t.is(press(typing, 'escape').shown.length, 3);
});

test('s goes round the sorts, r turns them', (t) => {
  t.is(press(watched(), 's').order.sort, 'rate');
  t.is(press(watched(), 'left').order.sort, 'age');
  t.is(press(watched(), 's', 's', 's', 's', 's').order.sort, 'state');
  t.deepEqual(press(watched(), 'r').order, { sort: 'state', reversed: true });
});

test('frozen: news waits, and comes when it thaws; a daemon that goes does not wait', (t) => {
  const frozen = press(watched(), 'space');
  let state = told(frozen, { type: 'look', look: look([]) });
  state = told(state, { type: 'events', events: [event(3)], lost: 0n });
  t.deepEqual([state.shown.length, state.events.length], [3, 2]);
  t.not(told(state, { type: 'gone', gone: { sinceMs: NOW_MS, why: '' } }).gone, null);
  state = press(state, 'space');
  t.deepEqual([state.shown.length, state.events.length, state.frozenMs], [0, 3, null]);
});

test('details open on the marked one, help lies above them', (t) => {
  const open = press(watched(), 'down', 'enter');
  t.is(open.details?.subject.address, A);
  t.is(press(open, '?').mode, 'help');
  t.is(press(open, '?', '?').mode, 'details');
  t.like(press(open, '?', 'escape', 'escape'), { mode: 'list', details: null });
});

test('only lines that changed are sent, each cleared first', (t) => {
  t.is(difference(['a', 'b'], ['a', 'b']), '');
  t.is(difference(['a', 'b'], ['a', 'c']), '\x1b[?2026h\x1b[2;1H\x1b[2Kc\x1b[?2026l');
  t.is(difference([], ['a']), '\x1b[?2026h\x1b[1;1H\x1b[2Ka\x1b[?2026l');
});

test('keys as node:readline tells them', (t) => {
  t.deepEqual(keyOf(undefined, { name: 'up' }), { name: 'up', text: '' });
  t.deepEqual(keyOf('\r', { name: 'return' }), { name: 'enter', text: '' });
  t.deepEqual(keyOf('?', {}), { name: '?', text: '?' });
  t.deepEqual(keyOf(' ', { name: 'space' }), { name: 'space', text: ' ' });
  t.deepEqual(keyOf('Q', { name: 'q', shift: true }), { name: 'Q', text: 'Q' });
  t.deepEqual(keyOf('\x01', { name: 'a', ctrl: true }), { name: 'a', text: '' });
});
