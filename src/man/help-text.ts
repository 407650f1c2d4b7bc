// SPDX-License-Identifier: BSD-2-Clause
// The text that a command shows below its options, as sections of a page: prose, examples, exit codes.
import type { Command } from 'commander';
import { literal, paragraph } from './roff.js';

export interface HelpText {
  readonly prose: readonly string[];
  readonly examples: readonly string[];
  readonly exits: readonly string[];
}

/** What addHelpText('after') added, as commander itself would print it. */
function textAfterHelp(command: Command): string {
  let text = '';
  const before = command.configureOutput();
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  command.configureOutput(before);
  const at = text.indexOf(command.helpInformation());
  return at < 0 ? '' : text.slice(at + command.helpInformation().length);
}

/** Shape: lines of roff. A block that begins with `Example:` or `Examples:` and its indented lines are the examples. */
export function helpTextOf(command: Command): HelpText {
  const parts = { prose: [] as string[], examples: [] as string[], exits: [] as string[] };
  for (const block of blocksOf(textAfterHelp(command))) {
    const [first = ''] = block;
    if (/^Examples?:$/.test(first)) parts.examples.push(...literal(dedented(block.slice(1))));
    else if (first.startsWith('Exit code')) parts.exits.push(...blockLines(block));
    else parts.prose.push(...blockLines(block));
  }
  return parts;
}

/** Blocks end at blank lines. */
function blocksOf(text: string): string[][] {
  const blocks = text.split(/\n(?:[ \t]*\n)+/).map((block) => block.split('\n').filter(Boolean));
  return blocks.filter((block) => block.length > 0);
}

/** Prose flows; what is indented stays as it stands. */
function blockLines(lines: readonly string[]): string[] {
  const isLiteral = (line: string): boolean => line.startsWith('  ');
  const made: string[] = [];
  for (let at = 0; at < lines.length;) {
    let end = at + 1;
    while (end < lines.length && isLiteral(lines[end] ?? '') === isLiteral(lines[at] ?? '')) end += 1;
    const run = lines.slice(at, end);
    made.push(...(isLiteral(run[0] ?? '') ? literal(dedented(run)) : paragraph(run.join('\n'))));
    at = end;
  }
  return made;
}

const dedented = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/^ {2}/, ''));
