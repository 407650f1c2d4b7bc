// SPDX-License-Identifier: BSD-2-Clause
// `havip unload`: takes the fast path away, whole. The one command that does.
import { Command } from 'commander';
import { HavipError } from '../errors.js';
import { unload } from '../kernel/datapath.js';
import { hasPins } from '../kernel/pins.js';
import { closeFd, isNativeError, lockFolder, lockOwner } from '../native/index.js';
import { pinPathOption } from './options.js';

const EXAMPLES = `
From then on the bridge alone delivers: a sender with a stale MAC reaches the old holder again.
Bindings and counters are gone; a later start begins anew.

Examples:
  $ havip unload
  $ havip unload --pin-path /run/havip/bpf`;

export function unloadCommand(): Command {
  return new Command('unload')
    .description('detach every program and remove every pin')
    .addOption(pinPathOption())
    .addHelpText('after', EXAMPLES)
    .action(({ pinPath }: { pinPath: string }) => {
      if (!hasPins(pinPath)) {
        throw new HavipError('NOT_RUNNING', `nothing is loaded at ${pinPath}`);
      }
      const lock = lockOrRefuse(pinPath);
      const { programs, maps } = unload(pinPath);
      closeFd(lock);
      process.stdout.write(`detached ${programs} programs, removed ${maps} maps from ${pinPath}\n`);
    });
}

function lockOrRefuse(pinPath: string): number {
  try {
    return lockFolder(pinPath);
  } catch (error) {
    if (!isNativeError(error) || error.code === 'EACCES') throw error;
    const pid = lockOwner(pinPath);
    throw new HavipError('FAILED', `havip is running on ${pinPath}${pid ? ` as process ${pid}` : ''}`, {
      cause: error,
      cure: `stop it first: kill ${pid || 'PID'}`,
    });
  }
}
