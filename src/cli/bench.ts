// SPDX-License-Identifier: BSD-2-Clause
// `havip bench`: measures this project and what one would use instead, in one run, on this machine, and draws it. What
// is measured is the business of src/bench.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { sweepDeadLabs } from '../bench/labs.js';
import { machineText } from '../bench/machine.js';
import { drawingMeans, toSvg } from '../bench/pictures.js';
import { progressOn } from '../bench/progress.js';
import { figureText, reportJson, reportMarkdown } from '../bench/report.js';
import { runSuites, suiteNames, type Report, type SuiteReport } from '../bench/run.js';
import type { Picture } from '../bench/suite.js';
import { SUITES } from '../bench/suites.js';
import { requireMeans } from '../lab/demo-place.js';
import { print, renderTable, screenOf } from './render.js';

interface BenchFlags {
  readonly only?: string;
  readonly rounds?: number;
  readonly quick?: true;
  readonly out: string;
  readonly json?: true;
  readonly list?: true;
}

const EXAMPLES = `
Runs as root, in network namespaces of its own; nothing outside them is touched, and nothing stays, Ctrl-C included.
Contenders take turns, so that a busy machine hits all of them alike; a ratio is the median of one a round.
Writes bench.json with every sample, bench.md, and the pictures. What is asked is only told: machines differ.
Exit code 1: a suite could not be run; the others were.

Examples:
  $ havip bench --quick                        a few minutes
  $ havip bench --only packet-rate --rounds 100
  $ havip bench --list`;

/** What the contenders and the loads are, beside what every lab needs. */
const PACKAGES = { nft: 'nftables', iperf3: 'iperf3', bridge: 'iproute2', taskset: 'util-linux' };

export function benchCommand(): Command {
  return new Command('bench')
    .description('measure this project against what one would use instead, and draw it')
    .option('--only <NAMES>', 'these suites, separated by commas (see --list)')
    .addOption(
      new Option('--rounds <N>', 'how often to go round all contenders').argParser((text) => {
        if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
        throw new InvalidArgumentError('A whole number from 1 to 99999.');
      }),
    )
    .option('--quick', 'a short look instead of figures to quote')
    .option('--out <DIR>', 'where to write', 'havip-bench')
    .option('--json', 'what bench.json has, on standard output')
    .option('--list', 'the suites, and what each asks')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: BenchFlags) => {
      const only = suiteNames(flags.only);
      if (flags.list) return print(await listText());
      requireMeans(PACKAGES);
      await bench(only, flags);
    });
}

const listText = (): Promise<string> =>
  renderTable(
    [{ name: 'SUITE' }, { name: 'ASKS' }],
    Object.entries(SUITES).map(([name, { about }]) => [name, about]),
    screenOf(),
  );

async function bench(only: readonly string[], flags: BenchFlags): Promise<void> {
  await sweepDeadLabs();
  const options = { only, quick: flags.quick === true, rounds: flags.rounds };
  const progress = progressOn(process.stderr, only.length);
  // After each: a run of an hour that is interrupted has not been for nothing.
  const report = await runSuites(options, progress, async (suite, soFar) => {
    if (!flags.json) process.stdout.write(suiteText(suite));
    if (suite.failed !== null) process.stderr.write(`havip: ${suite.name}: ${suite.failed}\n`);
    await write(soFar, flags.out);
  });
  if (report.suites.some(({ failed }) => failed !== null)) process.exitCode = 1;
  await print(
    flags.json ? reportJson(report) : `\n${machineText(report.machine)}\nwritten to ${flags.out}\n`,
  );
}

function suiteText({ name, figures }: SuiteReport): string {
  return `\n${name}\n${figures.map((figure) => `  ${figureText(figure)}\n`).join('')}`;
}

async function write(report: Report, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'bench.json'), reportJson(report));
  await writeFile(join(folder, 'bench.md'), reportMarkdown(report));
  await drawAll(
    report.suites.flatMap(({ pictures }) => pictures),
    folder,
  );
}

async function drawAll(pictures: readonly Picture[], folder: string): Promise<void> {
  if (pictures.length === 0) return;
  const means = await drawingMeans();
  if (!means)
    return void process.stderr.write('havip: no pictures: @observablehq/plot or linkedom is not installed\n');
  for (const picture of pictures) await writeFile(join(folder, `${picture.name}.svg`), toSvg(picture, means));
}
