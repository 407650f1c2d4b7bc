// SPDX-License-Identifier: BSD-2-Clause
// `havip map`: the pinned maps, decoded, without the daemon: what the fast path itself goes by, right now.
import { Argument, Command } from 'commander';
import { HavipError } from '../errors.js';
import { MAP_NAMES, MAPS, closeTables, type MapName, type Tables } from '../kernel/maps.js';
import { openPinnedMap, openPinnedTables } from '../kernel/reader.js';
import { closeFd, mapInfo, type MapInfo } from '../native/index.js';
import { canonicalAddress } from '../net/addresses.js';
import { toJson, type Json } from './json.js';
import { DECODERS, Dictionary, type Entry, type Words } from './map-words.js';
import { configOption, jsonOption, pinPathOf, pinPathOption, type PlaceFlags } from './options.js';
import { escapeControl, print, renderTable, screenOf, type Column } from './render.js';

type MapFlags = PlaceFlags & { readonly json?: true };

const EXAMPLES = `
Examples:
  $ havip map list
  $ havip map dump bindings
  $ havip map get bindings 10.0.1.50
  $ havip map get havip_counters 10.0.1.50 --json
  $ havip map get port_counters tap-a

A KEY is any part of a key as dump shows it: an address, a port, a subnet, an index. Several narrow further.
Counters are summed over the CPUs; dump leaves out elements that nothing was written to.`;

export function mapCommand(): Command {
  return new Command('map')
    .description('the pinned maps, decoded, without the daemon')
    .addCommand(listCommand())
    .addCommand(dumpCommand())
    .addCommand(getCommand())
    .addHelpText('after', EXAMPLES);
}

const withPlace = (command: Command): Command =>
  command.addOption(jsonOption()).addOption(configOption()).addOption(pinPathOption());

const nameArgument = (): Argument => new Argument('<NAME>', 'the map').choices(MAP_NAMES);

function listCommand(): Command {
  return withPlace(new Command('list').description('names, types, entries')).action(
    async (flags: MapFlags, command: Command) => showList(await pinPathOf(command, flags), flags),
  );
}

function dumpCommand(): Command {
  return withPlace(
    new Command('dump').description('every entry that was written to').addArgument(nameArgument()),
  ).action(async (name: MapName, flags: MapFlags, command: Command) => {
    const kept = (entry: Entry): boolean => !entry.empty;
    await showEntries(await pinPathOf(command, flags), name, kept, flags);
  });
}

function getCommand(): Command {
  const get = new Command('get').description('the entries with this key').addArgument(nameArgument());
  return withPlace(get.argument('<KEY...>', 'address, port, subnet or index')).action(
    async (name: MapName, keys: string[], flags: MapFlags, command: Command) => {
      const wanted = keys.map((key) => canonicalAddress(key) ?? key);
      const found = await showEntries(
        await pinPathOf(command, flags),
        name,
        (entry) => matches(entry, wanted),
        flags,
      );
      if (found === 0) throw new HavipError('FAILED', `${name} has no entry for ${keys.join(' ')}`);
    },
  );
}

/** A HAVIP's index and address both name it; in `havips` the address is the value's. */
function matches({ key, value, empty }: Entry, wanted: readonly string[]): boolean {
  const words = Object.values(empty ? key : { ...key, ...naming(value) }).map(String);
  return wanted.every((word) => words.includes(word));
}

const naming = ({ address, name }: Words): Words => ({ ...(address && { address }), ...(name && { name }) });

/** @returns How many were shown. */
async function showEntries(
  pinPath: string,
  name: MapName,
  wanted: (entry: Entry) => boolean,
  { json }: MapFlags,
): Promise<number> {
  const tables = openPinnedTables(pinPath);
  try {
    return await printEntries(wantedEntries(tables, name, wanted), json === true);
  } finally {
    closeTables(tables);
  }
}

function* wantedEntries(tables: Tables, name: MapName, wanted: (entry: Entry) => boolean): Generator<Entry> {
  for (const entry of DECODERS[name](tables, new Dictionary(tables))) if (wanted(entry)) yield entry;
}

/** An entry at a time, so that a million do not wait for each other. JSON: one array, an entry a line. */
async function printEntries(entries: Iterable<Entry>, json: boolean): Promise<number> {
  let shown = 0;
  for (const { key, value } of entries) {
    const opening = shown++ === 0 ? '[\n' : ',\n';
    await print(json ? opening + toJson({ key, value }) : `${entryText(key, value)}\n`);
  }
  if (json) await print(shown ? '\n]\n' : '[]\n');
  return shown;
}

function entryText(key: Words, value: Words): string {
  const left = wordsText(key);
  return escapeControl(left ? `${left} -> ${wordsText(value)}` : wordsText(value));
}

/** `holder=tap-a,02:00:00:00:00:01 moves=3`; `-` for nothing. */
function wordsText(words: Words): string {
  return Object.entries(words)
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join(' ');
}

function valueText(value: Json | undefined): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value !== 'object') return String(value);
  return Object.values(value).map(valueText).join(',') || '-';
}

/** Source: enum bpf_map_type; those that we use. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: 'hash',
  2: 'array',
  6: 'percpu-array',
  9: 'lru-hash',
  11: 'lpm-trie',
  14: 'devmap',
};

const LIST_COLUMNS: readonly Column[] = [
  { name: 'NAME' },
  { name: 'TYPE' },
  { name: 'USED', right: true },
  { name: 'ENTRIES', right: true },
  { name: 'KEY-BYTES', right: true },
  { name: 'VALUE-BYTES', right: true },
];

async function showList(pinPath: string, { json }: MapFlags): Promise<void> {
  const tables = openPinnedTables(pinPath);
  try {
    const maps = MAP_NAMES.map((name) => describe(pinPath, tables, name));
    if (json) return await print(`[\n${maps.map((map) => toJson({ ...map })).join(',\n')}\n]\n`);
    const rows = maps.map((map) => Object.values(map).map(String));
    await print(await renderTable(LIST_COLUMNS, rows, screenOf()));
  } finally {
    closeTables(tables);
  }
}

interface MapLine {
  readonly name: string;
  readonly type: string;
  readonly used: number;
  readonly entries: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
}

function describe(pinPath: string, tables: Tables, name: MapName): MapLine {
  const { type, maxEntries } = pinnedInfo(pinPath, name);
  let used = 0;
  for (const { empty } of DECODERS[name](tables, new Dictionary(tables))) if (!empty) used++;
  const { key, value } = MAPS[name];
  const typeName = TYPE_NAMES[type] ?? `type-${type}`;
  return { name, type: typeName, used, entries: maxEntries, keyBytes: key.size, valueBytes: value.size };
}

function pinnedInfo(pinPath: string, name: MapName): MapInfo {
  const fd = openPinnedMap(pinPath, name);
  try {
    return mapInfo(fd);
  } finally {
    closeFd(fd);
  }
}
