// SPDX-License-Identifier: BSD-2-Clause
// `havip add`: a HAVIP at run time, without an editor and a reload. It is kept beside the configuration file.
import { Command, Option } from 'commander';
import type { ApiClient } from '../api/client.js';
import { HavipError } from '../errors.js';
import { networkOption, subnetOption, withDaemon } from './daemon.js';
import { configOption, socketOption, type PlaceFlags } from './options.js';
import { escapeControl, print } from './render.js';

interface AddFlags extends PlaceFlags {
  readonly network?: string;
  readonly subnet?: string;
  readonly member?: string[];
  readonly rebind?: string;
  readonly guard?: string;
  readonly unheld?: string;
  readonly heal?: string;
  readonly arp?: string;
  readonly serviceMac?: string;
  readonly moves?: number;
  readonly window?: string;
}

const EXAMPLES = `
Examples:
  $ havip add 10.0.1.60
  $ havip add 10.0.1.60 --member tap-a tap-b --moves 3 --window 30s
  $ havip add fd00:1::60 --network blue --subnet web

It passes the checks of the configuration file, is in force when the command ends, and survives restarts and reloads: it
is kept beside the configuration, in FILE.runtime. Where the file later defines the address itself, the file wins.`;

export function addCommand(): Command {
  return new Command('add')
    .description('define a HAVIP at run time')
    .argument('<VIP>', 'its address, in one of the subnets')
    .addOption(networkOption())
    .addOption(subnetOption())
    .option('--member <PORT...>', 'who may claim it (default: every port of the subnet)')
    .addOption(new Option('--rebind <WHO>', 'who decides').choices(['kernel', 'loader']))
    .addOption(new Option('--guard <HOW>', 'towards forged claims').choices(['enforce', 'monitor']))
    .addOption(new Option('--unheld <WHAT>', 'while nobody holds it').choices(['pass', 'drop']))
    .addOption(new Option('--heal <HOW>', 'after an alarm').choices(['verify', 'alarm']))
    .addOption(new Option('--arp <HOW>', 'who answers for it').choices(['proxy', 'off']))
    .option('--service-mac <MAC>', 'what --arp proxy answers')
    .option('--moves <NUMBER>', 'its move budget: so many', wholeNumber)
    .option('--window <DURATION>', '... in so long, such as 10s')
    .addOption(configOption())
    .addOption(socketOption())
    .addHelpText('after', EXAMPLES)
    .action(async (address: string, flags: AddFlags, command: Command) => {
      const name = await withDaemon(command, flags, (client) => client.addHavip(requestOf(address, flags)));
      await print(`${escapeControl(`${name.address} is defined in ${name.network}/${name.subnet}`)}\n`);
    });
}

type Request = Parameters<ApiClient['addHavip']>[0];

/** Empty is the default. */
function requestOf(address: string, flags: AddFlags): Request {
  const { network = '', subnet = '', member = [], moves = 0, window = '' } = flags;
  const { rebind = '', guard = '', unheld = '', heal = '', arp = '', serviceMac = '' } = flags;
  const place = { network, subnet, address, members: member };
  return {
    ...place,
    ...{ rebind, guard, unheld, heal, arp, serviceMac },
    ...{ dampingMoves: moves, dampingWindow: window },
  };
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new HavipError('USAGE', `--moves: not a number of moves: ${JSON.stringify(text)}`);
}
