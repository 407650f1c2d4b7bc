// SPDX-License-Identifier: BSD-2-Clause
// The contract of bpf/havip.h as TypeScript has it: generated from the object's BTF and nothing else, without holes,
// and of the sizes that the BPF object declares for its maps.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { FastPath } from '../../src/kernel/fast-path.js';
import { generateLayout } from '../../src/kernel/generate-layout.js';
import * as layout from '../../src/kernel/layout.gen.js';
import { MAP_NAMES, MAPS, RING_NAME, TAIL_NAMES, type MapName } from '../../src/kernel/maps.js';

type Dump = Parameters<typeof generateLayout>[0];
type Members = Dump['types'][number]['members'];

const file = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

test('layout.gen.ts is what bpf/havip.h says now', (t) => {
  const dump = execFileSync('bpftool', ['--json', 'btf', 'dump', 'file', file('build/bpf/layout.o')]);
  const fresh = generateLayout(JSON.parse(dump.toString()) as Dump);
  t.is(readFileSync(file('src/kernel/layout.gen.ts'), 'utf8'), fresh, 'run `make layout`');
});

test('every map of the BPF object is known, with the sizes of its layouts', (t) => {
  const object = new FastPath();
  t.teardown(() => object.close());
  const declared = object.maps().filter(({ name }) => !name.includes('.') && name !== 'workspaces');
  const found = declared.map(({ name, keySize, valueSize }) => [name, keySize, valueSize]).sort();
  const known = MAP_NAMES.map((name: MapName) => [name, MAPS[name].key.size, MAPS[name].value.size]);
  const tails = TAIL_NAMES.map((name) => [name, 4, 4]);
  t.deepEqual(found, [...known, ...tails, [RING_NAME, 0, 0]].sort());
});

const INT = (id: number, size: number): Dump['types'][number] => ({
  id,
  kind: 'INT',
  name: `u${size * 8}`,
  size,
});
const BASICS = [INT(1, 1), INT(2, 2), INT(3, 4), INT(4, 8)];
const struct = (name: string, size: number, members: Members): Dump => ({
  types: [...BASICS, { id: 9, kind: 'STRUCT', name, size, members: members ?? [] }],
});
const member = (name: string, type_id: number, byte: number) => ({ name, type_id, bits_offset: byte * 8 });

const refused = test.macro((t, dump: Dump, message: string) => {
  t.throws(() => generateLayout(dump), { message });
});
test(
  'a hole between two members is refused',
  refused,
  struct('havip_key', 8, [member('a', 1, 0), member('b', 3, 4)]),
  'struct havip_key has a hole before b',
);
test(
  'a hole at the end is refused',
  refused,
  struct('havip_key', 8, [member('a', 3, 0), member('b', 1, 4)]),
  'struct havip_key has a hole at its end',
);
test(
  'a hole at the beginning is refused',
  refused,
  struct('havip_key', 8, [member('a', 3, 4)]),
  'struct havip_key has a hole before a',
);
test(
  'a union, whose members overlap, is refused',
  refused,
  struct('havip_key', 4, [member('a', 3, 0), member('b', 3, 0)]),
  'struct havip_key has a hole before b',
);
test(
  'an integer of 16 bytes is refused',
  refused,
  { types: [INT(5, 16), ...struct('havip_key', 16, [member('a', 5, 0)]).types] },
  'an integer of 16 bytes has no TypeScript twin',
);
test(
  'a pointer is refused',
  refused,
  {
    types: [{ id: 5, kind: 'PTR', name: '', size: 8 }, ...struct('havip_key', 8, [member('a', 5, 0)]).types],
  },
  'a: BTF kind PTR has no TypeScript twin',
);
test(
  'a member whose type is missing is refused',
  refused,
  struct('havip_key', 4, [member('a', 77, 0)]),
  'BTF type 77 is missing',
);

test("a struct without holes is taken, and others' types are left out", (t) => {
  const dump = struct('havip_key', 8, [member('port_name', 3, 0), member('b', 2, 4), member('c', 2, 6)]);
  const text = generateLayout({
    types: [...dump.types, { id: 10, kind: 'STRUCT', name: 'iphdr', size: 20 }],
  });
  t.regex(text, /export interface Key \{\n {2}portName: number;\n {2}b: number;\n {2}c: number;\n\}/);
  t.regex(text, /portName: from\.readUInt32LE\(at \+ 0\)/);
  t.false(text.includes('iphdr'));
});

test('an enum keeps the words that its names do not share', (t) => {
  const values = [
    { name: 'HAVIP_PORT_UP', val: 0 },
    { name: 'HAVIP_PORT_UPLINK', val: 4 },
  ];
  const text = generateLayout({ types: [{ id: 1, kind: 'ENUM', name: 'havip_port_kind', values }] });
  t.regex(text, /export const PORT_KIND = \{\n {2}UP: 0,\n {2}UPLINK: 4,\n\} as const;/);
});

const LAYOUTS = Object.entries(layout).filter(([, value]) => 'decode' in value) as unknown as [
  string,
  layout.Layout<unknown>,
][];

for (const [name, each] of LAYOUTS) {
  const { size } = each;
  test(`${name}: what was encoded is decoded, to the byte, also in the middle of a buffer`, (t) => {
    const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * 37 + 11) & 0xff));
    t.is(each.encode(each.decode(bytes)).toString('hex'), bytes.toString('hex'));
    const around = Buffer.concat([Buffer.alloc(5), bytes, Buffer.alloc(3)]);
    t.deepEqual(each.decode(around, 5), each.decode(bytes));
    const out = Buffer.alloc(size + 8);
    each.encode(each.decode(bytes), out, 5);
    t.is(out.toString('hex'), around.toString('hex'));
  });
}

test('the reasons and results that the tests and metrics go by are distinct and without gaps', (t) => {
  for (const names of [layout.REASON, layout.CLAIM_KIND, layout.CLAIM_RESULT]) {
    const values = Object.values(names);
    t.deepEqual(
      [...values].sort((a, b) => a - b),
      values.map((_, i) => i),
    );
  }
});
