// SPDX-License-Identifier: BSD-2-Clause
// `havip members`: who may claim a HAVIP that `havip add` defined.
import { Command } from 'commander';
import { HavipError } from '../errors.js';
import { networkOption, subnetOption, withDaemon } from './daemon.js';
import { configOption, socketOption, type PlaceFlags } from './options.js';
import { escapeControl, print } from './render.js';

interface MemberFlags extends PlaceFlags {
  readonly network?: string;
  readonly subnet?: string;
  readonly any?: true;
}

const EXAMPLES = `
Examples:
  $ havip members 10.0.1.60 tap-a tap-b
  $ havip members 10.0.1.60 --any

The list replaces the one before. A holder that is not on it is released at once.`;

export function membersCommand(): Command {
  return new Command('members')
    .description('say who may claim a HAVIP that was defined at run time')
    .argument('<VIP>', 'its address')
    .argument('[PORT...]', 'all that may claim it')
    .option('--any', 'every port of the subnet')
    .addOption(networkOption())
    .addOption(subnetOption())
    .addOption(configOption())
    .addOption(socketOption())
    .addHelpText('after', EXAMPLES)
    .action(async (address: string, ports: string[], flags: MemberFlags, command: Command) => {
      if (flags.any ? ports.length > 0 : ports.length === 0)
        throw new HavipError('USAGE', 'give the ports that may claim it, or --any', {
          cure: 'havip members --help',
        });
      const { network = '', subnet = '' } = flags;
      const name = await withDaemon(command, flags, (client) =>
        client.setMembers({ address, network, subnet }, ports),
      );
      const who = flags.any ? `every port of ${name.network}/${name.subnet}` : ports.join(', ');
      await print(`${escapeControl(`${name.address} may be claimed by ${who}`)}\n`);
    });
}
