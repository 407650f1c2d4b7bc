// SPDX-License-Identifier: BSD-2-Clause
// `havip events`: what happened, a line each; and, with --follow, what happens.
import { Command } from 'commander';
import { ApiClient } from '../api/client.js';
import type { EventParty, EventRecord } from '../observe/messages.js';
import { rfc3339, toJson } from './json.js';
import { configOption, socketOf, socketOption, type PlaceFlags } from './options.js';
import { escapeControl, print } from './render.js';

interface EventFlags extends PlaceFlags {
  readonly follow?: true;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  $ havip events                         the last 1,000
  $ havip events --follow --json | jq 'select(.kind == "move")'

--follow ends with Ctrl-C. What a slow reader missed is said on standard error.`;

export function eventsCommand(): Command {
  return new Command('events')
    .description('what happened: binds, moves, releases, refusals, ports, configuration')
    .option('-f, --follow', 'go on with what happens')
    .option('--json', 'one JSON object a line')
    .addOption(configOption())
    .addOption(socketOption())
    .addHelpText('after', EXAMPLES)
    .action(async (flags: EventFlags, command: Command) => {
      const client = await ApiClient.connect(await socketOf(command, flags));
      const interrupted = new AbortController();
      process.once('SIGINT', () => interrupted.abort());
      try {
        await showEvents(client, flags, interrupted.signal);
      } finally {
        client.close();
      }
    });
}

async function showEvents(client: ApiClient, flags: EventFlags, signal: AbortSignal): Promise<void> {
  const render = flags.json ? eventJson : eventText;
  for await (const { events, lost } of client.events({ follow: flags.follow === true, signal })) {
    if (lost > 0n) process.stderr.write(`havip: ${lost} events lost: this reader was too slow\n`);
    await print(events.map((event) => `${render(event)}\n`).join(''));
  }
}

/** The line of DESIGN.md, "What is fixed for users", and `repointNs`. */
export function eventJson(event: EventRecord): string {
  const { seq, timeNs, wallNs, kind, network, subnet, address, from, to, reason, count, repointNs } = event;
  const about = { network, subnet, address, from: party(from), to: party(to) };
  return toJson({ seq, time: rfc3339(wallNs), timeNs, kind, ...about, reason, count, repointNs });
}

const party = (one: EventParty | null): { port: string; mac: string } | null =>
  one && { port: one.port, mac: one.mac };

/** Columns of fixed width, since the next line is not known yet. */
export function eventText(event: EventRecord): string {
  const { wallNs, kind, reason, count, repointNs } = event;
  const cells = [
    rfc3339(wallNs).slice(0, 26).padEnd(26),
    kind.padEnd(11),
    subjectText(event).padEnd(28),
    partiesText(event),
    reason,
    count > 1 ? `x${count}` : '',
    repointNs === null ? '' : `re-point ${microseconds(repointNs)}`,
  ];
  return escapeControl(cells.filter(Boolean).join('  ').trimEnd());
}

function subjectText({ network, subnet, address }: EventRecord): string {
  return address && `${address} ${network}/${subnet}`;
}

function partiesText({ from, to }: EventRecord): string {
  if (from && to) return `${partyText(from)} -> ${partyText(to)}`;
  if (from) return `${partyText(from)} -> nobody`;
  return to ? partyText(to) : '';
}

const partyText = ({ port, mac }: EventParty): string => (mac ? `${port} ${mac}` : port);

const microseconds = (ns: bigint): string => `${(Number(ns) / 1000).toFixed(ns < 100_000n ? 1 : 0)} µs`;
