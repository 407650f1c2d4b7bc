// SPDX-License-Identifier: BSD-2-Clause
// Reads the BTF of bpf/layout.c as `bpftool btf dump --json` prints it, and writes src/kernel/layout.gen.ts: one
// interface with size, decode and encode for each struct, one name list for each enum. Refuses a struct with a hole.
import { readFileSync } from 'node:fs';

interface BtfType {
  id: number;
  kind: string;
  name: string;
  type_id?: number;
  size?: number;
  nr_elems?: number;
  members?: { name: string; type_id: number; bits_offset: number }[];
  values?: { name: string; val: number }[];
}

interface Field {
  name: string;
  offset: number;
  size: number;
  type: string;
  read: string;
  write: (value: string) => string;
}

const PREFIX = 'havip_';
const HEADER = `// SPDX-License-Identifier: BSD-2-Clause
// Generated from bpf/havip.h by \`make layout\`; \`make check\` compares. Do not edit.
// Shapes: u64 is a bigint, smaller integers are numbers in host order, byte arrays are views into the buffer.

export interface Layout<T> {
  readonly size: number;
  decode(from: Buffer, at?: number): T;
  encode(value: T, to?: Buffer, at?: number): Buffer;
}
`;

/** @param dump The parsed JSON of `bpftool --json btf dump file layout.o`. */
export function generateLayout(dump: { types: BtfType[] }): string {
  const types = new Map(dump.types.map((type) => [type.id, type]));
  const parts = [HEADER];
  for (const type of dump.types) {
    if (!type.name.startsWith(PREFIX)) continue;
    if (type.kind === 'ENUM') parts.push(enumText(type));
    if (type.kind === 'STRUCT') parts.push(structText(type, types));
  }
  return parts.join('\n');
}

function enumText(type: BtfType): string {
  const values = type.values ?? [];
  const prefix = commonPrefix(values.map((value) => value.name));
  const rows = values.map((value) => `  ${value.name.slice(prefix.length)}: ${value.val},`);
  return `export const ${constantName(type.name)} = {\n${rows.join('\n')}\n} as const;\n`;
}

/** Whole words only, so that the shortest name keeps one. */
function commonPrefix(names: readonly string[]): string {
  let prefix = names[0] ?? '';
  for (const name of names) while (!name.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix.slice(0, prefix.lastIndexOf('_') + 1);
}

function structText(type: BtfType, types: Map<number, BtfType>): string {
  const name = typeName(type.name);
  const fields = fieldsOf(type, types);
  return `export interface ${name} {
${fields.map((field) => `  ${field.name}: ${field.type};`).join('\n')}
}

export const ${name}: Layout<${name}> = {
  size: ${type.size ?? 0},
  decode: (from, at = 0) => ({
${fields.map((field) => `    ${field.name}: ${field.read},`).join('\n')}
  }),
  encode: (value, to = Buffer.alloc(${type.size ?? 0}), at = 0) => {
${fields.map((field) => `    ${field.write(`value.${field.name}`)};`).join('\n')}
    return to;
  },
};
`;
}

function fieldsOf(type: BtfType, types: Map<number, BtfType>): Field[] {
  let end = 0;
  const fields = (type.members ?? []).map((member) => {
    const field = fieldOf(member.name, member.bits_offset / 8, resolve(member.type_id, types), types);
    if (field.offset !== end) throw new Error(`struct ${type.name} has a hole before ${member.name}`);
    end = field.offset + field.size;
    return field;
  });
  if (end !== type.size) throw new Error(`struct ${type.name} has a hole at its end`);
  return fields;
}

function fieldOf(cName: string, offset: number, type: BtfType, types: Map<number, BtfType>): Field {
  const base = { name: camelCase(cName), offset };
  if (type.kind === 'INT') return { ...base, ...integer(type.size ?? 0, offset) };
  if (type.kind === 'STRUCT') {
    return { ...base, ...(type.name.startsWith(PREFIX) ? nested(type, offset) : kernelOwned(type, offset)) };
  }
  if (type.kind === 'ARRAY') return { ...base, ...array(type, offset, types) };
  throw new Error(`${cName}: BTF kind ${type.kind} has no TypeScript twin`);
}

function integer(size: number, offset: number): Omit<Field, 'name' | 'offset'> {
  const suffixes: Record<number, string> = { 1: 'UInt8', 2: 'UInt16LE', 4: 'UInt32LE', 8: 'BigUInt64LE' };
  const suffix = suffixes[size];
  if (!suffix) throw new Error(`an integer of ${size} bytes has no TypeScript twin`);
  return {
    size,
    type: size === 8 ? 'bigint' : 'number',
    read: `from.read${suffix}(at + ${offset})`,
    write: (value) => `to.write${suffix}(${value}, at + ${offset})`,
  };
}

function nested(type: BtfType, offset: number): Omit<Field, 'name' | 'offset'> {
  const name = typeName(type.name);
  return {
    size: type.size ?? 0,
    type: name,
    read: `${name}.decode(from, at + ${offset})`,
    write: (value) => `${name}.encode(${value}, to, at + ${offset})`,
  };
}

/** A lock or a timer: the kernel hides it from bpf(2), and ignores what is written there. */
function kernelOwned(type: BtfType, offset: number): Omit<Field, 'name' | 'offset'> {
  const size = type.size ?? 0;
  return {
    size,
    type: 'Uint8Array',
    read: `from.subarray(at + ${offset}, at + ${offset + size})`,
    write: (value) => `to.set(${value}, at + ${offset})`,
  };
}

function array(type: BtfType, offset: number, types: Map<number, BtfType>): Omit<Field, 'name' | 'offset'> {
  const element = resolve(type.type_id ?? 0, types);
  const count = type.nr_elems ?? 0;
  const size = (element.size ?? 0) * count;
  if (element.kind === 'STRUCT') {
    const [name, step] = [typeName(element.name), element.size ?? 0];
    return {
      size,
      type: `${name}[]`,
      read: `Array.from({ length: ${count} }, (_, i) => ${name}.decode(from, at + ${offset} + ${step} * i))`,
      write: (value) =>
        `${value}.forEach((element, i) => ${name}.encode(element, to, at + ${offset} + ${step} * i))`,
    };
  }
  if (element.size === 8) {
    return {
      size,
      type: 'bigint[]',
      read: `Array.from({ length: ${count} }, (_, i) => from.readBigUInt64LE(at + ${offset} + 8 * i))`,
      write: (value) =>
        `${value}.forEach((element, i) => to.writeBigUInt64LE(element, at + ${offset} + 8 * i))`,
    };
  }
  if (element.size !== 1) throw new Error(`an array of ${element.name} has no TypeScript twin`);
  return {
    size,
    type: 'Uint8Array',
    read: `from.subarray(at + ${offset}, at + ${offset + size})`,
    write: (value) => `to.set(${value}, at + ${offset})`,
  };
}

function resolve(id: number, types: Map<number, BtfType>): BtfType {
  const type = types.get(id);
  if (!type) throw new Error(`BTF type ${id} is missing`);
  const transparent = ['TYPEDEF', 'CONST', 'VOLATILE'].includes(type.kind);
  return transparent ? resolve(type.type_id ?? 0, types) : type;
}

const camelCase = (name: string): string =>
  name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** havip_claim_key -> ClaimKey */
function typeName(name: string): string {
  const camel = camelCase(name.slice(PREFIX.length));
  return camel.charAt(0).toUpperCase() + camel.slice(1);
}

/** havip_claim_kind -> CLAIM_KIND */
const constantName = (name: string): string => name.slice(PREFIX.length).toUpperCase();

if (process.argv[1]?.endsWith('generate-layout.js')) {
  const dump = JSON.parse(readFileSync(0, 'utf8')) as { types: BtfType[] };
  process.stdout.write(generateLayout(dump));
}
