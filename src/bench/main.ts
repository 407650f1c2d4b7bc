// SPDX-License-Identifier: BSD-2-Clause
// `make bench`: this project against the plain bridge, in one run, on the reader's own machine. Prints each figure
// beside what was asked of it, and writes all samples to build/bench.json. Asserts nothing: machines are noisy.
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { benchEip } from './eip.js';
import { figureText, type Figure } from './figures.js';
import { benchIdle } from './idle.js';
import { benchKernel } from './kernel.js';
import { benchRepoint } from './repoint.js';
import { benchScale } from './scale.js';
import { benchTcp } from './tcp.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '12' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const tcp = { rounds: values.quick ? 3 : Number(values.rounds), seconds: values.quick ? 1 : 3 };
const repoint = values.quick ? { fast: 2000, slow: 50 } : { fast: 10_000, slow: 1000 };

const SUITES: Readonly<Record<string, () => Promise<Figure[]>>> = {
  'tcp-veth': () => benchTcp('veth', tcp),
  'tcp-tap': () => benchTcp('tap', tcp),
  eip: () => benchEip({ ...tcp, packets: values.quick ? 200_000 : 1_000_000 }),
  kernel: () => benchKernel({ moves: repoint.fast, claims: values.quick ? 100_000 : 500_000 }),
  repoint: () => benchRepoint(repoint),
  scale: benchScale,
  idle: () => benchIdle({ seconds: values.quick ? 15 : 60 }),
};

async function main(): Promise<void> {
  if (values.help) {
    process.stdout.write(
      `make bench BENCH_FLAGS="[--only ${Object.keys(SUITES).join(',')}] [--rounds N] [--quick]"\n`,
    );
    return;
  }
  const names = values.only?.split(',') ?? Object.keys(SUITES);
  const report: Record<string, Figure[]> = {};
  process.stdout.write(
    `Linux ${release()}, ${cpus().length} x ${cpus()[0]?.model ?? '?'}, Node ${process.version}\n`,
  );
  for (const name of names) {
    const suite = SUITES[name];
    if (!suite) throw new Error(`no such benchmark: ${name}; there are ${Object.keys(SUITES).join(', ')}`);
    process.stdout.write(`\n${name}\n`);
    report[name] = await suite();
    for (const figure of report[name]) process.stdout.write(`  ${figureText(figure)}\n`);
  }
  writeFileSync(
    'build/bench.json',
    JSON.stringify({ kernel: release(), node: process.version, report }, null, 1),
  );
}

await main();
