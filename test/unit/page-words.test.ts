// SPDX-License-Identifier: BSD-2-Clause
// The page's own pure parts: escapes, numbers in words, and the axes of the timeline.
import fc from 'fast-check';
import test from 'ava';
import { escapeControl } from '../../src/cli/render.js';
import { visible } from '../../src/web/escape.js';
import { age, clock, duration, exact, grouped, moment, offset, rate, rfc3339 } from '../../src/web/format.js';
import { around, outageHeight, ticks, widthOf, zoom } from '../../src/web/span.js';

test('control characters and marks that reorder text are shown, as the command line shows them', (t) => {
  t.is(visible('a\u202eb\u0007\u001b[31m\t\u200f'), 'a\\u202eb\\x07\\x1b[31m\\x09\\u200f');
  t.is(visible('<b>&amp; \u00e4\u{1f600}'), '<b>&amp; \u00e4\u{1f600}');
  for (const text of ['\n', '\u0085', '\u2066x\u2069', '\u202d', '\u200e'])
    t.is(visible(text), escapeControl(text));
});

test('numbers and times in words', (t) => {
  t.deepEqual([0, 999, 1_500, 480_000, 5_210_000, 71_400_000, 3_505_500_000, 61e9].map(duration), [
    '0 ns',
    '999 ns',
    '1.50 µs',
    '480 µs',
    '5.21 ms',
    '71.4 ms',
    '3.51 s',
    '61.0 s',
  ]);
  t.is(exact(3_211_000_800), '3,211.000800 ms');
  t.deepEqual(
    [offset(0), offset(480_000), offset(-3_504_120_000)],
    ['0', '+0.480000 ms', '−3,504.120000 ms'],
  );
  t.is(grouped('18446744073709551615'), '18,446,744,073,709,551,615');
  t.deepEqual([null, 0, 0.4, 1234.6].map(rate), ['…', '0', '0.4', '1,235']);
  t.deepEqual([-5, 59_999, 61_000, 3_599_000, 7_500_000, 4 * 86_400_000].map(age), [
    '0 s',
    '59 s',
    '1 min 01 s',
    '59 min',
    '2 h 05 min',
    '4 d 0 h',
  ]);
  t.is(clock(1_764_000_000_125), '16:00:00.125');
  t.is(moment(1_764_000_000_125, 1_764_000_100_000), '16:00:00');
  t.is(moment(1_764_000_000_125, 1_774_000_100_000), '11-24 16:00:00');
  t.is(rfc3339(1_764_000_000_125.25), '2025-11-24T16:00:00.125250Z');
});

test('a zoom leaves the place under the pointer where it is, down to a stage of microseconds', (t) => {
  const span = { startMs: 1_764_000_000_000, endMs: 1_764_003_600_000 };
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0.01, max: 3, noNaN: true }),
      (share, factor) => {
        const at = span.startMs + share * widthOf(span);
        const next = zoom(span, factor, at);
        return Math.abs((at - next.startMs) / widthOf(next) - share) < 1e-3;
      },
    ),
  );
  t.true(widthOf(zoom(span, 1e-12, span.startMs)) >= 0.019);
  t.true(widthOf(around(span.startMs, span.startMs)) > 0);
});

test('ticks are round, inside the span, and few', (t) => {
  fc.assert(
    fc.property(fc.double({ min: 0.02, max: 6e8, noNaN: true }), (width) => {
      const span = { startMs: 1_764_000_000_000, endMs: 1_764_000_000_000 + width };
      const { atMs, stepMs } = ticks(span, 8);
      return (
        stepMs > 0 &&
        atMs.length <= 10 &&
        atMs.every((ms) => ms >= span.startMs - stepMs && ms <= span.endMs + 0.001)
      );
    }),
  );
  t.deepEqual(
    ticks({ startMs: 0, endMs: 3_600_000 }, 8).atMs,
    [0, 600_000, 1_200_000, 1_800_000, 2_400_000, 3_000_000, 3_600_000],
  );
});

test('an outage ten times as long stands a step higher', (t) => {
  const steps = [1e6, 1e7, 1e8, 1e9].map(outageHeight);
  t.true(steps.every((height, at) => at === 0 || height > (steps[at - 1] as number)));
  t.is(outageHeight(0), 0);
  t.is(outageHeight(1e12), 1);
});
