// SPDX-License-Identifier: BSD-2-Clause
// Options that several commands share, and how they find the daemon or the pins: a flag beats the environment, which
// beats the configuration file, which beats the default.
import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { HavipError } from '../errors.js';

export const DEFAULT_SOCKET = '/run/havip/havip.sock';
export const DEFAULT_PIN_PATH = '/sys/fs/bpf/havip';
export const DEFAULT_STATE_PATH = '/var/lib/havip';

export const configOption = (): Option =>
  new Option('--config <FILE>', 'configuration, YAML').env('HAVIP_CONFIG');

export const socketOption = (): Option =>
  new Option('--socket <PATH>', 'the daemon’s Unix socket').env('HAVIP_SOCKET').default(DEFAULT_SOCKET);

export const pinPathOption = (): Option =>
  new Option('--pin-path <DIR>', 'where maps and programs are pinned')
    .env('HAVIP_PIN_PATH')
    .default(DEFAULT_PIN_PATH);

export const statePathOption = (): Option =>
  new Option('--state-path <DIR>', 'where history is kept')
    .env('HAVIP_STATE_PATH')
    .default(DEFAULT_STATE_PATH);

export const jsonOption = (): Option => new Option('--json', 'JSON instead of a table');

/** Where to look, as given. Shape: the defaults are filled in. */
export interface PlaceFlags {
  readonly config?: string;
  readonly socket?: string;
  readonly pinPath?: string;
  readonly statePath?: string;
}

/** The daemon's socket. Errors: USAGE when the configuration file cannot be read. */
export async function socketOf(command: Command, flags: PlaceFlags): Promise<string> {
  return (await fromFile(command, flags, 'socket')) ?? flags.socket ?? DEFAULT_SOCKET;
}

/** The pin folder. Errors: as `socketOf`. */
export async function pinPathOf(command: Command, flags: PlaceFlags): Promise<string> {
  return (await fromFile(command, flags, 'pinPath')) ?? flags.pinPath ?? DEFAULT_PIN_PATH;
}

/** The folder of the history. Errors: as `socketOf`. */
export async function statePathOf(command: Command, flags: PlaceFlags): Promise<string> {
  return (await fromFile(command, flags, 'statePath')) ?? flags.statePath ?? DEFAULT_STATE_PATH;
}

/** Asked for one value only, so the file is not validated: `havip status` must work beside a stale one. */
async function fromFile(
  command: Command,
  { config }: PlaceFlags,
  name: 'socket' | 'pinPath' | 'statePath',
): Promise<string | null> {
  if (!config || command.getOptionValueSource(name) !== 'default') return null;
  const document = await parse(config);
  const value = name === 'socket' ? document?.api?.socket : document?.[name];
  return typeof value === 'string' ? value : null;
}

interface Document {
  readonly pinPath?: unknown;
  readonly statePath?: unknown;
  readonly api?: { readonly socket?: unknown } | null;
}

async function parse(path: string): Promise<Document | null> {
  try {
    const [yaml, text] = await Promise.all([import('yaml'), readFile(path, 'utf8')]);
    return yaml.parse(text) as Document | null;
  } catch (cause) {
    const message = `cannot read the configuration ${path}: ${HavipError.from(cause).message}`;
    throw new HavipError('USAGE', message, { cure: `havip check ${path}`, cause });
  }
}
