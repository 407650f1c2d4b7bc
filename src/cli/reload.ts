// SPDX-License-Identifier: BSD-2-Clause
// `havip reload`: has the daemon read its configuration again.
import { Command } from 'commander';
import { ApiClient } from '../api/client.js';
import { HavipError } from '../errors.js';
import { configOption, socketOf, socketOption, type PlaceFlags } from './options.js';
import { escapeControl, print } from './render.js';

const EXAMPLES = `
Example:
  $ havip check /etc/havip.yaml && havip reload

A bad file changes nothing: the configuration before goes on serving. The file is the one that the daemon was
started with. SIGHUP does the same.`;

export function reloadCommand(): Command {
  return new Command('reload')
    .description('have the daemon read its configuration again; exit 2 and the problems when it is bad')
    .addOption(configOption())
    .addOption(socketOption())
    .addHelpText('after', EXAMPLES)
    .action(async (flags: PlaceFlags, command: Command) => {
      const client = await ApiClient.connect(await socketOf(command, flags));
      try {
        const problems = await client.reload();
        if (problems.length) throw new HavipError('USAGE', problems.map(escapeControl).join('\n'));
        await print('configuration applied\n');
      } finally {
        client.close();
      }
    });
}
