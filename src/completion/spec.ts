// SPDX-License-Identifier: BSD-2-Clause
// What can be completed, read off commander's own tree: the shells' scripts are written from this, and from nothing else.
import type { Argument, Command, Option } from 'commander';

/** What a value is. `havip`, `port` and `network` are the daemon's to know; `none` is anybody's guess. */
export type Kind = 'words' | 'file' | 'folder' | 'havip' | 'port' | 'key' | 'none';

export interface Value {
  readonly kind: Kind;
  /** Of kind `words`. */
  readonly words: readonly string[];
  readonly variadic: boolean;
}

export interface OptionSpec {
  /** `-f`, `--follow` */
  readonly flags: readonly string[];
  readonly description: string;
  /** null: it takes none. */
  readonly value: Value | null;
}

export interface CommandSpec {
  /** `havip map dump` */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly subcommands: readonly CommandSpec[];
  readonly options: readonly OptionSpec[];
  readonly values: readonly Value[];
}

/** The tree, without what is hidden from --help. */
export function specOf(command: Command, before = ''): CommandSpec {
  const name = command.name();
  const path = before ? `${before} ${name}` : name;
  const help = command.createHelp();
  return {
    ...{ path, name, description: command.description() },
    subcommands: help.visibleCommands(command).map((child) => specOf(child, path)),
    options: help.visibleOptions(command).map(optionSpec),
    values: command.registeredArguments.map(argumentValue),
  };
}

/** It and all below it. */
export function* everySpec(spec: CommandSpec): Generator<CommandSpec> {
  yield spec;
  for (const child of spec.subcommands) yield* everySpec(child);
}

function optionSpec(option: Option): OptionSpec {
  const { short, long, description, required, optional, argChoices, variadic, flags } = option;
  const placeholder = /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1] ?? '';
  return {
    flags: [short, long].flatMap((flag) => flag ?? []),
    description,
    value: required || optional ? valueOf(placeholder, argChoices, variadic) : null,
  };
}

const argumentValue = (argument: Argument): Value =>
  valueOf(argument.name(), argument.argChoices, argument.variadic);

/** The placeholder that --help shows says what is wanted: `<FILE>`, `[VIP]`. */
function valueOf(placeholder: string, choices: readonly string[] | undefined, variadic: boolean): Value {
  if (choices) return { kind: 'words', words: choices, variadic };
  return { kind: kindOf(placeholder.toUpperCase()), words: [], variadic };
}

const KINDS: readonly [RegExp, Kind][] = [
  [/^(FILE|PATH)\b/, 'file'],
  [/^DIR\b/, 'folder'],
  [/\bVIP\b|^ADDR\b(?!\/)/, 'havip'],
  [/^PORT\b(?!:)/, 'port'],
  [/^KEY\b/, 'key'],
];

const kindOf = (placeholder: string): Kind => KINDS.find(([name]) => name.test(placeholder))?.[1] ?? 'none';
