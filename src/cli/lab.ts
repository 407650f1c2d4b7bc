// SPDX-License-Identifier: BSD-2-Clause
// `havip lab up|down|status`: the demo's lab, kept, to try things in. It is built by src/lab; this says what is
// where, and what to type.
import { basename, relative } from 'node:path';
import { Command } from 'commander';
import { HavipError } from '../errors.js';
import { isClean, labFolder, leftovers, namespacePath } from '../lab/cleanup.js';
import { buildKeptLab, inspectKeptLab, type KeptNamespace } from '../lab/demo-kept.js';
import { CLI, placesIn } from '../lab/demo-daemon.js';
import { KEPT_PREFIX, requireMeans, requireRoot } from '../lab/demo-place.js';
import { Lab } from '../lab/lab.js';
import { VIP } from '../lab/topology.js';
import { advertIntervalOption } from './demo.js';
import { plainTable, print } from './render.js';

interface UpFlags {
  readonly advertInterval: number;
  readonly run: boolean;
}

const UP_EXAMPLES = `
It stays until havip lab down. There is one at a time.

Examples:
  $ havip lab up
  $ havip lab up --advert-interval 0.2
  $ havip lab up --no-run                  start the daemon yourself, as it then says`;

const DOWN_EXAMPLES = `
Ends every process in it and removes its namespaces, pins and files. With no lab there is nothing to do: exit code 0.

Example:
  $ havip lab down`;

const STATUS_EXAMPLES = `
Exit code 4: no lab is up.

Example:
  $ havip lab status`;

export function labCommand(): Command {
  return new Command('lab')
    .description('the lab of havip demo, kept: network namespaces with a real keepalived pair')
    .addCommand(upCommand())
    .addCommand(downCommand())
    .addCommand(statusCommand())
    .addHelpText('after', '\nExamples:\n  $ havip lab up\n  $ havip lab status\n  $ havip lab down');
}

function upCommand(): Command {
  return new Command('up')
    .description('build it, start keepalived and havip run in it, and say what to try')
    .addOption(advertIntervalOption())
    .option('--no-run', 'without havip run')
    .addHelpText('after', UP_EXAMPLES)
    .action(async ({ advertInterval, run }: UpFlags) => {
      requireMeans();
      await refuseSecond();
      await buildKeptLab({ advertIntervalS: advertInterval, run });
      await print(`${await inventory()}\n${guide(run)}`);
    });
}

function downCommand(): Command {
  return new Command('down')
    .description('remove it, with everything in it')
    .addHelpText('after', DOWN_EXAMPLES)
    .action(async () => {
      requireRoot();
      if (!(await isUp())) return print('no lab is up: nothing to remove\n');
      await Lab.remove(KEPT_PREFIX);
      await print('the lab is gone\n');
    });
}

function statusCommand(): Command {
  return new Command('status')
    .description('its namespaces, addresses and processes')
    .addHelpText('after', STATUS_EXAMPLES)
    .action(async () => {
      requireRoot();
      if (!(await isUp())) throw new HavipError('NOT_RUNNING', 'no lab is up', { cure: `${self()} lab up` });
      await print(await inventory());
    });
}

async function isUp(): Promise<boolean> {
  return !isClean(await leftovers(KEPT_PREFIX));
}

async function refuseSecond(): Promise<void> {
  if (!(await isUp())) return;
  throw new HavipError('FAILED', `a lab is up already (${labFolder(KEPT_PREFIX)})`, {
    cure: `${self()} lab status, or ${self()} lab down`,
  });
}

async function inventory(): Promise<string> {
  const rows = (await inspectKeptLab()).flatMap(rowsOf);
  return plainTable(
    [{ name: 'NAMESPACE' }, { name: 'DEVICE' }, { name: 'IPV4' }, { name: 'PROCESSES' }],
    rows,
  );
}

/** A line a device; the processes stand in the first. */
function rowsOf({ namespace, devices, processes }: KeptNamespace): string[][] {
  return devices.map(({ name, addresses }, at) => [
    at === 0 ? namespace : '',
    name,
    addresses.join(' '),
    at === 0 ? processes.join(' ') : '',
  ]);
}

/** At most 80 columns wide: it is read, and copied, in a terminal. */
function guide(isRunning: boolean): string {
  const { socket, pinPath, statePath, config } = placesIn(labFolder(KEPT_PREFIX));
  const inside = (name: string): string => `nsenter --net=${namespacePath(`${KEPT_PREFIX}-${name}`)}`;
  const port = `ip -n ${KEPT_PREFIX}-hv link set vnic-vm-a`;
  const start = [
    'Start the daemon on the hypervisor:',
    `${inside('hv')} \\`,
    `  ${self()} run --config ${config}`,
  ];
  return [
    `${VIP} is held by vm-a or vm-b, whichever announced it last. Logs are in`,
    `${labFolder(KEPT_PREFIX)}; the configuration is ${basename(config)} there.`,
    '',
    ...[
      'Tell havip where this one is:',
      `  export HAVIP_SOCKET=${socket}`,
      `  export HAVIP_PIN_PATH=${pinPath}`,
      `  export HAVIP_STATE_PATH=${statePath}`,
    ],
    ...(isRunning ? [] : start.map((line, at) => (at === 0 ? line : `  ${line}`))),
    ...['Who holds it, what happened, and what the kernel has:', `  ${self()} status`],
    ...[`  ${self()} events --follow`, `  ${self()} map dump bindings`],
    ...['Be its client:', `  ${inside('client')} ping ${VIP}`],
    `  ${inside('client')} \\`,
    `    curl -sSo /dev/null -w '%{speed_download}\\n' http://${VIP}:8080/50000000`,
    ...['Fail it over, and back:', `  ${port} down`, `  ${port} up`],
    ...['Take it all away:', `  ${self()} lab down`, ''],
  ].join('\n');
}

/** As the user can type it from here. */
function self(): string {
  const name = process.argv[1] ?? CLI;
  if (basename(name) === 'havip') return 'havip';
  const near = relative(process.cwd(), CLI);
  return near.startsWith('..') ? CLI : near;
}
