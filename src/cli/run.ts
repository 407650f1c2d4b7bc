// SPDX-License-Identifier: BSD-2-Clause
// `havip run`: the daemon, from a file or from flags.
import { Command } from 'commander';
import type { ConfigFlags } from '../config/flags.js';
import type { Config } from '../config/types.js';
import { Configuration } from '../control/configuration.js';
import type { Daemon } from '../control/daemon.js';
import { HavipError } from '../errors.js';
import { configOption, DEFAULT_STATE_PATH, pinPathOption, socketOption, statePathOption } from './options.js';

interface RunFlags {
  config?: string;
  bridge?: string;
  vip?: string[];
  uplink?: string[];
  metrics?: string;
  web?: string;
  statePath?: string;
  pinPath?: string;
  socket?: string;
}

const EXAMPLES = `
Examples:
  $ havip run --config /etc/havip.yaml
  $ havip run --bridge br0 --vip 10.0.1.50/24          no file needed
  $ havip run --bridge br0 --vip 10.0.1.50/24 --uplink eth1 --metrics 127.0.0.1:0

Stopping it (Ctrl-C, SIGTERM) leaves the fast path serving; a later start takes it over.
SIGHUP, or havip reload, reads the file again.`;

export function runCommand(): Command {
  return new Command('run')
    .description('load the fast path onto the ports and make each HAVIP follow its holder')
    .addOption(configOption())
    .option('--bridge <NAME>', 'serve this bridge, without a file')
    .option('--vip <ADDRESS/LENGTH...>', 'a HAVIP on it, with its subnet’s prefix length')
    .option('--uplink <NAME...>', 'ports of the bridge that are uplinks')
    .option('--metrics <HOST:PORT>', 'where to serve metrics with --bridge; "off" for nowhere')
    .option('--web <HOST:PORT>', 'where to serve the status page with --bridge; "off" for nowhere')
    .addOption(pinPathOption())
    .addOption(statePathOption())
    .addOption(socketOption())
    .addHelpText('after', EXAMPLES)
    .action(async (flags: RunFlags, command: Command) => {
      await runUntilStopped(start(open(flags, command)));
    });
}

/** The daemon's code is loaded while the configuration's thread reads. */
async function start(opening: Promise<Configuration>): Promise<Daemon> {
  const [{ Daemon }, configuration] = await Promise.all([import('../control/daemon.js'), opening]);
  return Daemon.start(configuration);
}

async function open(flags: RunFlags, command: Command): Promise<Configuration> {
  if (flags.bridge ?? flags.vip) {
    const source = { flags: fromFlags(flags, command) };
    return Configuration.open(source, {}, flags.statePath ?? DEFAULT_STATE_PATH);
  }
  if (!flags.config) {
    throw new HavipError(
      'USAGE',
      'nothing to serve: give --config FILE, or --bridge NAME with --vip ADDRESS/LENGTH',
      {
        cure: 'havip run --help',
      },
    );
  }
  return Configuration.open({ path: flags.config }, overridesOf(flags, command));
}

function fromFlags(flags: RunFlags, command: Command): ConfigFlags {
  const { config, bridge, vip, uplink, pinPath, socket, metrics, web, statePath } = flags;
  const named = config && command.getOptionValueSource('config') === 'cli';
  if (named) throw new HavipError('USAGE', '--config and --bridge exclude each other');
  if (!bridge || !vip)
    throw new HavipError('USAGE', '--bridge and --vip go together: which bridge, and which address');
  return { bridge, vip, uplink, pinPath, socket, metrics, web, statePath };
}

/** A flag or environment variable beats the file; its default does not. */
function overridesOf({ pinPath, socket, statePath }: RunFlags, command: Command): Partial<Config> {
  const given = (name: string): boolean => command.getOptionValueSource(name) !== 'default';
  return {
    ...(pinPath && given('pinPath') && { pinPath }),
    ...(socket && given('socket') && { socket }),
    ...(statePath && given('statePath') && { statePath }),
  };
}

async function runUntilStopped(starting: Promise<Daemon>): Promise<void> {
  // From the first moment on: a signal during the start waits for its end.
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  process.on('SIGHUP', () => void starting.then((daemon) => daemon.reload()));
  const daemon = await starting;
  await stopped;
  await daemon.stop();
  process.exit(0); // sockets of slow readers must not keep a stopped daemon alive
}
