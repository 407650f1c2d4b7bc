// SPDX-License-Identifier: BSD-2-Clause
// NOT YET: options that belong to the language of the file but that this version does not carry out. They are refused,
// never ignored. When a feature lands, DELETE ITS ROW: schema, JSON Schema and messages follow (then let
// normalise.ts hand the value on, and set the default that DESIGN.md gives).
import type { z } from 'zod';

interface NotYet {
  readonly refuses: (value: unknown) => boolean;
  /** What may be written today, in words. */
  readonly allowed: string;
  /** The same for the JSON Schema; replaces keywords of the full language. */
  readonly json: Readonly<Record<string, unknown>>;
}

export const NOT_YET: Readonly<Record<string, NotYet>> = {
  uplinks: { refuses: isObject, allowed: 'the name of the interface', json: { type: 'string' } },
  eips: { refuses: isFilledList, allowed: 'an empty list', json: { maxItems: 0 } },
};

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function isFilledList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

/** `schema` without what this version cannot do; `schema` itself when `key` has no row. */
export function available<S extends z.ZodType>(key: string, schema: S): S {
  const row = NOT_YET[key];
  if (row === undefined) return schema;
  const checked = schema.superRefine((value, ctx) => {
    if (row.refuses(value)) ctx.addIssue({ code: 'custom', params: { notYet: true } });
  });
  return checked.meta({ ...row.json, description: row.allowed });
}
