// SPDX-License-Identifier: BSD-2-Clause
// `havip doctor`: what is wrong with this host, worst first, each with its cure; then how much is well.
import { Command } from 'commander';
import type { Finding } from '../doctor/finding.js';
import { lookAtObject } from '../doctor/look-object.js';
import { renderFindings } from './doctor-words.js';
import { toJson } from './json.js';
import {
  configOption,
  pinPathOf,
  pinPathOption,
  socketOf,
  socketOption,
  type PlaceFlags,
} from './options.js';
import { print, screenOf } from './render.js';

const EXAMPLES = `
Failures come first, then warnings, each with a line to paste; -v lists what is well too. Changes nothing.
Without --config the daemon's configuration is examined, and without a daemon what is pinned.
Exit code 0: nothing fails, warnings or not; 1: something does.

Examples:
  $ sudo havip doctor
  $ sudo havip doctor --config /etc/havip.yaml      before the daemon is started
  $ sudo havip doctor --json | jq '.[] | select(.state != "ok")'`;

interface Flags extends PlaceFlags {
  readonly json?: true;
  readonly verbose?: true;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'what is wrong with this host and what to do about it: kernel, privileges, ports, bridges, drift',
    )
    .addOption(configOption())
    .addOption(socketOption())
    .addOption(pinPathOption())
    .option('--json', 'an array of {"area","check","state","detail","cure"}')
    .option('-v, --verbose', 'also what is well')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags, command: Command) => {
      const object = lookAtObject();
      // Awaited later; until then it is nobody's.
      object.catch(() => undefined);
      const { examineHost } = await import('../doctor/checks.js');
      const options = {
        socket: await socketOf(command, flags),
        pinPath: await pinPathOf(command, flags),
        pinPathChosen: Boolean(flags.config) || command.getOptionValueSource('pinPath') !== 'default',
        configPath: flags.config ?? null,
      };
      const findings = await examineHost(options, object);
      const shown = { verbose: flags.verbose === true, screen: screenOf() };
      await print(flags.json ? jsonOf(findings) : renderFindings(findings, shown));
      if (findings.some(({ state }) => state === 'fail')) process.exitCode = 1;
    });
}

const jsonOf = (findings: readonly Finding[]): string =>
  `[\n${findings.map(({ area, check, state, detail, cure }) => toJson({ area, check, state, detail, cure })).join(',\n')}\n]\n`;
