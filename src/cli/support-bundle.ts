// SPDX-License-Identifier: BSD-2-Clause
// `havip support-bundle`: one archive of what somebody needs who is to find out from afar what is wrong.
import { hostname } from 'node:os';
import { Command } from 'commander';
import { ApiClient } from '../api/client.js';
import type { DaemonStatus } from '../api/types.js';
import { contentsText, writeBundle } from '../support/bundle.js';
import { partsOf } from '../support/parts.js';
import {
  configOption,
  pinPathOf,
  pinPathOption,
  socketOf,
  socketOption,
  statePathOf,
  statePathOption,
  type PlaceFlags,
} from './options.js';
import { escapeControl, print } from './render.js';

interface BundleFlags extends PlaceFlags {
  readonly output?: string;
  readonly redactAddresses?: true;
}

const NOTES = `
What is inside is listed when it is written, and in its CONTENTS.txt. It works without a daemon, and as far as it
goes without root. Environment variables are never in it, and values of configuration keys that look like secrets
are taken out. Names, IP addresses and MACs stay: --redact-addresses replaces the addresses, the same by the same.

Examples:
  $ sudo havip support-bundle
  $ sudo havip support-bundle --redact-addresses --output /tmp/case-4711.tar.gz`;

export function supportBundleCommand(): Command {
  return new Command('support-bundle')
    .description(
      'one archive with what is needed to find out what is wrong: state, events, maps, links, versions',
    )
    .option(
      '-o, --output <FILE>',
      'where to write it; by default havip-support-HOST-TIME.tar.gz in this folder',
    )
    .option('--redact-addresses', 'replace IP addresses and MACs, the same by the same')
    .addOption(configOption())
    .addOption(socketOption())
    .addOption(pinPathOption())
    .addOption(statePathOption())
    .addHelpText('after', NOTES)
    .action(async (flags: BundleFlags, command: Command) => {
      const places = {
        socket: await socketOf(command, flags),
        pinPath: await pinPathOf(command, flags),
        statePath: await statePathOf(command, flags),
        configPath: flags.config ?? null,
      };
      await bundle(flags, places);
    });
}

async function bundle(flags: BundleFlags, places: Parameters<typeof partsOf>[0]): Promise<void> {
  const now = new Date();
  // 20261125T031204Z
  const stamp = `${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const name = `havip-support-${hostname()
    .replaceAll(/[^\w.-]/g, '_')
    .slice(0, 40)}-${stamp}`;
  const path = flags.output ?? `${name}.tar.gz`;
  const redactAddresses = flags.redactAddresses === true;
  const seconds = Math.floor(now.getTime() / 1000);
  const parts = partsOf(places, await askDaemon(places.socket));
  const entries = await writeBundle(parts, { path, name, redactAddresses, seconds });
  const missing = entries.filter(({ failure }) => failure !== null).length;
  const lines = contentsText(entries).split('\n').map(escapeControl).join('\n');
  const left = redactAddresses ? '' : ' Addresses are in it: --redact-addresses takes them out.';
  await print(
    `${lines}\n${escapeControl(path)}: ${entries.length} parts, ${missing} of them not whole.${left}\n`,
  );
}

/** null: nobody answers, or we may not ask. The parts say so. */
async function askDaemon(socket: string): Promise<DaemonStatus | null> {
  const client = await ApiClient.connect(socket).catch(() => null);
  try {
    return (await client?.daemon()) ?? null;
  } catch {
    return null;
  } finally {
    client?.close();
  }
}
