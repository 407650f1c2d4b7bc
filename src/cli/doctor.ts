// SPDX-License-Identifier: BSD-2-Clause
// `havip doctor`: what works on this host, and what to do about the rest.
import { Command } from 'commander';
import { inspectHost, type Check } from '../control/doctor.js';
import { configOption, pinPathOption } from './options.js';
import { loadConfig } from '../config/load.js';
import { escapeControl } from './render.js';

const EXAMPLES = `
Exit code 0: nothing fails; 1: something does.

Examples:
  $ havip doctor
  $ havip doctor --config /etc/havip.yaml      also its bridges and ports
  $ havip doctor --json | jq '.[] | select(.state != "ok")'`;

interface Flags {
  config?: string;
  pinPath: string;
  json?: boolean;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check kernel, privileges, drivers and offloads, with a cure for what is missing')
    .addOption(configOption())
    .addOption(pinPathOption())
    .option('--json', 'an array of {"check","state","detail","cure"}')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags, command: Command) => {
      const config = flags.config ? loadConfig(flags.config) : null;
      const chosen = command.getOptionValueSource('pinPath') !== 'default';
      const pinPath = config && !chosen ? config.pinPath : flags.pinPath;
      const checks = await inspectHost({ pinPath, subnets: config?.subnets ?? [] });
      process.stdout.write(flags.json ? `${JSON.stringify(checks, null, 2)}\n` : checks.map(line).join(''));
      if (checks.some(({ state }) => state === 'fail')) process.exitCode = 1;
    });
}

function line({ check, state, detail, cure }: Check): string {
  const cured = cure ? `\n      try: ${cure}` : '';
  return `${state.padEnd(5)} ${escapeControl(`${check}: ${detail}`)}${cured}\n`;
}
