// SPDX-License-Identifier: BSD-2-Clause
// `havip completion bash|zsh|fish`: the script for a shell; and, hidden, `havip complete`: what the daemon knows.
import { Argument, Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../completion/script.js';
import { specOf } from '../completion/spec.js';
import { configOption, socketOf, socketOption, type PlaceFlags } from './options.js';
import { print } from './render.js';

const EXAMPLES = `
Commands, options and their values are completed without a daemon; addresses and ports by asking it. make install has put
the scripts where the shells look for them; this is for all other cases.

Examples:
  $ source <(havip completion bash)                                      for this shell
  $ havip completion zsh > /usr/local/share/zsh/site-functions/_havip    for good
  $ havip completion fish > ~/.config/fish/completions/havip.fish`;

/** @param wholeTree Every command, for only --help and this need them all. */
export function completionCommand(wholeTree: () => Promise<Command>): Command {
  return new Command('completion')
    .description('the completion script of a shell')
    .addArgument(new Argument('<SHELL>', 'which one').choices(SHELLS))
    .addHelpText('after', EXAMPLES)
    .action(async (shell: Shell) => print(completionScript(shell, specOf(await wholeTree()))));
}

/** Longer than it takes on a host that is busy; a daemon that hangs must not keep the shell. */
const PATIENCE_MS = 5_000;
/** More than anybody reads. */
const MOST = 200;
/** What no shell takes for anything else than text: it is put on a command line as it is. */
const HARMLESS = /^[\w.:@%+-]+$/;

type What = 'havip' | 'port' | 'key';

/** Called by the scripts at each TAB. Says nothing rather than something that is no completion. */
export function completeCommand(): Command {
  return new Command('complete')
    .description('what the daemon knows that begins like this, a line each; for the completion scripts')
    .addArgument(
      new Argument('<WHAT>', 'addresses, names of ports, or both').choices(['havip', 'port', 'key']),
    )
    .argument('[START]', 'how it begins', '')
    .addOption(configOption())
    .addOption(socketOption())
    .action(async (what: What, start: string, flags: PlaceFlags, command: Command) => {
      setTimeout(() => process.exit(0), PATIENCE_MS);
      const found = await known(await socketOf(command, flags), what, start).catch(() => []);
      await print(found.map((word) => `${word}\n`).join(''));
      process.exit(0);
    });
}

async function known(socket: string, what: What, start: string): Promise<readonly string[]> {
  const { probe } = await import('../api/socket.js');
  // Before gRPC is loaded, which takes longer than all the rest.
  if ((await probe(socket)) !== null) return [];
  const { ApiClient } = await import('../api/client.js');
  const client = await ApiClient.connect(socket);
  const found = new Set<string>();
  const offer = (word: string): void => {
    if (word.startsWith(start) && HARMLESS.test(word)) found.add(word);
  };
  if (what !== 'havip') for (const { name } of (await client.daemon()).ports) offer(name);
  if (what !== 'port')
    for await (const page of client.havipPages()) {
      for (const { address } of page) offer(address);
      if (found.size >= MOST) break;
    }
  return [...found].sort().slice(0, MOST);
}
