#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The command line: one factory a command, one place where an error becomes a message and an exit code.
import { Command, CommanderError } from 'commander';
import { HavipError } from '../errors.js';
import { packageVersion } from '../version.js';

/** Loaded when asked for, so that `havip status` does not wait for what only `havip run` needs. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.js')).runCommand(),
  check: async () => (await import('./check.js')).checkCommand(),
  status: async () => (await import('./status.js')).statusCommand(),
  events: async () => (await import('./events.js')).eventsCommand(),
  explain: async () => (await import('./explain.js')).explainCommand(),
  map: async () => (await import('./map.js')).mapCommand(),
  trace: async () => (await import('./trace.js')).traceCommand(),
  replay: async () => (await import('./replay.js')).replayCommand(),
  doctor: async () => (await import('./doctor.js')).doctorCommand(),
  reload: async () => (await import('./reload.js')).reloadCommand(),
  demo: async () => (await import('./demo.js')).demoCommand(),
  lab: async () => (await import('./lab.js')).labCommand(),
  unload: async () => (await import('./unload.js')).unloadCommand(),
};

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 not permitted, 4 no daemon or nothing loaded.`;

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('havip')
    .description('a data plane that makes a virtual IP follow its holder')
    .version(packageVersion())
    .addHelpText('after', EXIT_CODES)
    .showSuggestionAfterError();
  const named = argv.find((word) => Object.hasOwn(COMMANDS, word));
  const factories = named ? [COMMANDS[named]] : Object.values(COMMANDS);
  for (const factory of factories) if (factory) program.addCommand(await factory());
  overrideExits(program);
  await program.parseAsync(argv, { from: 'user' });
}

/** commander exits with 1 on a wrong flag; ours is 2. */
function overrideExits(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) overrideExits(child);
}

function fail(thrown: unknown): never {
  if (thrown instanceof CommanderError) process.exit(thrown.exitCode === 0 ? 0 : 2);
  const error = HavipError.from(thrown);
  process.stderr.write(`${error.code === 'USAGE' && isProblems(error) ? '' : 'havip: '}${error.message}\n`);
  if (error.cure) process.stderr.write(`  try: ${error.cure}\n`);
  if (process.env.HAVIP_DEBUG && error.cause instanceof Error)
    process.stderr.write(`${error.cause.stack ?? ''}\n`);
  process.exit(error.exitCode);
}

/** `file:line:column: message` lines stand for themselves, so that editors can jump to them. */
const isProblems = (error: HavipError): boolean => /^\S+:\d+:\d+: /.test(error.message);

// The reader has gone (`havip events | head`): nothing is left to say.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

main(process.argv.slice(2)).catch(fail);
