// SPDX-License-Identifier: BSD-2-Clause
// havip.yaml(5), from the JSON Schema that `havip check --schema` prints.
import { bold, heading, italic, page, paragraph, roff, tagged } from './roff.js';

/** The part of JSON Schema that ours uses. */
export interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly default?: unknown;
}

export function configPage(schema: Schema, version: string): string {
  return page('havip.yaml', 5, version, [
    ...heading('NAME', 'havip.yaml \\- configuration of havip\\-run(1)'),
    ...heading(
      'DESCRIPTION',
      ...paragraph(
        'YAML. Keys that are not listed here are refused. havip check says what is wrong with a file, by line and ' +
          'column; havip check --schema prints the JSON Schema that this page is made from.',
      ),
    ),
    ...heading('KEYS', ...keyLines(schema, '')),
    ...heading('FILES', ...tagged(italic('/etc/havip.yaml'), 'where examples have it')),
    ...heading('SEE ALSO', `${bold('havip-run')}(1),\n${bold('havip-check')}(1)`),
  ]);
}

/** Depth first; a list's elements are named `networks[]`. */
function keyLines(schema: Schema, path: string): string[] {
  const { properties = {}, required = [] } = schema;
  return Object.entries(properties).flatMap(([name, value]) => {
    const here = path ? `${path}.${name}` : name;
    return [...tagged(bold(here), roff(meaning(value, required.includes(name)))), ...innerLines(value, here)];
  });
}

function innerLines(schema: Schema, path: string): string[] {
  if (schema.items) return innerLines(schema.items, `${path}[]`);
  const inner = schema.anyOf?.find(({ properties }) => properties) ?? schema;
  return keyLines(inner, path);
}

function meaning({ description = '', default: byDefault }: Schema, isRequired: boolean): string {
  if (isRequired) return `${description}; required`;
  if (byDefault === undefined || (typeof byDefault === 'object' && !Array.isArray(byDefault)))
    return description;
  return `${description}; default: ${JSON.stringify(byDefault)}`;
}
