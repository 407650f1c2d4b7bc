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
  watch: async () => (await import('./watch.js')).watchCommand(),
  events: async () => (await import('./events.js')).eventsCommand(),
  explain: async () => (await import('./explain.js')).explainCommand(),
  map: async () => (await import('./map.js')).mapCommand(),
  trace: async () => (await import('./trace.js')).traceCommand(),
  replay: async () => (await import('./replay.js')).replayCommand(),
  doctor: async () => (await import('./doctor.js')).doctorCommand(),
  add: async () => (await import('./add.js')).addCommand(),
  remove: async () => (await import('./remove.js')).removeCommand(),
  members: async () => (await import('./members.js')).membersCommand(),
  eip: async () => (await import('./eip.js')).eipCommand(),
  clear: async () => (await import('./clear.js')).clearCommand(),
  ports: async () => (await import('./ports.js')).portsCommand(),
  'support-bundle': async () => (await import('./support-bundle.js')).supportBundleCommand(),
  reload: async () => (await import('./reload.js')).reloadCommand(),
  demo: async () => (await import('./demo.js')).demoCommand(),
  lab: async () => (await import('./lab.js')).labCommand(),
  bench: async () => (await import('./bench.js')).benchCommand(),
  unload: async () => (await import('./unload.js')).unloadCommand(),
  completion: async () => (await import('./completion.js')).completionCommand(wholeTree),
};

/** For machines: the completion scripts and the Makefile. */
const HIDDEN: typeof COMMANDS = {
  complete: async () => (await import('./completion.js')).completeCommand(),
  man: async () => (await import('./man.js')).manCommand(wholeTree),
};

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 not permitted, 4 no daemon or nothing loaded.`;

function bareProgram(): Command {
  return new Command('havip')
    .description('a data plane that makes a virtual IP follow its holder')
    .version(packageVersion())
    .addHelpText('after', EXIT_CODES)
    .showSuggestionAfterError();
}

async function wholeTree(): Promise<Command> {
  const program = bareProgram();
  for (const factory of Object.values(COMMANDS)) program.addCommand(await factory());
  return program;
}

/** One command suffices for its own line; help and typing errors want all of them. */
async function programFor(argv: readonly string[]): Promise<Command> {
  const named = argv.find((word) => Object.hasOwn(COMMANDS, word));
  const [first = ''] = argv;
  if (Object.hasOwn(HIDDEN, first)) {
    const factory = HIDDEN[first];
    return factory ? bareProgram().addCommand(await factory(), { hidden: true }) : bareProgram();
  }
  const factory = named === undefined ? undefined : COMMANDS[named];
  return factory ? bareProgram().addCommand(await factory()) : wholeTree();
}

async function main(argv: readonly string[]): Promise<void> {
  const asked = isHelpForNothing(argv) ? argv.slice(1) : argv;
  const program = await programFor(asked);
  speakOurWay(program, program.name());
  await program.parseAsync(asked, { from: 'user' });
}

/** `havip help statsu`: commander shows the whole help, and does not say that there is no such command. */
const isHelpForNothing = ([first, second]: readonly string[]): boolean =>
  first === 'help' && second !== undefined && !second.startsWith('-') && !Object.hasOwn(COMMANDS, second);

/** commander exits with 1 on a wrong flag, where ours is 2; and its errors look like ours, cure included. */
function speakOurWay(command: Command, path: string): void {
  command
    .exitOverride()
    .showHelpAfterError(`  try: ${path} --help`)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'havip: ')) });
  for (const child of command.commands) speakOurWay(child, `${path} ${child.name()}`);
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
