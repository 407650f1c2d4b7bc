// SPDX-License-Identifier: BSD-2-Clause
// The completion scripts. What is the shell's lies beside this file (havip.bash, ...), what is the tree's is filled in.
import { readFileSync } from 'node:fs';
import { everySpec, type CommandSpec, type OptionSpec, type Value } from './spec.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, root: CommandSpec): string {
  const all = [...everySpec(root)];
  const parts = PARTS[shell](all);
  const frame = readFileSync(new URL(`havip.${shell}`, import.meta.url), 'utf8');
  return frame.replaceAll(/@([A-Z]+)@/g, (_, name: string) => parts[name] ?? '');
}

type Parts = Readonly<Record<string, string>>;

const PARTS: Record<Shell, (all: readonly CommandSpec[]) => Parts> = {
  bash: (all) => ({ PLACES: all.map(bashPlace).join('\n'), OPTIONS: all.flatMap(optionCases).join('\n') }),
  zsh: (all) => ({ PLACES: all.map(zshPlace).join('\n'), OPTIONS: all.flatMap(optionCases).join('\n') }),
  fish: (all) => ({
    VALUED: all.flatMap(valuedFlags).map(fishQuoted).join(' '),
    PLACES: all.map(({ path }) => fishQuoted(path)).join(' '),
    COMPLETIONS: all.flatMap(fishLines).join('\n'),
  }),
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const fishQuoted = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;

/** `file`, `havip`, or `words:kernel loader`; a star: also all that follow. */
const takes = ({ kind, words, variadic }: Value): string =>
  quoted(`${kind === 'words' ? `words:${words.join(' ')}` : kind}${variadic ? '*' : ''}`);

function bashPlace({ path, subcommands, options, values }: CommandSpec): string {
  const subs = subcommands.map(({ name }) => name).join(' ');
  const opts = options.flatMap(({ flags }) => flags).join(' ');
  return `  ${quoted(path)}) subs=${quoted(subs)} opts=${quoted(opts)} args=(${values.map(takes).join(' ')}) ;;`;
}

function zshPlace({ path, subcommands, options, values }: CommandSpec): string {
  const subs = subcommands.map(({ name, description }) => quoted(`${name}:${description}`));
  const opts = options.flatMap(({ flags, description }) =>
    flags.map((flag) => quoted(`${flag}:${description}`)),
  );
  return [
    `  ${quoted(path)})`,
    `    subs=(${subs.join(' ')})`,
    `    opts=(${opts.join(' ')})`,
    `    args=(${values.map(takes).join(' ')}) ;;`,
  ].join('\n');
}

function optionCases({ path, options }: CommandSpec): string[] {
  return options.flatMap(({ flags, value }) => {
    if (!value) return [];
    const pattern = flags.map((flag) => quoted(`${path} ${flag}`)).join(' | ');
    return [`  ${pattern}) takes=${takes({ ...value, variadic: false })} ;;`];
  });
}

const valuedFlags = ({ path, options }: CommandSpec): string[] =>
  options.flatMap(({ flags, value }) => (value ? flags.map((flag) => `${path} ${flag}`) : []));

function fishLines({ path, subcommands, options, values }: CommandSpec): string[] {
  const when = (condition: string): string => `complete -c havip -n ${fishQuoted(condition)}`;
  const here = when(`__havip_at ${fishQuoted(path)}`);
  return [
    ...subcommands.map(({ name, description }) => `${here} -a ${name} -d ${fishQuoted(description)}`),
    ...options.map((option) => `${here}${fishOption(option)}`),
    ...values.map((value, at) => {
      const condition = `__havip_argument ${fishQuoted(path)} ${at}${value.variadic ? ' +' : ''}`;
      return `${when(condition)}${fishValue(value)}`;
    }),
  ];
}

function fishOption({ flags, description, value }: OptionSpec): string {
  const names = flags.map((flag) =>
    flag.startsWith('--') ? ` -l ${flag.slice(2)}` : ` -s ${flag.slice(1)}`,
  );
  return `${names.join('')}${value ? ` -r${fishValue(value)}` : ''} -d ${fishQuoted(description)}`;
}

function fishValue({ kind, words }: Value): string {
  switch (kind) {
    case 'words':
      return ` -f -a ${fishQuoted(words.join(' '))}`;
    case 'file':
      return ' -F';
    case 'folder':
      return ` -f -a '(__fish_complete_directories)'`;
    case 'none':
      return ' -f';
    default:
      return ` -f -a '(__havip_ask ${kind})'`;
  }
}
