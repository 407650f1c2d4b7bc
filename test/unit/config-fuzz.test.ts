// SPDX-License-Identifier: BSD-2-Clause
// Whatever stands in the file: a configuration or problems with a place in the text, never an exception.
import test from 'ava';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { parseConfig, renderProblem } from '../../src/config/load.js';

const SAMPLE = `pinPath: /sys/fs/bpf/havip
metrics: { listen: "127.0.0.1:9477" }
networks:
  - name: blue
    subnets:
      - name: web
        cidr: [10.0.1.0/24, "fd00:1::/64"]
        bridge: br-web
        vlan: [100, 7]
        hooks: { eth1: xdp, "tap*": tc }
        havips:
          - address: 10.0.1.50
            members: &m [tap-a, tap-b]
            damping: { moves: 5, window: 10s }
          - address: "fd00:1::50"
            members: *m
`;

/** Either a Config or problems, each on one line and inside the text. */
function isOrderly(text: string): boolean {
  const { config, problems } = parseConfig(text, 'f');
  const lines = text.split(/\r\n|\r|\n/).length + 1;
  const isPlaced = problems.every(({ line }) => line === null || (line >= 1 && line <= lines));
  const isOneLine = problems.every((problem) => !/[\n\r\x1b]/.test(renderProblem(problem)));
  return (config === undefined) === problems.length > 0 && isPlaced && isOneLine;
}

const check = (property: fc.IRawProperty<unknown>, numRuns: number) => fc.assert(property, { numRuns });

test('arbitrary text', (t) => {
  t.notThrows(() => check(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), isOrderly), 2000));
});

test("text of YAML's own characters", (t) => {
  const unit = fc.constantFrom(
    ...Array.from('-:[]{}&*!|>%@`\'"#,?~<\\ \n\t\r'),
    '  ',
    'a',
    '0',
    '- ',
    ': ',
    '<<: ',
    '\x1b',
    '\u2028',
    '\ud800',
  );
  t.notThrows(() => check(fc.property(fc.string({ unit, maxLength: 80 }), isOrderly), 5000));
});

test('the sample with pieces cut, doubled and put in', (t) => {
  const at = fc.nat(SAMPLE.length);
  const junk = fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      '\n',
      '\t',
      '[',
      '}',
      '- ',
      ': ',
      '*m',
      '&m ',
      '"',
      '0',
      '-1',
      'null',
      '!x ',
      '---\n',
    ),
    fc.string({ unit: 'binary', maxLength: 4 }),
  );
  const edit = fc.record({ from: at, length: fc.nat(12), put: junk });
  const mutated = fc
    .array(edit, { minLength: 1, maxLength: 5 })
    .map((edits) =>
      edits.reduce(
        (text, { from, length, put }) => text.slice(0, from) + put + text.slice(from + length),
        SAMPLE,
      ),
    );
  t.notThrows(() => check(fc.property(mutated, isOrderly), 5000));
});

const KEYS = [
  'networks',
  'subnets',
  'havips',
  'name',
  'cidr',
  'bridge',
  'vlan',
  'uplinks',
  'hooks',
  'eips',
  'address',
  'members',
  'damping',
  'moves',
  'window',
  'capacity',
  'api',
  'metrics',
  'listen',
  '__proto__',
  'constructor',
  'toString',
];
const LEAVES = [
  'n',
  'br0',
  '10.0.0.0/8',
  '10.0.0.1',
  'fd00::/64',
  'fd00::1',
  'fe80::1',
  '0.0.0.0/0',
  '::/0',
  '255.255.255.255',
  'loader',
  'kernel',
  '10s',
  'off',
  'x:1',
  '',
  null,
  true,
  0,
  1,
  -1,
  4095,
  1e21,
  Number.NaN,
  Number.POSITIVE_INFINITY,
];

test('any values under the known keys', (t) => {
  const { node } = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 8, withCrossShrink: true },
      fc.constantFrom<unknown>(...LEAVES),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...KEYS), tie('node'), { maxKeys: 5 }),
    ),
  }));
  const file = fc.dictionary(fc.constantFrom('networks', 'capacity', 'api', 'metrics'), node, { maxKeys: 4 });
  t.notThrows(() =>
    check(
      fc.property(
        file.map((value) => stringify(value)),
        isOrderly,
      ),
      2000,
    ),
  );
});

test('lists of almost sound subnets', (t) => {
  const leaf = fc.constantFrom<unknown>(...LEAVES);
  const havip = fc.record(
    { address: leaf, members: fc.oneof(leaf, fc.array(leaf, { maxLength: 2 })) },
    { requiredKeys: ['address'] },
  );
  const subnet = fc.record(
    {
      name: leaf,
      bridge: leaf,
      cidr: fc.oneof(leaf, fc.array(leaf, { maxLength: 3 })),
      vlan: fc.oneof(leaf, fc.array(leaf, { maxLength: 3 })),
      havips: fc.array(havip, { maxLength: 3 }),
    },
    { requiredKeys: ['name', 'bridge', 'cidr'] },
  );
  const network = fc.record({ name: leaf, subnets: fc.array(subnet, { maxLength: 3 }) });
  const file = fc.record({ networks: fc.array(network, { maxLength: 3 }) });
  t.notThrows(() =>
    check(
      fc.property(
        file.map((value) => stringify(value)),
        isOrderly,
      ),
      2000,
    ),
  );
});
