// SPDX-License-Identifier: BSD-2-Clause
// `havip demo`: builds a lab, lets a real keepalived pair fail over under load, shows what came of it, and takes
// the lab away again. The course of events is src/lab/demo.ts.
import { Command, InvalidArgumentError, Option } from 'commander';
import { figuresOf } from '../lab/demo-figures.js';
import { demoPrefix, requireMeans, sweepDeadDemos } from '../lab/demo-place.js';
import { report, type Outcome, type Paint } from '../lab/demo-report.js';
import { NEW, OLD, runDemo, type DemoOptions, type Tell } from '../lab/demo.js';
import { withLab } from '../lab/lab.js';
import { VIP } from '../lab/topology.js';
import { WallClock } from '../observe/clock.js';
import { rfc3339, toJson, type Json } from './json.js';
import { paintText, plainTable, print, screenOf } from './render.js';

interface DemoFlags {
  readonly advertInterval: number;
  readonly kind: 'veth' | 'tap';
  readonly json?: true;
}

const EXAMPLES = `
Runs as root, in network namespaces of its own; nothing outside them is touched, and nothing stays, Ctrl-C included.
Exit code 0: the takeover was followed and the download after it is intact; 1: not.

Examples:
  $ havip demo
  $ havip demo --advert-interval 0.1           a pair that notices ten times sooner
  $ havip demo --kind tap                      guests as virtual machines have them
  $ havip demo --json | jq .outageNs`;

export function demoCommand(): Command {
  return new Command('demo')
    .description('a lab with a real keepalived pair: kill the master under load, and see who answers')
    .addOption(advertIntervalOption())
    .addOption(
      new Option('--kind <KIND>', 'how the guests are connected').choices(['veth', 'tap']).default('veth'),
    )
    .option('--json', 'one JSON object when it is over; progress goes to standard error')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: DemoFlags) => {
      requireMeans();
      await demo({ advertIntervalS: flags.advertInterval, kind: flags.kind }, flags.json === true);
    });
}

/** Also of `havip lab up`. */
export function advertIntervalOption(): Option {
  return new Option('--advert-interval <SECONDS>', 'of keepalived, 0.05 to 10')
    .default(1)
    .argParser((text) => {
      const seconds = Number(text);
      if (seconds >= 0.05 && seconds <= 10) return Math.round(seconds * 100) / 100;
      throw new InvalidArgumentError('A number of seconds from 0.05 to 10.');
    });
}

async function demo(options: DemoOptions, asJson: boolean): Promise<void> {
  const tell = teller(asJson ? process.stderr : process.stdout);
  const swept = await sweepDeadDemos();
  if (swept.length > 0)
    tell('swept', `what ${swept.length} killed demo${swept.length > 1 ? 's' : ''} had left`);
  await withLab({ prefix: demoPrefix() }, async (lab) => {
    const measured = await runDemo(lab, options, tell);
    const outcome = { measured, figures: figuresOf(measured), advertIntervalS: options.advertIntervalS };
    // Before the lab is gone: that takes a second or two, and nobody needs to wait for it.
    await print(asJson ? `${demoJson(options, outcome)}\n` : demoText(outcome));
    if (!outcome.figures.ok) process.exitCode = 1;
  });
}

/** A line as each thing is so. */
function teller(stream: NodeJS.WriteStream): Tell {
  const paint = painter(stream);
  return (subject, text) => void stream.write(`  ${paint(subject.padEnd(10), 'grey')}  ${text}\n`);
}

function painter(stream: NodeJS.WriteStream): Paint {
  return screenOf(stream).color ? paintText : (text) => text;
}

function demoText(outcome: Outcome): string {
  const paint = painter(process.stdout);
  const status = folded(
    outcome.measured.statusText,
    process.stdout.isTTY ? process.stdout.columns : Infinity,
  );
  const asked = (command: string, answer: string): string =>
    `\n  ${paint(`$ havip ${command}`, 'grey')}\n${indented(answer)}`;
  const { explainText } = outcome.measured;
  const explained = explainText && asked('explain', explainText);
  return `\n${report(outcome, paint)}${explained}${asked('status', status)}`;
}

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ');

/** A table that is wider than the terminal, as two or more with fewer columns. */
export function folded(table: string, columns: number): string {
  const lines = table.trimEnd().split('\n');
  if (lines.every((line) => line.length + 2 <= columns)) return table;
  const cells = lines.map((line) => line.split(/ {2,}/));
  const parts: string[] = [];
  for (let from = 0; from < (cells[0]?.length ?? 0);) {
    const to = fits(cells, from, columns - 2);
    const [head = [], ...rows] = cells.map((row) => row.slice(from, to));
    parts.push(
      plainTable(
        head.map((name) => ({ name })),
        rows,
      ),
    );
    from = to;
  }
  return parts.join('');
}

/** The column after the last that still fits; at least one does. */
function fits(cells: readonly (readonly string[])[], from: number, columns: number): number {
  const widths = (cells[0] ?? []).map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  let to = from + 1;
  let used = widths[from] ?? 0;
  for (; to < widths.length && used + 2 + (widths[to] ?? 0) <= columns; to += 1)
    used += 2 + (widths[to] ?? 0);
  return to;
}

function demoJson(options: DemoOptions, { measured, figures }: Outcome): string {
  const { killedNs, stream, downloads, havip, ports, answered } = measured;
  const clock = new WallClock();
  const stamp = (timeNs: bigint): { time: string; timeNs: bigint } => ({
    time: rfc3339(clock.wallNs(timeNs)),
    timeNs,
  });
  const { timeline, ...rest } = figures;
  const guest = (name: typeof OLD | typeof NEW): Json => ({
    guest: name,
    port: ports[name],
    answered: answered[name].length,
  });
  return toJson({
    ...rest,
    address: VIP,
    ...options,
    from: guest(OLD),
    to: guest(NEW),
    holder: havip?.holder?.port ?? null,
    savedPackets: havip?.savedPackets ?? 0,
    killed: stamp(killedNs),
    timeline: timeline.map(({ timeNs, ...moment }): Json => ({ ...stamp(timeNs), ...moment })),
    stream: { sent: stream.sent, lost: stream.lost, duplicated: stream.duplicated },
    downloads: {
      before: { ...downloads.before },
      running: { ...downloads.running },
      after: { ...downloads.after },
    },
  });
}
