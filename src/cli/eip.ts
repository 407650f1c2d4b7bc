// SPDX-License-Identifier: BSD-2-Clause
// `havip eip add|remove`: a public address in front of a HAVIP, at run time.
import { Command, Option } from 'commander';
import { networkOption, withDaemon } from './daemon.js';
import { configOption, socketOption, type PlaceFlags } from './options.js';
import { escapeControl, print } from './render.js';

interface EipFlags extends PlaceFlags {
  readonly network?: string;
  readonly egress?: string;
}

const ADD_EXAMPLES = `
Example:
  $ havip eip add 203.0.113.10 10.0.1.50 --egress holder

As havip add: checked like the file, kept beside it, and the file wins.`;

const REMOVE_EXAMPLES = `
Example:
  $ havip eip remove 203.0.113.10`;

export function eipCommand(): Command {
  return new Command('eip')
    .description('put a public address in front of a HAVIP at run time, or take it away')
    .addCommand(addCommand())
    .addCommand(removeCommand());
}

function addCommand(): Command {
  return new Command('add')
    .description('put an EIP in front of a HAVIP')
    .argument('<EIP>', 'the public address')
    .argument('<VIP>', 'the HAVIP')
    .addOption(networkOption())
    .addOption(new Option('--egress <WHO>', 'who may leave by it').choices(['any', 'holder']))
    .addOption(configOption())
    .addOption(socketOption())
    .addHelpText('after', ADD_EXAMPLES)
    .action(async (address: string, havip: string, flags: EipFlags, command: Command) => {
      const { network = '', egress = '' } = flags;
      const asked = { address, havip, network, egress };
      const name = await withDaemon(command, flags, (client) => client.addEip(asked));
      await print(`${escapeControl(`${name.address} is in front of ${havip} in ${name.network}`)}\n`);
    });
}

function removeCommand(): Command {
  return new Command('remove')
    .description('take away an EIP that was defined at run time')
    .argument('<EIP>', 'the public address')
    .addOption(networkOption())
    .addOption(configOption())
    .addOption(socketOption())
    .addHelpText('after', REMOVE_EXAMPLES)
    .action(async (address: string, flags: EipFlags, command: Command) => {
      const { network = '' } = flags;
      const name = await withDaemon(command, flags, (client) => client.removeEip({ address, network }));
      await print(`${escapeControl(`the EIP ${name.address} of ${name.network} is removed`)}\n`);
    });
}
