// SPDX-License-Identifier: BSD-2-Clause
// `havip replay FILE.pcap`: a capture through the programs and the model, without touching what is loaded.
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { HavipError } from '../errors.js';
import { canonicalAddress } from '../net/addresses.js';
import { Arena } from '../replay/arena.js';
import { readPcap } from '../replay/pcap.js';
import { Replay, type Line } from '../replay/replay.js';
import { rfc3339, toJson } from './json.js';
import { jsonOption } from './options.js';
import { print, renderTable, screenOf, type Column } from './render.js';

interface Flags {
  readonly vip?: readonly string[];
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  $ tcpdump -i br0 -w failover.pcap 'arp or icmp6 or proto 112'
  $ havip replay failover.pcap --vip 10.0.1.50 --vip fd00:1::50

Each station of the capture counts as a port of its own, in one untagged subnet that is open to all. The move budget
holds nothing back. Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; nothing is attached or pinned.
Exit code: 0 the programs and the model agree on every frame, 1 they differ somewhere.`;

const COLUMNS: readonly Column[] = [
  { name: 'FRAME', right: true },
  { name: 'TIME' },
  { name: 'FROM' },
  { name: 'ADDRESS' },
  { name: 'FORM' },
  { name: 'RESULT' },
  { name: 'HOLDER' },
  { name: 'DIFFERENCE' },
];

export function replayCommand(): Command {
  return new Command('replay')
    .description('a capture through the programs and the model, compared frame by frame')
    .argument('<FILE>', 'pcap of Ethernet frames')
    .option('--vip <ADDR>', 'a HAVIP; repeat for several', collect)
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, flags: Flags) => {
      process.exitCode = (await replay(file, flags)) ? 0 : 1;
    });
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** @returns whether they agree. */
async function replay(file: string, { vip = [], json }: Flags): Promise<boolean> {
  if (vip.length === 0) {
    throw new HavipError('USAGE', 'which addresses are HAVIPs?', { cure: `havip replay ${file} --vip ADDR` });
  }
  const havips = vip.map(addressOf);
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new HavipError('FAILED', `cannot read ${file}: ${HavipError.from(cause).message}`, { cause });
  });
  // Before anything is loaded: a file that is none should not need a privilege to be called so.
  const frames = [...readPcap(bytes, file)];
  const arena = new Arena(havips);
  try {
    const run = new Replay(arena, havips, () => process.hrtime.bigint());
    const lines = frames.flatMap((frame) => run.put(frame));
    await print(json ? lines.map((line) => `${jsonOf(line)}\n`).join('') : await tableOf(lines));
    const { frames: all, announcements, steered, differences, cut } = run.totals;
    const left = cut ? `, ${cut} cut short and left out` : '';
    const words = `${all} frames, ${announcements} about a HAVIP, ${steered} steered, ${differences} differences${left}\n`;
    if (!json) await print(words);
    return differences === 0;
  } finally {
    arena.close();
  }
}

function addressOf(text: string): string {
  const address = canonicalAddress(text);
  if (address === null) throw new HavipError('USAGE', `--vip: not an IP address: ${JSON.stringify(text)}`);
  return address;
}

const jsonOf = ({ wallNs, ...line }: Line): string => toJson({ time: rfc3339(wallNs), ...line });

async function tableOf(lines: readonly Line[]): Promise<string> {
  if (lines.length === 0) return '';
  const rows = lines.map(({ number, wallNs, source, address, kind, result, holder, difference }) => [
    ...[`${number}`, rfc3339(wallNs), source, address, kind, result, holder ?? '-', difference ?? '-'],
  ]);
  return renderTable(COLUMNS, rows, screenOf(), (row) => (row.at(-1) === '-' ? null : 'red'));
}
