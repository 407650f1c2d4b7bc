// SPDX-License-Identifier: BSD-2-Clause
// What a sound file becomes: defaults, canonical texts, capacities, shared objects.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { loadConfigInWorker } from '../../src/config/in-worker.js';
import { loadConfig, parseConfig } from '../../src/config/load.js';
import type { Config } from '../../src/config/load.js';
import { defaultCapacity } from '../../src/config/normalise.js';
import { packConfig, unpackConfig } from '../../src/config/wire.js';

/** DESIGN.md's example without what this version does not carry out. */
const DESIGN = `
pinPath: /sys/fs/bpf/havip
api: { socket: /run/havip/havip.sock }
metrics: { listen: "127.0.0.1:9477" }
networks:
  - name: blue
    subnets:
      - name: web
        cidr: [10.0.1.0/24, "fd00:1::/64"]
        bridge: br-web              # its ports are followed as they come and go
        vlan: []                    # none, [100] or [100, 7]
        uplinks: [eth1]             # which of them are uplinks; the rest are vNICs
        hooks: { eth1: xdp }        # port name or glob -> xdp | tc | auto (the default)
        portSecurity: true
        havips:
          - address: 10.0.1.50
          - address: "fd00:1::50"
            members: [tap-a, tap-b] # optional; open to the whole subnet without it
            rebind: kernel
            guard: enforce          # or monitor
            unheld: pass            # or drop
            damping: { moves: 5, window: 10s }
            heal: verify
    eips: []
`;

const OPTIONS = {
  guard: 'enforce',
  unheld: 'pass',
  rebind: 'kernel',
  heal: 'verify',
  arp: 'off',
  serviceMac: null,
  damping: { moves: 5, windowMs: 10_000 },
} as const;

const DESIGN_CONFIG: Config = {
  pinPath: '/sys/fs/bpf/havip',
  socket: '/run/havip/havip.sock',
  metricsListen: { host: '127.0.0.1', port: 9477 },
  webListen: { host: '127.0.0.1', port: 9478 },
  statePath: '/var/lib/havip',
  capacity: { havips: 4096, ports: 1024 },
  eips: [],
  subnets: [
    {
      network: 'blue',
      name: 'web',
      cidrs: ['10.0.1.0/24', 'fd00:1::/64'],
      bridge: 'br-web',
      vlan: { outer: 0, inner: 0 },
      uplinks: ['eth1'],
      gateways: [],
      hooks: [{ pattern: 'eth1', hook: 'xdp' }],
      portSecurity: true,
      havips: [
        { address: '10.0.1.50', members: null, ...OPTIONS },
        { address: 'fd00:1::50', members: ['tap-a', 'tap-b'], ...OPTIONS },
      ],
    },
  ],
};

const folder = mkdtempSync(join(tmpdir(), 'havip-load-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const stored = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

test("DESIGN.md's example loads", (t) => {
  t.deepEqual(loadConfig(stored('design.yaml', DESIGN)), DESIGN_CONFIG);
});

test("DESIGN.md's example loads in a worker", async (t) => {
  t.deepEqual(await loadConfigInWorker(stored('worker.yaml', DESIGN)), { config: DESIGN_CONFIG });
});

test('equal options are one object, through the worker too', async (t) => {
  const result = await loadConfigInWorker(stored('shared.yaml', DESIGN));
  const havips = 'config' in result ? result.config.subnets[0]?.havips : undefined;
  t.is(havips?.length, 2);
  t.is(havips?.[0]?.damping, havips?.[1]?.damping);
});

const parses = test.macro((t, text: string, pick: (config: Config) => unknown, expected: unknown) => {
  const { config, problems } = parseConfig(text, 'f');
  t.deepEqual(problems, []);
  t.deepEqual(config === undefined ? undefined : pick(config), expected);
});

test('everything but networks has a default', parses, 'networks: []', (config) => config, {
  pinPath: '/sys/fs/bpf/havip',
  socket: '/run/havip/havip.sock',
  metricsListen: { host: '127.0.0.1', port: 9477 },
  webListen: { host: '127.0.0.1', port: 9478 },
  statePath: '/var/lib/havip',
  capacity: { havips: 4096, ports: 1024 },
  eips: [],
  subnets: [],
});
test(
  'metrics may be off',
  parses,
  'networks: []\nmetrics: { listen: off }',
  (config) => config.metricsListen,
  null,
);
test(
  'a v6 host loses its brackets',
  parses,
  'networks: []\nmetrics: { listen: "[::]:0" }',
  (config) => config.metricsListen,
  { host: '::', port: 0 },
);
test(
  'a closing slash of the pin path goes',
  parses,
  'networks: []\npinPath: /a/b//',
  (config) => config.pinPath,
  '/a/b',
);
test(
  'a given capacity stands',
  parses,
  'networks: []\ncapacity: { havips: 10, ports: 7 }',
  (config) => config.capacity,
  { havips: 10, ports: 7 },
);

const subnet = (more: string): string =>
  `networks: [{ name: n, subnets: [{ name: s, bridge: br, cidr: [10.0.0.0/8, "FD00:0::/64"]${more} }] }]`;
const first = (config: Config) => config.subnets[0];

test('cidrs are canonical', parses, subnet(''), (config) => first(config)?.cidrs, [
  '10.0.0.0/8',
  'fd00::/64',
]);
test(
  'one cidr is a list of one',
  parses,
  'networks: [{ name: n, subnets: [{ name: s, bridge: br, cidr: 10.0.0.0/8 }] }]',
  (config) => first(config)?.cidrs,
  ['10.0.0.0/8'],
);
test(
  'addresses are canonical',
  parses,
  subnet(', havips: [{ address: "FD00:0::0050" }]'),
  (config) => first(config)?.havips[0]?.address,
  'fd00::50',
);
test('one tag is the outer one', parses, subnet(', vlan: [100]'), (config) => first(config)?.vlan, {
  outer: 100,
  inner: 0,
});
test('two tags are outer and inner', parses, subnet(', vlan: [100, 7]'), (config) => first(config)?.vlan, {
  outer: 100,
  inner: 7,
});
test(
  'an uplink or member listed twice is one',
  parses,
  subnet(', uplinks: [e, f, e], havips: [{ address: 10.0.0.1, members: [a, a] }]'),
  (config) => [first(config)?.uplinks, first(config)?.havips[0]?.members],
  [['e', 'f'], ['a']],
);
test(
  'full names come before globs',
  parses,
  subnet(', hooks: { "*": tc, "tap?": auto, eth1: xdp }'),
  (config) => first(config)?.hooks,
  [
    { pattern: 'eth1', hook: 'xdp' },
    { pattern: '*', hook: 'tc' },
    { pattern: 'tap?', hook: 'auto' },
  ],
);
test(
  'half a budget keeps the other half',
  parses,
  subnet(
    ', havips: [{ address: 10.0.0.1, damping: { window: 500ms } }, { address: 10.0.0.2, damping: { moves: 1 } }]',
  ),
  (config) => first(config)?.havips.map((havip) => havip.damping),
  [
    { moves: 5, windowMs: 500 },
    { moves: 1, windowMs: 10_000 },
  ],
);
test(
  'minutes are milliseconds',
  parses,
  subnet(', havips: [{ address: 10.0.0.1, damping: { window: 2m } }]'),
  (config) => first(config)?.havips[0]?.damping.windowMs,
  120_000,
);
test(
  'options may be shared by alias',
  parses,
  subnet(', havips: [{ address: 10.0.0.1, members: &m [a, b] }, { address: 10.0.0.2, members: *m }]'),
  (config) => first(config)?.havips[1]?.members,
  ['a', 'b'],
);

test('the capacity doubles the number, as a power of two, within its limits', (t) => {
  const cases = [0, 1, 2048, 2049, 4096, 4097, 100_000, 524_288, 524_289, 1_048_576];
  const expected = [4096, 4096, 4096, 8192, 8192, 16_384, 262_144, 1_048_576, 1_048_576, 1_048_576];
  t.deepEqual(cases.map(defaultCapacity), expected);
});

test('a file of 10,000 HAVIPs with different options comes through the worker whole', async (t) => {
  const line = (index: number): string => {
    const [high, low] = [index >> 8, index & 255];
    const address =
      index % 2 === 0 ? `10.1.${high}.${low}` : `fd00::1:${high.toString(16)}:${low.toString(16)}`;
    return `{ address: "${address}", guard: ${index % 3 === 0 ? 'monitor' : 'enforce'}, damping: { moves: ${1 + (index % 16)} } }`;
  };
  const lines = Array.from({ length: 10_000 }, (_, index) => line(index));
  const path = stored('many.yaml', subnet(`, havips: [\n ${lines.join(',\n ')}]`));
  t.deepEqual(await loadConfigInWorker(path), { config: loadConfig(path) });
});

test('other work gets its turn while a large configuration is unpacked', async (t) => {
  const havips = Array.from({ length: 10_000 }, () => ({ address: '10.0.0.1', members: null, ...OPTIONS }));
  const packed = packConfig({
    ...DESIGN_CONFIG,
    subnets: DESIGN_CONFIG.subnets.map((one) => ({ ...one, havips })),
  });
  const unpacking = unpackConfig(packed);
  const ticks = countImmediates();
  t.is((await unpacking).subnets[0]?.havips.length, 10_000);
  t.true(ticks() >= 3);
});

/** Counts turns of the event loop until it is asked. */
function countImmediates(): () => number {
  let count = 0;
  let next = setImmediate(function again() {
    count++;
    next = setImmediate(again);
  });
  return () => {
    clearImmediate(next);
    return count;
  };
}

test('100,000 aliases of one anchor are read in seconds', (t) => {
  const lines = Array.from(
    { length: 100_000 },
    (_, index) =>
      `        - { address: 10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}, members: *m }`,
  );
  lines[0] = '        - { address: 10.200.0.1, members: &m [a, b] }';
  const start = process.hrtime.bigint();
  const { problems } = parseConfig(
    `networks:\n  - name: n\n    subnets:\n      - name: s\n        bridge: br\n        cidr: 10.0.0.0/8\n        havips:\n${lines.join('\n')}\n`,
    'f',
  );
  t.deepEqual(problems, []);
  // yaml's own conversion takes minutes; the margin is for a slow machine.
  t.true(Number(process.hrtime.bigint() - start) / 1e9 < 40);
});
