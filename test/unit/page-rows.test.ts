// SPDX-License-Identifier: BSD-2-Clause
// What one page gets of all HAVIPs: filtered, sorted, cut; and rates from counters.
import test from 'ava';
import { HavipError } from '../../src/errors.js';
import { parsePageQuery } from '../../src/observe/page/query.js';
import { ROWS_A_PAGE, selectRows } from '../../src/observe/page/rows.js';
import { Sampler } from '../../src/observe/page/sampler.js';
import type { PageQuery } from '../../src/observe/page/types.js';
import { FakeView, havipRow } from '../support/page-world.js';

const query = (change: Partial<PageQuery> = {}): PageQuery => ({
  ...{ sort: 'address', descending: false, filter: '', show: 'all', page: 0, chosen: '' },
  ...change,
});

async function sampled(view: FakeView, times = 1): Promise<Sampler> {
  const sampler = new Sampler(view);
  for (let n = 0; n < times; n += 1) await sampler.sample(n * 1000, []);
  return sampler;
}

function world(): FakeView {
  const view = new FakeView();
  const tapB = {
    ...havipRow().holder,
    port: 'Tap-B',
    mac: '02:00:00:00:00:0b',
    sinceWallNs: 5n * 10n ** 15n,
  } as never;
  view.rows = [
    havipRow({ address: '10.0.1.100', moves: 3, packets: 2n ** 63n + 1n }),
    havipRow({ address: '10.0.1.20', moves: 7, packets: 2n ** 63n, state: 'flapping' }),
    havipRow({ address: 'fd00::2', moves: 1, state: 'split-brain', holder: tapB }),
    havipRow({ address: '10.0.1.3', moves: 3, state: 'unheld', holder: null }),
    havipRow({ address: '10.0.1.3', network: 'a', moves: 0 }),
  ];
  return view;
}

const sorts = test.macro<[change: Partial<PageQuery>, ...expected: string[]]>({
  title: (_, change) => `rows by ${JSON.stringify(change)}`,
  exec: async (t, change, ...expected) => {
    const { entries } = await sampled(world());
    const { rows, matching } = selectRows(entries, query(change), null);
    t.deepEqual(
      rows.map(({ network, address }) => (network === 'a' ? `a/${address}` : address)),
      expected,
    );
    t.is(matching, expected.length);
  },
});

test(sorts, {}, 'a/10.0.1.3', '10.0.1.3', '10.0.1.20', '10.0.1.100', 'fd00::2');
test(
  sorts,
  { descending: true, sort: 'moves' },
  '10.0.1.20',
  '10.0.1.3',
  '10.0.1.100',
  'fd00::2',
  'a/10.0.1.3',
);
test(
  sorts,
  { descending: true, sort: 'packets', filter: '10.0.1. BLUE' },
  '10.0.1.100',
  '10.0.1.20',
  '10.0.1.3',
);
test(sorts, { sort: 'state' }, 'fd00::2', '10.0.1.20', '10.0.1.3', 'a/10.0.1.3', '10.0.1.100');
test(sorts, { filter: 'tap-b' }, 'fd00::2');
test(sorts, { filter: '00:0b' }, 'fd00::2');
test(sorts, { show: 'alarm' }, '10.0.1.20', 'fd00::2');
test(sorts, { show: 'unheld' }, '10.0.1.3');
test(sorts, { show: 'held', sort: 'age' }, 'a/10.0.1.3', '10.0.1.20', '10.0.1.100', 'fd00::2');

test('pages cut all rows without a gap, and one beyond the end is the last', async (t) => {
  const view = new FakeView();
  view.rows = Array.from({ length: 2 * ROWS_A_PAGE + 1 }, (_, i) => havipRow({ address: `10.0.0.${i}` }));
  const { entries } = await sampled(view);
  const page = (at: number) => selectRows(entries, query({ page: at }), null);
  const seen = [0, 1, 2].flatMap((at) => page(at).rows.map(({ address }) => address));
  t.deepEqual(
    seen,
    view.rows.map(({ address }) => address),
  );
  t.like(page(9), { page: 2, pages: 3, matching: 2 * ROWS_A_PAGE + 1 });
  t.like(selectRows([], query(), null), { page: 0, pages: 1, matching: 0 });
});

test('a rate needs two looks; sums, alarms and charts follow', async (t) => {
  const view = world();
  const sampler = await sampled(view);
  t.true(sampler.entries.every(({ row }) => row.rate === null));
  view.rows = view.rows.map((row) =>
    row.address === '10.0.1.20' ? { ...row, packets: row.packets + 50n } : row,
  );
  await sampler.sample(1000, ['blue/web/fd00::2']);
  t.true((sampler.row('blue/web/10.0.1.20')?.rate ?? 0) > 0);
  t.is(sampler.row('blue/web/10.0.1.100')?.rate, 0);
  t.like(sampler.totals, { havips: 5, held: 4, unheld: 1, flapping: 1, split: 1 });
  t.deepEqual(
    sampler.totals.alarms.map(({ state }) => state),
    ['split-brain', 'flapping'],
  );
  const { series, timesMs } = sampler.tracks.charts('blue/web/fd00::2');
  t.deepEqual(
    series.map(({ address }) => address),
    ['fd00::2', '10.0.1.20'],
  );
  t.true(series.every(({ values }) => values.length === timesMs.length));
});

test('a HAVIP that was made anew counts from 0, and is no negative rate', async (t) => {
  const view = world();
  const sampler = await sampled(view);
  view.rows = view.rows.map((row) => ({ ...row, packets: 0n }));
  await sampler.sample(1000, []);
  t.true(sampler.entries.every(({ row }) => row.rate === 0));
});

test('a query has defaults, and says what is wrong with it', (t) => {
  const parse = (text: string): PageQuery => parsePageQuery(new URLSearchParams(text));
  t.deepEqual(parse(''), query());
  t.deepEqual(
    parse('sort=rate&direction=desc&filter=a b&show=alarm&page=7&chosen=n/s/1.2.3.4'),
    query({ sort: 'rate', descending: true, filter: 'a b', show: 'alarm', page: 7, chosen: 'n/s/1.2.3.4' }),
  );
  for (const [bad, message] of [
    ['sort=__proto__', /sort: found "__proto__"; allowed: address, state/],
    ['show=constructor', /show: found "constructor"; allowed: all/],
    ['page=-1', /page: found "-1"; allowed: 0 to 999999/],
    ['page=1e9', /page: found/],
    [`filter=${'x'.repeat(257)}`, /filter: 257 characters; allowed: at most 256/],
  ] as const) {
    t.throws(() => parse(bad), { instanceOf: HavipError, message });
  }
});
