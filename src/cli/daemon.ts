// SPDX-License-Identifier: BSD-2-Clause
// What the commands that change something have in common: find the daemon, ask it, let it go.
import { Option, type Command } from 'commander';
import { ApiClient } from '../api/client.js';
import { socketOf, type PlaceFlags } from './options.js';

/** Errors: as ApiClient.connect, and as `ask`. */
export async function withDaemon<T>(
  command: Command,
  flags: PlaceFlags,
  ask: (client: ApiClient) => Promise<T>,
): Promise<T> {
  const client = await ApiClient.connect(await socketOf(command, flags));
  try {
    return await ask(client);
  } finally {
    client.close();
  }
}

export const networkOption = (): Option =>
  new Option('--network <NAME>', 'its network, where several have the address');

export const subnetOption = (): Option =>
  new Option('--subnet <NAME>', 'its subnet, where several could have the address');
