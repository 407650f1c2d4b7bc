// SPDX-License-Identifier: BSD-2-Clause
// Configuration text -> Config, or everything that is wrong with it and where. No file, no thread.
import { ConfigDocument } from './document.js';
import { describeIssues } from './messages.js';
import { normalise } from './normalise.js';
import { outlineOf } from './outline.js';
import { fileProblem, limitProblems, type Finding, type Problem } from './problem.js';
import { findConflicts } from './rules.js';
import { checkWithRuntime, NO_RUNTIME, type Conflict, type RuntimeSet } from './runtime.js';
import { configSchema, type ConfigFile } from './schema.js';
import type { TextFault } from './syntax.js';
import type { Config } from './types.js';

/** Shape: `config` is there exactly when `problems` is empty. */
export interface ParseResult {
  readonly config?: Config;
  readonly problems: readonly Problem[];
  /** What was defined at run time and is not in force; there where something was. */
  readonly conflicts?: readonly Conflict[];
}

/**
 * Checks a text. `fileName` is what the problems call it. Errors: none; whatever the text holds becomes a problem.
 * @param runtime What was defined beside the file.
 */
export function parseConfig(text: string, fileName: string, runtime: RuntimeSet = NO_RUNTIME): ParseResult {
  const document = new ConfigDocument(text);
  if (document.faults.length > 0)
    return failed(document.faults.map((fault) => place(document, fileName, fault)));
  if (document.isEmpty) return { problems: [emptyProblem(fileName)] };
  const { file, findings, conflicts } = checkWithRuntime(document.value, runtime, checkValue);
  if (file !== null)
    return { config: normalise(file), problems: [], ...(runtime !== NO_RUNTIME && { conflicts }) };
  return failed(findings.map((finding) => place(document, fileName, resolve(document, finding))));
}

function failed(problems: readonly Problem[]): ParseResult {
  return { problems: limitProblems(problems) };
}

function emptyProblem(fileName: string): Problem {
  return fileProblem(
    fileName,
    'holds no configuration',
    'it needs at least "networks", see havip check --help',
  );
}

/** All checks on plain values. Shape: `file` is null when there are findings. */
export function checkValue(value: unknown): { file: ConfigFile | null; findings: Finding[] } {
  const parsed = configSchema.safeParse(value, { reportInput: true });
  const issues = parsed.success ? [] : describeIssues(configSchema, parsed.error.issues);
  const findings = [...issues, ...findConflicts(outlineOf(value))];
  return { file: parsed.success && findings.length === 0 ? parsed.data : null, findings };
}

interface Located extends TextFault {
  readonly cure?: string;
}

function resolve(document: ConfigDocument, finding: Finding): Located {
  const { message, cure, path, at, first } = finding;
  const there = first === undefined ? null : document.place(document.offsetOf(first, 'value'));
  return {
    offset: document.offsetOf(path, at),
    message: there === null ? message : `${message} (first at ${there.line}:${there.column})`,
    ...(cure === undefined ? {} : { cure }),
  };
}

function place(document: ConfigDocument, file: string, fault: Located): Problem {
  const { message, cure } = fault;
  return { file, ...document.place(fault.offset), message, ...(cure === undefined ? {} : { cure }) };
}
