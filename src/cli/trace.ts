// SPDX-License-Identifier: BSD-2-Clause
// `havip trace`: what the loaded program would do with a packet, and why; nothing is sent, counted or learned.
import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { HavipError } from '../errors.js';
import { ANYBODY, askTrace, type TraceAnswer, type TraceQuestion } from '../kernel/ask-trace.js';
import { formatMac } from '../net/addresses.js';
import { pcapOf } from '../replay/pcap.js';
import { toJson } from './json.js';
import { withDaemon } from './daemon.js';
import {
  configOption,
  jsonOption,
  pinPathOf,
  pinPathOption,
  socketOption,
  type PlaceFlags,
} from './options.js';
import { escapeControl, print } from './render.js';

interface Flags extends PlaceFlags {
  readonly port: string;
  readonly to: string;
  readonly from?: string;
  readonly tcp?: true;
  readonly udp?: true;
  readonly icmp?: true;
  readonly mac?: string;
  readonly source?: string;
  readonly vlan?: readonly number[];
  readonly pcap?: string;
  readonly json?: true;
  readonly daemon?: true;
}

const EXAMPLES = `
The frame is a TCP SYN, a UDP datagram (the default) or an ICMP echo request, as it would come in by PORT. It goes through
the program that is attached there, by a test run with a mark that only the host can set. Needs CAP_BPF, CAP_NET_ADMIN and
CAP_PERFMON, and the network namespace of the port; with --daemon none of that, but a daemon that runs.

Examples:
  $ havip trace --port tap-client --to 10.0.1.50
  $ havip trace --port eth1 --to 10.0.1.50 --tcp --mac 02:00:00:00:00:99     # whom a stale sender believes in
  $ havip trace --port eth2 --to 203.0.113.10 --tcp                          # from outside, to an EIP
  $ havip trace --port tap-b --from 10.0.1.50 --to 198.51.100.7              # what the HAVIP sends to outside
  $ havip trace --port br-web --to fd00:1::50 --icmp --pcap trace.pcap       # the frame before and after, for Wireshark`;

export function traceCommand(): Command {
  return new Command('trace')
    .description('what the loaded program would do with a packet, and why')
    .requiredOption(
      '--port <PORT>',
      'the port that it comes in by; the bridge itself for what the host sends',
    )
    .requiredOption('--to <ADDR>', 'its destination')
    .option('--from <ADDR>', `its source (default: ${ANYBODY.ipv4}, ${ANYBODY.ipv6})`)
    .addOption(new Option('--tcp', 'a TCP SYN').conflicts(['udp', 'icmp']))
    .addOption(new Option('--udp', 'a UDP datagram').conflicts(['tcp', 'icmp']))
    .addOption(new Option('--icmp', 'an echo request').conflicts(['tcp', 'udp']))
    .option(
      '--mac <MAC>',
      'the destination MAC: whom the sender believes in (default: the holder’s, or the router’s)',
    )
    .option('--source <MAC>', 'the source MAC (default: that of the port’s guest, where it is known)')
    .option('--vlan <ID>', 'a VLAN tag; twice for two, the outer one first', collectVlan)
    .option('--pcap <FILE>', 'write the frame there, as it came and as it left')
    .option('--daemon', 'have the daemon ask, which needs its socket and no privileges')
    .addOption(jsonOption())
    .addOption(configOption())
    .addOption(pinPathOption())
    .addOption(socketOption())
    .addHelpText('after', EXAMPLES)
    .action((flags: Flags, command: Command) => runTrace(command, flags));
}

function collectVlan(text: string, before: readonly number[] = []): readonly number[] {
  const id = Number(text);
  if (!/^\d{1,4}$/.test(text) || id < 1 || id > 4094)
    throw new HavipError('USAGE', `--vlan: ${JSON.stringify(text)} is no VLAN id, which is 1 to 4094`);
  if (before.length === 2) throw new HavipError('USAGE', '--vlan: no subnet has more than two tags');
  return [...before, id];
}

async function runTrace(command: Command, flags: Flags): Promise<void> {
  const traced = await ask(command, flags);
  if (flags.pcap !== undefined) await keep(flags.pcap, traced);
  await print(flags.json ? `${jsonOf(traced)}\n` : textOf(traced));
}

async function ask(command: Command, flags: Flags): Promise<TraceAnswer> {
  const { port, to, from, mac, source, vlan = [] } = flags;
  const transport = flags.tcp ? 'tcp' : flags.icmp ? 'icmp' : 'udp';
  const question: TraceQuestion = { port, to, from, mac, source, vlan, transport };
  if (!flags.daemon) return askTrace(await pinPathOf(command, flags), question);
  return withDaemon(command, flags, (client) => client.trace(question));
}

async function keep(file: string, { before, after }: TraceAnswer): Promise<void> {
  await writeFile(file, pcapOf([before, after])).catch((cause: unknown) => {
    throw new HavipError('FAILED', `cannot write ${file}: ${HavipError.from(cause).message}`, { cause });
  });
}

function textOf(traced: TraceAnswer): string {
  const { port, program, subnet, havip, holder, eip, verdict, reason, meaning, packet, before, after } =
    traced;
  const [to, by] = [formatMac(before.subarray(0, 6)), formatMac(before.subarray(6, 12))];
  const rows: readonly (readonly [string, string])[] = [
    ['in', `${port.name} (${port.kind}), ${port.hook} program ${program.id}, tag ${program.tag}`],
    ['packet', `${packet}, ${before.length} bytes, by ${by} to ${to}`],
    ['subnet', subnet ?? '-'],
    ['HAVIP', havip ?? '-'],
    ...(eip === null ? [] : [['EIP', eip] as const]),
    ['holder', holder ? `${holder.port} (${holder.kind}), ${holder.mac}` : '-'],
    ['verdict', `${verdict} ${reason}: ${meaning}`],
    ['before', hexText(before)],
    ['after', after.equals(before) ? 'the same' : hexText(after)],
  ];
  return rows.map(([name, text]) => `${name.padEnd(9)}${escapeControl(text)}\n`).join('');
}

/** Ethernet's addresses apart from the rest. */
function hexText(frame: Buffer): string {
  const hex = frame.toString('hex');
  return [hex.slice(0, 12), hex.slice(12, 24), hex.slice(24)].join(' ');
}

function jsonOf({ before, after, packet, meaning, ...traced }: TraceAnswer): string {
  const holder = traced.holder && { port: traced.holder.port, mac: traced.holder.mac };
  const frames = { before: before.toString('hex'), after: after.toString('hex') };
  return toJson({ ...traced, holder, meaning, ...frames });
}
