// SPDX-License-Identifier: BSD-2-Clause
// `havip ports`: which ports the daemon serves, by which hook, and what is wrong with them.
import { Command } from 'commander';
import type { PortRecord } from '../observe/messages.js';
import { withDaemon } from './daemon.js';
import { toJson } from './json.js';
import { configOption, jsonOption, socketOption, type PlaceFlags } from './options.js';
import { print, renderTable, screenOf, type Color, type Column } from './render.js';

const EXAMPLES = `
Examples:
  $ havip ports
  $ havip ports --json | jq '.[] | select(.failure != null)'`;

const COLUMNS: readonly Column[] = [
  { name: 'PORT' },
  { name: 'BRIDGE' },
  { name: 'KIND' },
  { name: 'HOOK' },
  { name: 'LINK' },
  { name: 'TAKES XDP' },
  { name: 'STATE' },
];

export function portsCommand(): Command {
  return new Command('ports')
    .description('the ports that are served, their hooks, and what is wrong with them')
    .addOption(jsonOption())
    .addOption(configOption())
    .addOption(socketOption())
    .addHelpText('after', EXAMPLES)
    .action(async (flags: PlaceFlags & { json?: true }, command: Command) => {
      const ports = await withDaemon(command, flags, (client) => client.ports());
      const sorted = ports.sort((a, b) => (a.name < b.name ? -1 : 1));
      if (flags.json) return print(`${portsJson(sorted)}\n`);
      const paint = (row: readonly string[]): Color | null => (row.at(-1) === 'attached' ? null : 'red');
      await print(await renderTable(COLUMNS, sorted.map(toCells), screenOf(), paint));
    });
}

/** A port a line. */
const portsJson = (ports: readonly PortRecord[]): string =>
  ports.length ? `[\n${ports.map((port) => toJson({ ...port })).join(',\n')}\n]` : '[]';

function toCells({ name, bridge, kind, hook, up, takesXdp, failure }: PortRecord): string[] {
  const link = up ? 'up' : 'down';
  return [name, bridge || '-', kind, hook, link, takesXdp ? 'yes' : 'no', failure ?? 'attached'];
}
