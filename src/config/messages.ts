// SPDX-License-Identifier: BSD-2-Clause
// Turns what zod found into sentences: the value found, what is allowed (the description of the schema at that place),
// and for an unknown key the nearest known one.
import { z } from 'zod';
import type { Fault } from './fields.js';
import { printable, type Finding, type Path } from './problem.js';

type Issue = z.core.$ZodIssue;

const MAX_SHOWN = 60;

/** Findings for everything that zod refused in `schema`; it must have been run with `reportInput`. */
export function describeIssues(schema: z.ZodType, issues: readonly Issue[]): Finding[] {
  return issues.flatMap((issue) => describe(schema, issue));
}

function describe(schema: z.ZodType, issue: Issue): Finding[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const inner = issue.code === 'invalid_union' ? issue.errors.find(isWithin) : undefined;
  if (inner) return inner.flatMap((one) => describe(schema, { ...one, path: [...path, ...one.path] }));
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(schema, path, key));
  if (issue.code === 'invalid_key') return [badMapKey(schema, path)];
  return [issue.input === undefined ? missingKey(schema, path) : refusedValue(schema, path, issue)];
}

/** Of several alternatives the one that is meant: its faults are in its parts. */
const isWithin = (issues: readonly Issue[]): boolean =>
  issues.some(({ code, path }) => code === 'unrecognized_keys' || path.length > 0);

function unknownKey(schema: z.ZodType, path: Path, key: string): Finding {
  const known = knownKeys(schemasAt(schema, path));
  const nearest = nearestWord(key, known);
  const hint = nearest === null ? '' : `, did you mean "${nearest}"?`;
  const message = `unknown key ${show(key)}${hint === '' ? ';' : hint} allowed: ${known.join(', ')}`;
  return { path: [...path, key], at: 'key', message };
}

function badMapKey(schema: z.ZodType, path: Path): Finding {
  const map = schemasAt(schema, path.slice(0, -1)).find((candidate) => candidate instanceof z.ZodRecord);
  const allowed = allowedBy(map?.keyType instanceof z.ZodType ? [map.keyType] : []);
  return {
    path,
    at: 'key',
    message: `${labelOf(path.slice(0, -1))}: found the key ${show(path.at(-1))}${allowed}`,
  };
}

function missingKey(schema: z.ZodType, path: Path): Finding {
  const allowed = allowedBy(schemasAt(schema, path));
  return { path: path.slice(0, -1), at: 'value', message: `missing key "${labelOf(path)}"${allowed}` };
}

function refusedValue(schema: z.ZodType, path: Path, issue: Issue): Finding {
  const { why, cure } = paramsOf(issue);
  const schemas = schemasAt(schema, path);
  const allowed = allowedBy(schemas);
  const reason = why === undefined ? '' : `, which ${why}`;
  const order = cure ?? quoteCure(schemas, issue.input);
  return {
    path,
    at: 'value',
    message: `${labelOf(path)}: found ${show(issue.input)}${reason}${allowed}`,
    ...(order === undefined ? {} : { cure: order }),
  };
}

/** What the checks of fields.ts attached to their issue. */
function paramsOf(issue: Issue): Fault {
  return issue.code === 'custom' ? (issue.params ?? {}) : {};
}

/** YAML reads a bare 100 or true as something else than text; an interface may well have such a name. */
function quoteCure(schemas: readonly z.ZodType[], input: unknown): string | undefined {
  if (typeof input !== 'number' && typeof input !== 'boolean') return undefined;
  return schemas.some((schema) => schema.safeParse(String(input)).success) ? 'put it in quotes' : undefined;
}

/** The last key on the way; an index says nothing that line and column do not. */
function labelOf(path: Path): string {
  return path.findLast((part): part is string => typeof part === 'string') ?? 'configuration';
}

function allowedBy(schemas: readonly z.ZodType[]): string {
  const words = schemas
    .map((schema) => schema.meta()?.description)
    .find((description) => description !== undefined);
  return words === undefined ? '' : `; allowed: ${words}`;
}

/** The schemas that may describe `path`: several where a value has alternatives. Wrappers come before what they wrap. */
function schemasAt(root: z.ZodType, path: Path): z.ZodType[] {
  return path.reduce<z.ZodType[]>(
    (schemas, part) => schemas.flatMap((schema) => step(schema, part)),
    unwrap(root),
  );
}

function step(schema: z.ZodType, part: string | number): z.ZodType[] {
  if (schema instanceof z.ZodObject) return unwrap((schema.shape as z.ZodRawShape)[part]);
  if (schema instanceof z.ZodArray) return unwrap(schema.element);
  if (schema instanceof z.ZodRecord) return unwrap(schema.valueType);
  return [];
}

function unwrap(schema: unknown): z.ZodType[] {
  if (!(schema instanceof z.ZodType)) return [];
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)
    return [schema, ...unwrap(schema.unwrap())];
  if (schema instanceof z.ZodUnion) return [schema, ...schema.options.flatMap(unwrap)];
  return [schema];
}

function knownKeys(schemas: readonly z.ZodType[]): string[] {
  return schemas.flatMap((schema) =>
    schema instanceof z.ZodObject ? Object.keys(schema.shape as object) : [],
  );
}

/** The known word that `word` is most likely a slip of, or null when none is near. */
export function nearestWord(word: string, known: readonly string[]): string | null {
  const most = Math.max(2, Math.floor(word.length / 2));
  const scored = known.map((candidate) => ({
    candidate,
    steps: editSteps(word.slice(0, MAX_SHOWN), candidate),
  }));
  const best = scored.sort((a, b) => a.steps - b.steps)[0];
  return best !== undefined && best.steps <= most ? best.candidate : null;
}

/** How many letters to insert, delete or replace, upper and lower case being one (Levenshtein's distance). */
function editSteps(from: string, to: string): number {
  const goal = to.toLowerCase();
  let row = Array.from({ length: goal.length + 1 }, (_, index) => index);
  for (const letter of from.toLowerCase()) {
    const next = [(row[0] ?? 0) + 1];
    for (let i = 1; i <= goal.length; i++) {
      const replaced = (row[i - 1] ?? 0) + (goal[i - 1] === letter ? 0 : 1);
      next.push(Math.min(replaced, (row[i] ?? 0) + 1, (next[i - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[goal.length] ?? 0;
}

/** A value as a message shows it: short, on one line, nothing in it that a terminal would obey. */
export function show(value: unknown): string {
  if (typeof value === 'string') return showText(value);
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (value === null || value === undefined) return 'nothing';
  return typeof value === 'object' ? 'a mapping' : `a ${typeof value}`;
}

function showText(value: string): string {
  const shown = value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}...` : value;
  return printable(JSON.stringify(shown));
}
