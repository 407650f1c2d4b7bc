// SPDX-License-Identifier: BSD-2-Clause
// `havip status`: who holds what, since when, by which frame, and what it carried.
import { Command } from 'commander';
import { ApiClient } from '../api/client.js';
import type { DaemonStatus, HavipState, HavipStatus } from '../api/types.js';
import { HavipError } from '../errors.js';
import { addressBytes, canonicalAddress } from '../net/addresses.js';
import { rfc3339, toJson, type Json } from './json.js';
import { configOption, jsonOption, socketOf, socketOption, type PlaceFlags } from './options.js';
import { escapeControl, print, renderTable, screenOf, type Color, type Column } from './render.js';

const EXAMPLES = `
Examples:
  $ havip status
  $ havip status 10.0.1.50
  $ havip status --json | jq '.[] | select(.state != "held") | .address'`;

export function statusCommand(): Command {
  return new Command('status')
    .description('who holds what, since when, by which frame, moves, packets')
    .argument('[VIP]', 'this HAVIP only')
    .addOption(jsonOption())
    .addOption(configOption())
    .addOption(socketOption())
    .addHelpText('after', EXAMPLES)
    .action(async (vip: string | undefined, flags: PlaceFlags & { json?: true }, command: Command) => {
      const client = await ApiClient.connect(await socketOf(command, flags));
      try {
        await showStatus(client, vip, flags.json === true);
      } finally {
        client.close();
      }
    });
}

async function showStatus(client: ApiClient, vip: string | undefined, asJson: boolean): Promise<void> {
  const rows = sorted(await find(client, vip));
  if (asJson) return print(`${statusJson(rows)}\n`);
  const daemon = await client.daemon();
  await print((await statusTable(rows)) + notes(daemon));
}

async function find(client: ApiClient, vip: string | undefined): Promise<HavipStatus[]> {
  if (vip === undefined) return client.listHavips();
  const address = canonicalAddress(vip);
  if (address === null) throw new HavipError('USAGE', `not an IP address: ${JSON.stringify(vip)}`);
  const rows = await client.listHavips({ address });
  if (rows.length) return rows;
  throw new HavipError('FAILED', `no HAVIP ${address} is configured here`, {
    cure: 'havip status lists those that are',
  });
}

/** By network, subnet, family and number, so that two listings can be compared line by line. */
export function sorted(rows: readonly HavipStatus[]): HavipStatus[] {
  // Keys are made once: a hundred thousand rows are compared two million times.
  const keyed = rows.map((row) => ({ row, isIpv6: row.address.includes(':'), key: addressKey(row.address) }));
  const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  keyed.sort(
    (a, b) =>
      compareText(a.row.network, b.row.network) ||
      compareText(a.row.subnet, b.row.subnet) ||
      Number(a.isIpv6) - Number(b.isIpv6) ||
      compareText(a.key, b.key),
  );
  return keyed.map(({ row }) => row);
}

/** Compares as the number does. */
const addressKey = (address: string): string => Buffer.from(addressBytes(address)).toString('latin1');

/** The array of DESIGN.md, "What is fixed for users"; a row a line. */
export function statusJson(rows: readonly HavipStatus[]): string {
  return rows.length ? `[\n${rows.map((row) => toJson(toObject(row))).join(',\n')}\n]` : '[]';
}

function toObject(row: HavipStatus): Json {
  const { network, subnet, address, state, holder, moves, packets, bytes, savedPackets, origin } = row;
  return {
    network,
    subnet,
    address,
    state,
    holder: holder && {
      port: holder.port,
      mac: holder.mac,
      location: holder.location,
      since: rfc3339(holder.sinceWallNs),
      sinceNs: holder.sinceNs,
      by: holder.by,
    },
    moves,
    packets,
    bytes,
    savedPackets,
    origin,
  };
}

const COLUMNS: readonly Column[] = [
  { name: 'NETWORK' },
  { name: 'SUBNET' },
  { name: 'ADDRESS' },
  { name: 'STATE' },
  { name: 'HOLDER' },
  { name: 'MAC' },
  { name: 'SINCE' },
  { name: 'BY' },
  { name: 'MOVES', right: true },
  { name: 'PACKETS', right: true },
  { name: 'SAVED', right: true },
];

/** Said only where somebody has defined something at run time. */
const ORIGIN: Column = { name: 'ORIGIN' };

const STATE_COLUMN = 3;
const STATE_COLORS: Partial<Record<HavipState, Color>> = {
  unheld: 'yellow',
  flapping: 'red',
  'split-brain': 'red',
};

function statusTable(rows: readonly HavipStatus[]): Promise<string> {
  const paint = (row: readonly string[]): Color | null =>
    STATE_COLORS[row[STATE_COLUMN] as HavipState] ?? null;
  const isMixed = rows.some(({ origin }) => origin !== 'file');
  const columns = isMixed ? [...COLUMNS, ORIGIN] : COLUMNS;
  const cells = rows.map((row) => [...toCells(row), ...(isMixed ? [row.origin] : [])]);
  return renderTable(columns, cells, screenOf(), paint);
}

function toCells(row: HavipStatus): string[] {
  const { network, subnet, address, state, moves, packets, savedPackets } = row;
  return [network, subnet, address, state, ...holderCells(row), `${moves}`, `${packets}`, `${savedPackets}`];
}

function holderCells({ holder }: HavipStatus): string[] {
  if (!holder) return ['-', '-', '-', '-'];
  const port = holder.location === 'local' ? holder.port : `${holder.port} (${holder.location})`;
  return [port, holder.mac, `${rfc3339(holder.sinceWallNs).slice(0, 23)}Z`, holder.by];
}

/** What an operator should know besides: a line each, none when all is well. */
export function notes({
  absent,
  ports,
  config,
  conflicts,
  history,
}: Pick<DaemonStatus, 'absent' | 'ports' | 'config' | 'conflicts' | 'history'>): string {
  const lines = absent.map(({ kind, name }) => `absent: ${kind} ${name}: served as soon as it appears`);
  for (const { name, failure } of ports)
    if (failure !== null) lines.push(`not attached: ${name}: ${failure}`);
  if (config?.stale) {
    lines.push(`configuration stale: ${config.path ?? 'the file'} is bad; the one before goes on serving`);
    lines.push(...config.problems.map((problem) => `  ${problem}`));
  }
  lines.push(...conflicts.map((conflict) => `defined at run time, but not in force: ${conflict}`));
  if (history?.failure) lines.push(`history: in memory only: ${history.failure}`);
  return lines.map((line) => `${escapeControl(line)}\n`).join('');
}
