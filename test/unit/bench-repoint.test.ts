// SPDX-License-Identifier: BSD-2-Clause
// Samples of re-points -> the falling curve of those that took longer.
import test from 'ava';
import { tailOf } from '../../src/bench/repoint-picture.js';

/** 1 to 1000, in no order. */
const SAMPLES = Array.from({ length: 1000 }, (_, i) => ((i * 7) % 1000) + 1);

test('the curve falls from all of them to the slowest, and each point is true of the samples', (t) => {
  const points = tailOf(SAMPLES);
  t.deepEqual(points[0], { us: 1, share: 1 });
  t.deepEqual(points.at(-1), { us: 1000, share: 0.001 });
  for (const { us, share } of points) t.is(SAMPLES.filter((one) => one >= us).length / 1000, share);
  const shares = points.map(({ share }) => share);
  t.deepEqual(
    shares,
    [...new Set(shares)].sort((a, b) => b - a),
  );
});

test('the slowest hundredth has as many points as the fastest nine tenths', (t) => {
  const shares = tailOf(SAMPLES, 31).map(({ share }) => share);
  const within = (low: number, high: number): number =>
    shares.filter((share) => share > low && share <= high).length;
  t.is(within(0.1, 1), 10);
  t.true(within(0, 0.01) >= 6);
});

test('one sample is one point, and none is none', (t) => {
  t.deepEqual(tailOf([5]), [{ us: 5, share: 1 }]);
  t.deepEqual(tailOf([]), []);
});
