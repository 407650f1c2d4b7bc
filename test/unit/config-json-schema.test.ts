// SPDX-License-Identifier: BSD-2-Clause
// The published JSON Schema says of one value what `havip check` says. zod reads the schema back: a second way round.
import test from 'ava';
import { parse } from 'yaml';
import { z } from 'zod';
import { configJsonSchema, configJsonSchemaText } from '../../src/config/json-schema.js';
import { parseConfig } from '../../src/config/load.js';

const published = z.fromJSONSchema(
  JSON.parse(configJsonSchemaText()) as Parameters<typeof z.fromJSONSchema>[0],
);

const agrees = test.macro((t, text: string, isSound: boolean) => {
  t.is(parseConfig(text, 'f').problems.length === 0, isSound);
  t.is(published.safeParse(parse(text)).success, isSound);
});

const subnet = (more: string): string =>
  `networks: [{ name: n, subnets: [{ name: s, bridge: br, cidr: 10.0.0.0/8, ${more} }] }]`;
const havip = (more: string): string => subnet(`havips: [{ address: 10.0.0.1, ${more} }]`);

const SOUND = [
  'networks: []',
  '{ pinPath: /x, api: { socket: /s }, metrics: { listen: off }, capacity: { havips: 5 }, networks: [] }',
  subnet('vlan: [1, 2], uplinks: [e], hooks: { "e*": tc }, portSecurity: true'),
  'networks: [{ name: n, eips: [], subnets: [{ name: s, bridge: br, cidr: [10.0.0.0/8, "fd00::/64"] }] }]',
  havip('members: [a], rebind: kernel, guard: monitor, unheld: drop, heal: verify'),
  havip('damping: { moves: 16, window: 100ms }'),
  havip('arp: proxy, serviceMac: 02:00:00:00:00:01'),
  subnet('uplinks: [e, { name: f, gateway: true, proxyArp: false }]'),
  havip('heal: alarm').replace(
    'name: n,',
    'name: n, eips: [{ address: 1.2.3.4, havip: 10.0.0.1, egress: holder }],',
  ),
  subnet('havips: [{ address: "fd00::1" }]').replace('10.0.0.0/8', '"fd00::/64"'),
];

const UNSOUND = [
  '{}',
  '[]',
  'networks: {}',
  '{ networks: [], extra: 1 }',
  '{ networks: [], pinPath: x }',
  '{ networks: [], metrics: { listen: "9477" } }',
  '{ networks: [], capacity: { ports: 4097 } }',
  'networks: [{ subnets: [] }]',
  'networks: [{ name: "a b" }]',
  'networks: [{ name: n, eips: [{ address: 1.2.3.4 }] }]',
  'networks: [{ name: n, eips: [{ address: 1.2.3.4, havip: 10.0.0.1, egress: me }] }]',
  'networks: [{ name: n, subnets: [{ name: s, bridge: br }] }]',
  'networks: [{ name: n, subnets: [{ name: s, bridge: br, cidr: [] }] }]',
  'networks: [{ name: n, subnets: [{ name: s, bridge: br, cidr: 10.0.0.0 }] }]',
  'networks: [{ name: n, subnets: [{ name: s, bridge: sixteen-letters-, cidr: 10.0.0.0/8 }] }]',
  subnet('vlan: [1, 2, 3]'),
  subnet('vlan: [4095]'),
  subnet('uplinks: [{ name: e, gateway: 10.0.0.1 }]'),
  subnet('hooks: { e: xpd }'),
  subnet('hooks: { "a b": tc }'),
  subnet('portSecurity: 1'),
  subnet('arp: proxy'),
  havip('arp: maybe'),
  havip('arp: proxy, serviceMac: me'),
  subnet('havips: [10.0.0.1]'),
  subnet('havips: [{ address: 010.0.0.1 }]'),
  subnet('havips: [{ address: 10.0.0.1/8 }]'),
  havip('members: []'),
  havip('rebind: me'),
  havip('heal: me'),
  havip('guard: off'),
  havip('damping: { moves: 17 }'),
  havip('damping: { window: 10 }'),
  havip('damping: { windw: 10s }'),
];

for (const text of SOUND) test(`sound: ${text}`, agrees, text, true);
for (const text of UNSOUND) test(`unsound: ${text}`, agrees, text, false);

test('every property of the schema says what is allowed', (t) => {
  const silent: string[] = [];
  visit(configJsonSchema(), 'file', silent);
  t.deepEqual(silent, []);
});

function visit(schema: object, path: string, silent: string[]): void {
  const { properties, items } = schema as { properties?: Record<string, object>; items?: object };
  if (!('description' in schema)) silent.push(path);
  for (const [key, value] of Object.entries(properties ?? {})) visit(value, `${path}.${key}`, silent);
  if (items !== undefined) visit(items, `${path}[]`, silent);
}
