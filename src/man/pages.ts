// SPDX-License-Identifier: BSD-2-Clause
// commander's tree -> manual pages: havip(1), and one a command. The same words as --help, since they are the same.
import type { Argument, Command, Option } from 'commander';
import { helpTextOf } from './help-text.js';
import { bold, heading, italic, page, paragraph, roff, tagged } from './roff.js';

/** Shape: file name, such as `havip-status.1`, to its text. */
export type Pages = Readonly<Record<string, string>>;

const EXITS: readonly [number, string][] = [
  [0, 'done'],
  [1, 'failed'],
  [2, 'wrong usage or configuration'],
  [3, 'not permitted'],
  [4, 'no daemon, or nothing loaded'],
];

/** Of every command; their own are with their options. */
const ENVIRONMENT: readonly [string, string][] = [
  ['NO_COLOR', 'not empty: no colours'],
  ['FORCE_COLOR', 'not empty, not 0: colours in a pipe too; NO_COLOR wins'],
  ['HAVIP_DEBUG', 'not empty: errors show where they come from'],
];

export function manualPages(program: Command, version: string): Pages {
  const commands = visible(program);
  const pages: Record<string, string> = { [`${program.name()}.1`]: rootPage(program, commands, version) };
  for (const command of commands) {
    const title = `${program.name()}-${command.name()}`;
    pages[`${title}.1`] = commandPage(title, program, command, version);
  }
  return pages;
}

/** Without the help command, which is no command of ours. */
const visible = (command: Command): Command[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== 'help');

function rootPage(program: Command, commands: readonly Command[], version: string): string {
  const { prose } = helpTextOf(program);
  return page(program.name(), 1, version, [
    ...nameSection(program.name(), program.description()),
    ...heading('SYNOPSIS', `${bold(program.name())} ${italic('command')} [${italic('options')}]`),
    ...(prose.length ? heading('DESCRIPTION', ...prose) : []),
    ...heading('COMMANDS', ...commands.flatMap((command) => summary(program, command))),
    ...optionSection(program),
    ...exitSection([]),
    ...environmentSection(everyOption(commands)),
    ...fileSection(everyOption(commands)),
    ...seeAlso(['havip.yaml(5)', ...commands.map((command) => `havip-${command.name()}(1)`)]),
  ]);
}

function commandPage(title: string, program: Command, command: Command, version: string): string {
  const { prose, examples, exits } = helpTextOf(command);
  const options = everyOption([command]);
  return page(title, 1, version, [
    ...nameSection(title, command.description()),
    ...heading('SYNOPSIS', ...synopsis(command, program.name())),
    ...(prose.length ? heading('DESCRIPTION', ...prose) : []),
    ...argumentSection(command),
    ...optionSection(command),
    ...visible(command).flatMap((child) => subcommandSection(command, child)),
    ...(examples.length ? heading('EXAMPLES', ...examples) : []),
    ...exitSection(exits),
    ...environmentSection(options),
    ...fileSection(options),
    ...seeAlso(['havip(1)', 'havip.yaml(5)']),
  ]);
}

const nameSection = (name: string, description: string): string[] =>
  heading('NAME', `${roff(name)} \\- ${roff(description)}`);

const summary = (program: Command, command: Command): string[] =>
  tagged(`${bold(`${program.name()}-${command.name()}`)}(1)`, roff(command.description()));

/** A line a way to call it. */
function synopsis(command: Command, before: string): string[] {
  const path = `${before} ${command.name()}`;
  const children = visible(command);
  if (children.length)
    return children.flatMap((child, at) => [...(at ? ['.br'] : []), ...synopsis(child, path)]);
  return [[bold(path), roff(command.usage())].filter(Boolean).join(' ')];
}

function subcommandSection(parent: Command, command: Command): string[] {
  const { prose, examples, exits } = helpTextOf(command);
  const name = `${parent.name()} ${command.name()}`;
  return heading(
    name.toUpperCase(),
    ...paragraph(command.description()),
    ...prose,
    ...command.registeredArguments.flatMap(argumentLines),
    ...ownOptions(command).flatMap(optionLines),
    ...examples,
    ...exits,
  );
}

function argumentSection(command: Command): string[] {
  const lines = command.registeredArguments.flatMap(argumentLines);
  return lines.length ? heading('ARGUMENTS', ...lines) : [];
}

function argumentLines(argument: Argument): string[] {
  const choices = argument.argChoices ? `: ${argument.argChoices.join(', ')}` : '';
  return tagged(italic(argument.name()), roff(`${argument.description}${choices}` || '\\&'));
}

function optionSection(command: Command): string[] {
  const options = ownOptions(command);
  return options.length ? heading('OPTIONS', ...options.flatMap(optionLines)) : [];
}

const ownOptions = (command: Command): Option[] => command.createHelp().visibleOptions(command);

function optionLines(option: Option): string[] {
  const { flags, description, argChoices, envVar, negate } = option;
  const defaultValue: unknown = option.defaultValue;
  const notes = [
    argChoices && `one of ${argChoices.join(', ')}`,
    isShown(defaultValue) && !negate && `default: ${String(defaultValue)}`,
    envVar && `environment: ${envVar}`,
  ];
  const kept = notes.filter((note) => typeof note === 'string');
  const text = kept.length ? `${description} (${kept.join('; ')})` : description;
  return tagged(flagsText(flags), roff(text || '\\&'));
}

const isShown = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') || typeof value === 'number';

/** `-f, --follow`, `--config <FILE>`: what is typed in bold, what stands for something in italics. */
const flagsText = (flags: string): string =>
  flags
    .split(/(<[^>]*>|\[[^\]]*\])/)
    .map((part) => (/^[<[]/.test(part) ? italic(part) : part && bold(part)))
    .join('');

function* everyCommand(commands: readonly Command[]): Generator<Command> {
  for (const command of commands) {
    yield command;
    yield* everyCommand(visible(command));
  }
}

const everyOption = (commands: readonly Command[]): Option[] =>
  [...everyCommand(commands)].flatMap((command) => ownOptions(command));

function exitSection(own: readonly string[]): string[] {
  const common = EXITS.flatMap(([code, meaning]) => tagged(bold(String(code)), roff(meaning)));
  return heading('EXIT STATUS', ...own, ...common);
}

function environmentSection(options: readonly Option[]): string[] {
  const own = new Map<string, string>();
  for (const { envVar, long } of options) if (envVar && long) own.set(envVar, `as ${long}, which beats it`);
  const lines = [...own, ...ENVIRONMENT].flatMap(([name, meaning]) => tagged(bold(name), roff(meaning)));
  return heading('ENVIRONMENT', ...lines);
}

/** The paths that are gone by when nobody says otherwise. */
function fileSection(options: readonly Option[]): string[] {
  const files = new Map<string, string>();
  for (const option of options) {
    const path: unknown = option.defaultValue;
    if (typeof path === 'string' && path.startsWith('/')) files.set(path, option.description);
  }
  const lines = [...files].flatMap(([path, meaning]) => tagged(italic(path), roff(meaning)));
  return lines.length ? heading('FILES', ...lines) : [];
}

function seeAlso(pages: readonly string[]): string[] {
  const links = pages.map((one) =>
    one.replace(/^(.*)(\(\d\))$/, (_, name: string, section: string) => bold(name) + section),
  );
  return heading('SEE ALSO', links.join(',\n'));
}
