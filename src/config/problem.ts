// SPDX-License-Identifier: BSD-2-Clause
// What is wrong with a configuration and where, as the checks find it (a path) and as an operator reads it (a line).
import { HavipError, type ErrorCode } from '../errors.js';

/** Keys and indexes from the root of the file. */
export type Path = readonly (string | number)[];

/** What one check found, before anybody knows the line. */
export interface Finding {
  readonly path: Path;
  /** Whether the key or the value at `path` is at fault. */
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly cure?: string;
  /** Where the thing that this one collides with stands; its line is added to the message. */
  readonly first?: Path;
}

/** Shape: `line` and `column` count from 1 (a column is a UTF-16 unit); both null when no place is to blame. */
export interface Problem {
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
  readonly cure?: string;
  /** The error that this amounts to, when it is not USAGE: a file that may not be read. */
  readonly code?: ErrorCode;
}

/** More than this scrolls the first, most telling ones off the screen. */
export const MAX_PROBLEMS = 50;

/** A problem with the file as a whole. */
export function fileProblem(file: string, message: string, cure?: string): Problem {
  return { file, line: null, column: null, message, ...(cure === undefined ? {} : { cure }) };
}

/** `file:line:column: message; cure` on one line; without a position `file: message; cure`. */
export function renderProblem(problem: Problem): string {
  const place = problem.line === null ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  const cure = problem.cure === undefined ? '' : `; ${problem.cure}`;
  return printable(`${place}: ${problem.message}${cure}`);
}

/** On one line and with nothing in it that a terminal would obey: file names and YAML's own messages quote the text. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\u2028\u2029]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}

/** In the order of the file, each once, at most `MAX_PROBLEMS`; what is left out is counted in one more. */
export function limitProblems(problems: readonly Problem[]): Problem[] {
  // An alias repeats the mistake of its anchor at the same place.
  const distinct = [...new Map(problems.map((problem) => [renderProblem(problem), problem])).values()];
  const sorted = distinct.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  if (sorted.length <= MAX_PROBLEMS) return sorted;
  const rest = fileProblem(sorted[0]?.file ?? '', `and ${sorted.length - MAX_PROBLEMS} more problems`);
  return [...sorted.slice(0, MAX_PROBLEMS), rest];
}

/** All problems as one error, one a line. */
export function problemsError(problems: readonly Problem[]): HavipError {
  const code = problems.find((problem) => problem.code !== undefined)?.code ?? 'USAGE';
  return new HavipError(code, problems.map(renderProblem).join('\n'));
}
