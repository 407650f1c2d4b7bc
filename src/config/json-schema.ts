// SPDX-License-Identifier: BSD-2-Clause
// The published JSON Schema of the configuration file, for editors and generators. It carries what one value may be;
// rules across values (an address inside its subnet, ...) are beyond it, so `havip check` has the last word.
import { z } from 'zod';
import { configSchema } from './schema.js';

/** The schema as an object. Draft 7, which editors' YAML plug-ins understand. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, { target: 'draft-7', io: 'input' });
  return { ...schema, title: 'havip configuration' };
}

/** The schema as a file: two spaces, a line break at the end. */
export function configJsonSchemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}
