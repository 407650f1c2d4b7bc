// SPDX-License-Identifier: BSD-2-Clause
// `havip clear`: a HAVIP past its move budget follows its claimant now.
import { Command } from 'commander';
import type { Cleared } from '../observe/orders.js';
import { networkOption, subnetOption, withDaemon } from './daemon.js';
import { configOption, socketOption, type PlaceFlags } from './options.js';
import { escapeControl, print } from './render.js';

const EXAMPLES = `
Example:
  $ havip clear 10.0.1.50

For when the cause is mended and the window of its damping is not to be waited for: whoever is held back holds it at
once, and the whole budget is there again.`;

export function clearCommand(): Command {
  return new Command('clear')
    .description('end the flapping of a HAVIP: apply who is held back, empty its move budget')
    .argument('<VIP>', 'its address')
    .addOption(networkOption())
    .addOption(subnetOption())
    .addOption(configOption())
    .addOption(socketOption())
    .addHelpText('after', EXAMPLES)
    .action(
      async (
        address: string,
        flags: PlaceFlags & { network?: string; subnet?: string },
        command: Command,
      ) => {
        const { network = '', subnet = '' } = flags;
        const cleared = await withDaemon(command, flags, (client) =>
          client.clearFlapping({ address, network, subnet }),
        );
        await print(`${escapeControl(wordsOf(cleared))}\n`);
      },
    );
}

function wordsOf({ havip, wasFlapping, applied }: Cleared): string {
  const state = wasFlapping ? 'flaps no more' : 'was not flapping';
  const holder = applied ? '; who was held back holds it' : '';
  return `${havip.address} ${state}${holder}; its move budget is whole`;
}
