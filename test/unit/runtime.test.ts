// SPDX-License-Identifier: BSD-2-Clause
// Definitions of run time beside a configuration: edits, the checks that they pass with the file's, who wins, and the
// file in which they are kept.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseConfig } from '../../src/config/parse.js';
import { NO_RUNTIME, type RuntimeSet } from '../../src/config/runtime.js';
import type { Config } from '../../src/config/types.js';
import {
  addEip,
  addHavip,
  nameHavip,
  removeEip,
  removeHavip,
  setMembers,
} from '../../src/control/runtime-edits.js';
import { RuntimeStore } from '../../src/control/runtime-store.js';
import { HavipError, type ErrorCode } from '../../src/errors.js';

const FILE = `networks:
  - name: blue
    subnets:
      - { name: web, cidr: [10.0.1.0/24, "fd00:1::/64"], bridge: br-web, havips: [{ address: 10.0.1.50 }] }
      - { name: db, cidr: 10.0.2.0/24, bridge: br-db }
    eips: [{ address: 203.0.113.1, havip: 10.0.1.50 }]
  - name: red
    subnets: [{ name: web, cidr: 10.0.1.0/24, bridge: br-red, havips: [{ address: 10.0.1.50 }] }]
`;

const inBlue = (address: string, more: object = {}, subnet = 'web') =>
  ({ network: 'blue', subnet, havip: { address, ...more } }) as const;
const runtimeOf = (...havips: RuntimeSet['havips']): RuntimeSet => ({ havips, eips: [] });
const here = (address: string, network = '') => ({ network, subnet: '', address });

function configOf(runtime: RuntimeSet = NO_RUNTIME, text = FILE): Config {
  const { config, problems } = parseConfig(text, 'f', runtime);
  if (!config) throw new Error(JSON.stringify(problems));
  return config;
}

function conflictsOf(runtime: RuntimeSet, text = FILE): string[] {
  return (parseConfig(text, 'f', runtime).conflicts ?? []).map(
    ({ kind, index, why }) => `${kind} ${index}: ${why}`,
  );
}

test('what is added beside the file is in force, and the file’s text is not touched', (t) => {
  const runtime = runtimeOf(inBlue('10.0.1.60', { members: ['tap-a'] }), inBlue('10.0.2.7', {}, 'db'));
  t.deepEqual(conflictsOf(runtime), []);
  const havips = configOf(runtime).subnets.map((subnet) => subnet.havips.map(({ address }) => address));
  t.deepEqual(havips, [['10.0.1.50', '10.0.1.60'], ['10.0.2.7'], ['10.0.1.50']]);
  t.deepEqual(configOf(runtime).subnets[0]?.havips[1]?.members, ['tap-a']);
});

const LOSES: readonly (readonly [name: string, runtime: RuntimeSet, why: RegExp, text?: string])[] = [
  ['an address of the file', runtimeOf(inBlue('10.0.1.50')), /again; allowed: each address once/],
  ['a subnet that is gone', runtimeOf(inBlue('10.0.3.1', {}, 'old')), /no subnet blue\/old any more/],
  ['an address outside', runtimeOf(inBlue('10.0.9.1')), /outside its subnet/],
  ['a broadcast address', runtimeOf(inBlue('10.0.1.255')), /broadcast address/],
  ['a key that is none', runtimeOf(inBlue('10.0.1.60', { colour: 1 })), /unknown key "colour"/],
  ['the key __proto__', runtimeOf(JSON.parse('{"network":"blue","subnet":"web","havip":{"address":"10.0.1.60","__proto__":{"a":1}}}') as ReturnType<typeof inBlue>), /unknown key "__proto__"/], // prettier-ignore
  ['a member that is none', runtimeOf(inBlue('10.0.1.60', { members: ['../x'] })), /members: found "..\/x"/],
  ['more than the capacity', runtimeOf(inBlue('10.0.1.60')), /no room/, `capacity: { havips: 2 }\n${FILE}`],
];

for (const [name, runtime, why, text] of LOSES) {
  test(`${name} loses against the file, and the rest is in force`, (t) => {
    const good = inBlue('10.0.1.61');
    const both = text ? runtime : { ...runtime, havips: [...runtime.havips, good] };
    const [conflict, ...more] = conflictsOf(both, text);
    t.regex(conflict ?? '', why);
    t.deepEqual(more, []);
    const addresses = configOf(both, text).subnets[0]?.havips.map(({ address }) => address);
    t.deepEqual(addresses, text ? ['10.0.1.50'] : ['10.0.1.50', '10.0.1.61']);
  });
}

test('an EIP goes with its HAVIP; one that the file repeats later is the file’s', (t) => {
  const eip = (network: string, address: string, havip: string) => ({ network, eip: { address, havip } });
  const gone = { ...runtimeOf(inBlue('10.0.1.255')), eips: [eip('blue', '203.0.113.2', '10.0.1.255')] };
  t.deepEqual(conflictsOf(gone).length, 2);
  const later = FILE.replace('bridge: br-red,', 'bridge: br-red,').concat(
    '    eips: [{ address: 203.0.113.9, havip: 10.0.1.50 }]\n',
  );
  const repeated = { havips: [], eips: [eip('blue', '203.0.113.9', '10.0.1.50')] };
  t.regex(conflictsOf(repeated, later)[0] ?? '', /eip 0: .*203.0.113.9 again/);
  t.deepEqual(configOf(repeated, later).eips.map(({ network }) => network), ['blue', 'red']); // prettier-ignore
});

test('a file that is bad by itself is bad, whatever lies beside it', (t) => {
  const { config, problems } = parseConfig(
    FILE.replace('br-db', 'br-web'),
    'f',
    runtimeOf(inBlue('10.0.1.60')),
  );
  t.is(config, undefined);
  t.regex(problems[0]?.message ?? '', /bridge/);
  t.is(problems[0]?.line, 5);
});

const refused = test.macro({
  exec: (t, code: ErrorCode, words: RegExp, edit: (config: Config, set: RuntimeSet) => unknown) => {
    const set = { ...runtimeOf(inBlue('10.0.1.60')), eips: [{ network: 'blue', eip: { address: '203.0.113.2', havip: '10.0.1.60' } }] }; // prettier-ignore
    const error = t.throws(() => edit(configOf(set), set), { instanceOf: HavipError });
    t.is(error.code, code);
    t.regex(`${error.message}; ${error.cure}`, words);
  },
  title: (_, code, words) => `refused as ${code}: ${words}`,
});
const adding = (address: string, network = '', subnet = '') => ({ network, subnet, havip: { address } });
test(refused, 'EXISTS', /10.0.1.60 is defined in blue\/web already, at run time/, (c, s) => addHavip(c, s, adding('10.0.1.60', 'blue'))); // prettier-ignore
test(refused, 'EXISTS', /10.0.1.50 .* by the configuration/, (c, s) => addHavip(c, s, adding('10.0.1.50', 'blue'))); // prettier-ignore
test(refused, 'USAGE', /several subnets have 10.0.1.7: blue\/web, red\/web/, (c, s) => addHavip(c, s, adding('10.0.1.7'))); // prettier-ignore
test(refused, 'USAGE', /no subnet has the address 192.0.2.1/, (c, s) => addHavip(c, s, adding('192.0.2.1')));
test(refused, 'NOT_FOUND', /no subnet "\.\.\/\\u{202e}"; one of: blue\/web/, (c, s) => addHavip(c, s, adding('10.0.1.7', '../\u202e'))); // prettier-ignore
test(refused, 'USAGE', /not an IP address: "\\u001b"/, (c, s) => addHavip(c, s, adding('\x1b')));
test(refused, 'FROM_FILE', /10.0.1.50 of red\/web is the configuration's; edit the/, (c, s) => removeHavip(c, s, here('10.0.1.50', 'red'))); // prettier-ignore
test(refused, 'FROM_FILE', /configuration's/, (c, s) => setMembers(c, s, { havip: here('10.0.1.50', 'red'), members: null })); // prettier-ignore
test(refused, 'USAGE', /EIP 203.0.113.2 is in front of 10.0.1.60/, (c, s) =>
  removeHavip(c, s, here('10.0.1.60')),
);
test(refused, 'USAGE', /several networks have 10.0.1.50/, (c) => nameHavip(c, here('10.0.1.50')));
test(refused, 'NOT_FOUND', /no HAVIP 10.0.1.99/, (c, s) => removeHavip(c, s, here('10.0.1.99')));
test(refused, 'FROM_FILE', /the EIP 203.0.113.1 is/, (c, s) => removeEip(c, s, here('203.0.113.1')));
test(refused, 'NOT_FOUND', /no EIP 203.0.113.3/, (c, s) => removeEip(c, s, here('203.0.113.3')));
test(refused, 'EXISTS', /203.0.113.1 is in front of 10.0.1.50/, (c, s) => addEip(c, s, { network: 'blue', eip: { address: '203.0.113.1', havip: '10.0.1.60' } })); // prettier-ignore
test(refused, 'USAGE', /more than one network has a HAVIP 10.0.1.50/, (c, s) => addEip(c, s, { network: '', eip: { address: '203.0.113.4', havip: '10.0.1.50' } })); // prettier-ignore

test('edits name in full, in canonical words, and undo each other', (t) => {
  const added = addHavip(configOf(), NO_RUNTIME, adding('FD00:1:0::60'));
  t.deepEqual(added.name, { network: 'blue', subnet: 'web', address: 'fd00:1::60' });
  const config = configOf(added.next);
  const closed = setMembers(config, added.next, { havip: here('fd00:1::60'), members: ['tap-a'] });
  t.deepEqual(closed.next.havips, [inBlue('fd00:1::60', { members: ['tap-a'] })]);
  const open = setMembers(config, closed.next, { havip: here('fd00:1::60'), members: null });
  t.deepEqual(open.next, added.next);
  t.deepEqual(removeHavip(config, open.next, here('fd00:1::60')).next, NO_RUNTIME);
});

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'havip-runtime-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

test('what is committed is there after a start; what is not is not', async (t) => {
  const path = join(folder(t), 'below', 'runtime.json');
  const store = await RuntimeStore.open(path);
  t.deepEqual(store.set, NO_RUNTIME);
  const set = runtimeOf(inBlue('10.0.1.60', { members: ['tap-a'] }));
  const prepared = await store.prepare(set);
  t.deepEqual((await RuntimeStore.open(path)).set, NO_RUNTIME, 'a crash here changes nothing');
  await prepared.commit();
  t.deepEqual(store.set, set);
  t.deepEqual((await RuntimeStore.open(path)).set, set);
  await (await store.prepare(NO_RUNTIME)).discard();
  t.deepEqual((await RuntimeStore.open(path)).set, set);
  t.deepEqual(readdirSync(join(path, '..')), ['runtime.json'], 'nothing is left over');
});

test('a file that cannot be read is put aside, said, and stops nothing', async (t) => {
  for (const text of [
    '{"version":1,"havips":[{"net',
    '{"version":2}',
    '[]',
    'null',
    '{"version":1,"eips":7}',
  ]) {
    const path = join(folder(t), 'runtime.json');
    writeFileSync(path, text);
    const store = await RuntimeStore.open(path);
    t.deepEqual(store.set, NO_RUNTIME);
    t.regex(store.fault ?? '', /cannot be read .*it is now .*\.bad/);
    t.is(readFileSync(`${path}.bad`, 'utf8'), text);
  }
});

test('a place that cannot be written says so, with what to do', async (t) => {
  const path = join(folder(t), 'file');
  writeFileSync(path, '');
  const store = await RuntimeStore.open(join(path, 'runtime.json'));
  const error = await t.throwsAsync(store.prepare(NO_RUNTIME), { instanceOf: HavipError });
  t.regex(error?.message ?? '', /so it is not made/);
  t.regex(error?.cure ?? '', /make room or make the folder writable/);
});
