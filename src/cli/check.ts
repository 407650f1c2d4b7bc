// SPDX-License-Identifier: BSD-2-Clause
// `havip check FILE`: says whether a configuration is sound, without touching kernel or network.
import { Command, Option } from 'commander';
import { configJsonSchemaText } from '../config/json-schema.js';
import { loadConfigInWorker } from '../config/in-worker.js';
import { problemsError, renderProblem } from '../config/problem.js';
import type { WorkerResult } from '../config/in-worker.js';
import type { Config } from '../config/types.js';
import { HavipError } from '../errors.js';

interface CheckOptions {
  readonly schema?: true;
  readonly json?: true;
  readonly config?: string;
}

const EXAMPLE = `
Example:
  $ cat havip.yaml
  networks:
    - name: blue
      subnets:
        - name: web
          cidr: 10.0.1.0/24
          bridge: br-web
          havips:
            - address: 10.0.1.50
  $ havip check havip.yaml
  havip.yaml: ok: 1 networks, 1 subnets, 1 HAVIPs

Exit code: 0 sound, 2 not, 3 the file may not be read. No interface needs to exist.
Editors take the schema from: havip check --schema > havip.schema.json
`;

export function checkCommand(): Command {
  return new Command('check')
    .description('validate a configuration file; messages with file:line:column go to standard error')
    .argument('[file]', 'configuration, YAML (default: --config or HAVIP_CONFIG)')
    .addOption(new Option('--config <file>', 'the same as the argument').env('HAVIP_CONFIG'))
    .option('--schema', 'print the JSON Schema of the file and exit')
    .option('--json', 'print the result as one JSON object on standard output')
    .addHelpText('after', EXAMPLE)
    .action(async (file: string | undefined, options: CheckOptions, command: Command) => {
      const write = writers(command);
      if (options.schema === true) write.out(configJsonSchemaText());
      else await check(requireFile(file ?? options.config), options.json === true, write);
    });
}

interface Writers {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Commander's own outlets, so that whoever redirects them catches ours as well. */
function writers(command: Command): Writers {
  const outlets = command.configureOutput();
  return {
    out: (text) => outlets.writeOut?.(text),
    err: (text) => outlets.writeErr?.(text),
  };
}

function requireFile(file: string | undefined): string {
  if (file !== undefined && file !== '') return file;
  throw new HavipError('USAGE', 'no configuration file given', {
    cure: 'havip check FILE, or set HAVIP_CONFIG',
  });
}

async function check(file: string, isJson: boolean, write: Writers): Promise<void> {
  const result = await loadConfigInWorker(file);
  if (isJson) write.out(`${JSON.stringify(toJson(file, result))}\n`);
  else if ('config' in result) write.out(`${file}: ok: ${summary(result.config)}\n`);
  else for (const problem of result.problems) write.err(`${renderProblem(problem)}\n`);
  // Not thrown: the messages stand already, one a line, and main would print them again.
  if ('problems' in result) process.exitCode = problemsError(result.problems).exitCode;
}

function counts(config: Config): { networks: number; subnets: number; havips: number } {
  return {
    networks: new Set(config.subnets.map((subnet) => subnet.network)).size,
    subnets: config.subnets.length,
    havips: config.subnets.reduce((sum, subnet) => sum + subnet.havips.length, 0),
  };
}

function summary(config: Config): string {
  const { networks, subnets, havips } = counts(config);
  return `${networks} networks, ${subnets} subnets, ${havips} HAVIPs`;
}

/** Shape: `{file, ok, networks, subnets, havips, problems}`, the counts only when it is sound. */
function toJson(file: string, result: WorkerResult): object {
  if ('config' in result) return { file, ok: true, ...counts(result.config), problems: [] };
  return { file, ok: false, problems: result.problems };
}
