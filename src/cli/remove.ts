// SPDX-License-Identifier: BSD-2-Clause
// `havip remove`: takes away a HAVIP that `havip add` defined.
import { Command } from 'commander';
import { networkOption, subnetOption, withDaemon } from './daemon.js';
import { configOption, socketOption, type PlaceFlags } from './options.js';
import { escapeControl, print } from './render.js';

const EXAMPLES = `
Example:
  $ havip remove 10.0.1.60

What the configuration file defines is removed there: edit it, then havip reload. Packets to an address that is no HAVIP
any more cross the bridge as any others do.`;

export function removeCommand(): Command {
  return new Command('remove')
    .description('take away a HAVIP that was defined at run time')
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
        const name = await withDaemon(command, flags, (client) =>
          client.removeHavip({ address, network, subnet }),
        );
        await print(`${escapeControl(`${name.address} of ${name.network}/${name.subnet} is removed`)}\n`);
      },
    );
}
