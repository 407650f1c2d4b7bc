// SPDX-License-Identifier: BSD-2-Clause
// What a run of benchmarks says: ratios taken pair by pair, whether what was asked is met, the page, and the bar.
import test from 'ava';
import { isMet, ratioFigure, type Figure } from '../../src/bench/figures.js';
import { progressOn } from '../../src/bench/progress.js';
import { figureText, reportJson, reportMarkdown } from '../../src/bench/report.js';
import { suiteNames, type Report } from '../../src/bench/run.js';
import { HavipError } from '../../src/errors.js';

const figure = (bar: string, ...samples: number[]): Figure => ({ what: 'x', value: '', bar, samples });

test('a ratio is the median of those of one round, not that of two medians', (t) => {
  const { samples, value } = ratioFigure('x', [10, 40, 90], [10, 20, 30], '');
  t.deepEqual(samples, [1, 2, 3]);
  t.is(value, '2.000 (quartiles 1.000 to 3.000, 3 pairs)');
});

test('the median is held against what is asked, or the percentiles that are named, all of them', (t) => {
  t.true(isMet(figure('>= 0.95', 0.1, 0.95, 9)));
  t.false(isMet(figure('>= 0.95', 0.94)));
  t.true(isMet(figure('<= 0', 0)));
  t.false(isMet(figure('< 12', 12)));
  t.true(isMet(figure('p50 <= 2, p99 <= 9', 1, 2, 9)));
  t.false(isMet(figure('p50 <= 2, p99 <= 8', 1, 2, 9)));
  t.false(isMet(figure('p50 <= 1, p99 <= 9', 1, 2, 9)));
  t.is(isMet(figure('', 1)), null);
  t.throws(() => isMet(figure('0 misdelivered', 0)));
  t.true(isMet(figure('> 1', 1.5)));
  t.is(isMet(figure('>= 1')), null);
});

const report: Report = {
  machine: {
    ...{ date: '2026-11-26T06:00:00.000Z', kernel: '6.18', cpu: 'a CPU', cpus: 2, memory: 1, commit: null },
    versions: { havip: '1', node: '20', clang: null, libbpf: '1.1' },
  },
  suites: [
    {
      ...{ name: 'one', about: 'what it asks', command: 'havip bench --only one', took: 3, failed: null },
      figures: [{ what: 'a rate', value: '3 Mpps', bar: '>= 4', samples: [3, 3, 3] }],
      pictures: [{ name: 'rate', title: 'a picture', plot: () => ({}) }],
    },
    {
      ...{ name: 'two', about: 'another', command: 'havip bench --only two', took: 1, failed: 'no nft' },
      ...{ figures: [], pictures: [] },
    },
  ],
};

test('the page has each figure beside its command, what was missed, and what failed', (t) => {
  t.is(
    reportMarkdown(report),
    `# Benchmarks

2026-11-26, Linux 6.18, 2 x a CPU; havip 1, Node 20, clang ?, libbpf 1.1.

## one

What it asks.

\`havip bench --only one\` (3 s)

| what | measured | asked |
|---|---|---|
| a rate | 3 Mpps | >= 4: **missed** |

![a picture](rate.svg)

## two

Another.

\`havip bench --only two\` (1 s)

Failed: no nft
`,
  );
  t.is(figureText(figure('>= 4', 3)), 'x:    [asked: >= 4, missed]');
});

test('JSON has every sample, their quartiles, and the pictures’ files', (t) => {
  const { suites, kernel } = JSON.parse(reportJson(report)) as {
    kernel: string;
    suites: { pictures: string[]; figures: object[] }[];
  };
  t.is(kernel, '6.18');
  t.deepEqual(suites[0]?.pictures, ['rate.svg']);
  t.deepEqual(suites[0]?.figures, [
    ...[
      {
        what: 'a rate',
        value: '3 Mpps',
        bar: '>= 4',
        samples: [3, 3, 3],
        low: 3,
        median: 3,
        high: 3,
        met: false,
      },
    ],
  ]);
});

function written(isTTY: boolean): string {
  let text = '';
  const write = (part: string | Uint8Array): boolean => ((text += String(part)), true);
  const progress = progressOn({ write, isTTY, columns: 40 }, 2);
  progress.begin('cost');
  progress.step(1, 2);
  progress.end();
  return text;
}

test('a terminal sees one line that fills, and is gone at the end', (t) => {
  const drawn = written(true).split('\r\x1b[K');
  t.deepEqual(drawn, [
    '',
    `1/2 [${'.'.repeat(30)}] cost`.slice(0, 39),
    `1/2 [${'#'.repeat(15)}${'.'.repeat(15)}] cost`.slice(0, 39),
    '',
  ]);
});

test('a file sees a line as a suite begins and one as it ends', (t) => {
  t.is(written(false), '1/2 cost ...\n1/2 cost took 0 s\n');
});

test('suites by name; all without one; a wrong one is told', (t) => {
  t.deepEqual(suiteNames('cost, eip'), ['cost', 'eip']);
  t.true(suiteNames(undefined).includes('packet-rate'));
  const error = t.throws(() => suiteNames('cost,,eip'), { instanceOf: HavipError });
  t.is(error.code, 'USAGE');
});
