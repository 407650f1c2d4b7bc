// SPDX-License-Identifier: BSD-2-Clause
// `havip unload`: takes the fast path away, whole. The one command that does.
import { Command } from 'commander';
import { HavipError } from '../errors.js';
import { unload } from '../kernel/datapath.js';
import { hasPins, lockPinFolder } from '../kernel/pins.js';
import { closeFd } from '../native/index.js';
import { configOption, pinPathOf, pinPathOption, type PlaceFlags } from './options.js';

const EXAMPLES = `
From then on the bridge alone delivers: a sender with a stale MAC reaches the old holder again.
Bindings and counters are gone; a later start begins anew.

Examples:
  $ havip unload
  $ havip unload --config /etc/havip.yaml`;

export function unloadCommand(): Command {
  return new Command('unload')
    .description('detach every program and remove every pin')
    .addOption(configOption())
    .addOption(pinPathOption())
    .addHelpText('after', EXAMPLES)
    .action(async (flags: PlaceFlags, command: Command) => {
      const pinPath = await pinPathOf(command, flags);
      if (!hasPins(pinPath)) {
        throw new HavipError('NOT_RUNNING', `nothing is loaded at ${pinPath}`);
      }
      const lock = lockPinFolder(pinPath);
      const { programs, maps } = unload(pinPath);
      closeFd(lock);
      process.stdout.write(`detached ${programs} programs, removed ${maps} maps from ${pinPath}\n`);
    });
}
