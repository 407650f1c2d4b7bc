// SPDX-License-Identifier: BSD-2-Clause
// Configuration and links -> which ports are served, by which hook, with which flags. No device is needed.
import test from 'ava';
import type { HookChoice, SubnetConfig } from '../../src/config/types.js';
import { matchesGlob, planPorts, type WantedPort } from '../../src/control/plan.js';
import type { Hook } from '../../src/kernel/attachments.js';
import { PORT_KIND, TARGET_FLAGS } from '../../src/kernel/layout.gen.js';
import type { Link } from '../../src/net/links.js';
import { XDP_FEATURE } from '../../src/net/netdev.js';
import { subnet } from './configs.js';

const link = (ifindex: number, name: string, kind: string, more: Partial<Link> = {}): Link => ({
  ifindex,
  name,
  kind,
  mac: '02:00:00:00:00:01',
  mtu: 1500,
  up: true,
  masterIfindex: 10,
  peerElsewhere: false,
  peerIfindex: 0,
  ageingTimeMs: 0,
  ...more,
});
const BRIDGE = link(10, 'br0', 'bridge', { masterIfindex: 0, ageingTimeMs: 300_000 });
const { BASIC, REDIRECT, NDO_XMIT, NDO_XMIT_SG } = XDP_FEATURE;
const NATIVE = BASIC | REDIRECT | NDO_XMIT;

interface Host {
  readonly links: readonly Link[];
  /** One answer for every device; undefined: a kernel that does not say. */
  readonly features?: bigint | undefined;
  readonly config?: Partial<SubnetConfig>;
}

const plan = ({ links, features, config = {} }: Host) =>
  planPorts([subnet('web', [], config)], new Map(links.map((one) => [one.ifindex, one])), () => features);

const portOf = (host: Host, name: string): WantedPort | undefined =>
  [...plan(host).ports.values()].find((port) => port.name === name);

const hooks = (...choices: readonly [string, HookChoice['hook']][]) => ({
  hooks: choices.map(([pattern, hook]) => ({ pattern, hook })),
});

const hooked = test.macro(
  (t, port: Link, features: bigint | undefined, config: Partial<SubnetConfig>, hook: Hook) => {
    t.is(portOf({ links: [BRIDGE, port], features, config }, port.name)?.hook, hook);
  },
);
test('a NIC with native XDP takes xdp', hooked, link(2, 'eth1', ''), NATIVE, {}, 'xdp');
test('a NIC whose XDP cannot redirect takes tc', hooked, link(2, 'eth1', ''), BASIC | NDO_XMIT, {}, 'tc');
test(
  'a NIC that redirects but cannot pass takes tc',
  hooked,
  link(2, 'eth1', ''),
  REDIRECT | NDO_XMIT,
  {},
  'tc',
);
test('a NIC without XDP takes tc', hooked, link(2, 'eth1', ''), 0n, {}, 'tc');
test('a NIC on a kernel that does not say takes tc', hooked, link(2, 'eth1', ''), undefined, {}, 'tc');
test('a veth takes tc, whatever XDP it has', hooked, link(2, 'veth1', 'veth'), NATIVE, {}, 'tc');
test('a tap takes tc, whatever XDP it has', hooked, link(2, 'tap1', 'tun'), NATIVE, {}, 'tc');
test('a bond with native XDP takes xdp', hooked, link(2, 'bond0', 'bond'), NATIVE, {}, 'xdp');
test('xdp can be forced on a tap', hooked, link(2, 'tap1', 'tun'), 0n, hooks(['tap1', 'xdp']), 'xdp');
test('tc can be forced on a NIC', hooked, link(2, 'eth1', ''), NATIVE, hooks(['eth1', 'tc']), 'tc');
test('a glob forces too', hooked, link(2, 'tap17', 'tun'), 0n, hooks(['tap*', 'xdp']), 'xdp');
test(
  'the first match wins',
  hooked,
  link(2, 'eth1', ''),
  NATIVE,
  hooks(['eth1', 'tc'], ['eth*', 'xdp']),
  'tc',
);
test(
  'auto by name overrides a later glob',
  hooked,
  link(2, 'tap1', 'tun'),
  0n,
  hooks(['tap1', 'auto'], ['tap*', 'xdp']),
  'tc',
);
test(
  'a glob that does not match leaves auto',
  hooked,
  link(2, 'eth1', ''),
  NATIVE,
  hooks(['tap*', 'tc']),
  'xdp',
);

test("the bridge is the host's port, at egress, whatever the hooks say", (t) => {
  const host = portOf({ links: [BRIDGE], config: { uplinks: ['br0'], ...hooks(['*', 'xdp']) } }, 'br0');
  t.deepEqual([host?.kind, host?.hook, host?.learnEveryMs], [PORT_KIND.HOST, 'tc-egress', 0]);
});

test("uplinks are those of the list, the rest are vNICs; others' ports are none", (t) => {
  const links = [
    BRIDGE,
    link(2, 'eth1', ''),
    link(3, 'tap1', 'tun'),
    link(4, 'eth2', '', { masterIfindex: 11 }),
    link(5, 'lo', '', { masterIfindex: 0 }),
  ];
  const { ports, bridges, absent } = plan({ links, config: { uplinks: ['eth1'] } });
  const kinds = [...ports.values()].map(({ name, kind }) => [name, kind]);
  t.deepEqual(kinds, [
    ['br0', PORT_KIND.HOST],
    ['eth1', PORT_KIND.UPLINK],
    ['tap1', PORT_KIND.VNIC],
  ]);
  t.deepEqual([...bridges], [['br0', 10]]);
  t.deepEqual(absent, []);
});

const flagged = test.macro((t, port: Link, features: bigint | undefined, flags: number) => {
  t.is(portOf({ links: [BRIDGE, port], features }, port.name)?.flags, flags);
});
const guestVeth = link(2, 'veth1', 'veth', { peerElsewhere: true });
const { PEER, XDP, XDP_FRAGS } = TARGET_FLAGS;
test("a guest's veth is reached by its peer", flagged, guestVeth, 0n, PEER);
test(
  "a guest's veth with NAPI takes XDP too",
  flagged,
  guestVeth,
  NDO_XMIT | NDO_XMIT_SG,
  PEER | XDP | XDP_FRAGS,
);
test('a veth whose peer is in this namespace is not', flagged, link(2, 'veth1', 'veth'), 0n, 0);
test('only a veth has such a peer', flagged, link(2, 'nk0', 'netkit', { peerElsewhere: true }), 0n, 0);
test('a NIC that takes one buffer', flagged, link(2, 'eth1', ''), NATIVE, XDP);
test(
  'several buffers are worth nothing without the first',
  flagged,
  link(2, 'eth1', ''),
  NDO_XMIT_SG,
  XDP_FRAGS,
);
test('a tap on a kernel that does not say takes XDP', flagged, link(2, 'tap1', 'tun'), undefined, XDP);
test('a veth on a kernel that does not say may not', flagged, guestVeth, undefined, PEER);
test('a tap whose kernel says no takes none', flagged, link(2, 'tap1', 'tun'), 0n, 0);

const absent = test.macro(
  (t, links: readonly Link[], uplinks: readonly string[], expected: readonly string[], served: number) => {
    const found = plan({ links, config: { uplinks } });
    t.deepEqual(
      found.absent.map(({ kind, name }) => `${kind} ${name}`),
      expected,
    );
    t.is(found.ports.size, served);
  },
);
test(
  'a bridge that is not there is absent, and its uplinks wait with it',
  absent,
  [link(2, 'eth1', '')],
  ['eth1'],
  ['bridge br0'],
  0,
);
test(
  "a device of the bridge's name that is none is absent",
  absent,
  [link(10, 'br0', 'dummy', { masterIfindex: 0 })],
  [],
  ['bridge br0'],
  0,
);
test('an uplink that is not there is absent', absent, [BRIDGE], ['eth1'], ['uplink eth1'], 1);
test(
  'an uplink on another bridge is absent',
  absent,
  [BRIDGE, link(2, 'eth1', '', { masterIfindex: 11 })],
  ['eth1'],
  ['uplink eth1'],
  1,
);
test(
  'an uplink on no bridge is absent',
  absent,
  [BRIDGE, link(2, 'eth1', '', { masterIfindex: 0 })],
  ['eth1'],
  ['uplink eth1'],
  1,
);
test('what is there is not absent', absent, [BRIDGE, link(2, 'eth1', '')], ['eth1'], [], 2);

const learns = test.macro((t, ageingTimeMs: number, learnEveryMs: number) => {
  const links = [{ ...BRIDGE, ageingTimeMs }, link(2, 'tap1', 'tun')];
  t.is(portOf({ links }, 'tap1')?.learnEveryMs, learnEveryMs);
});
test('a sender takes the bridge four times within its ageing time', learns, 300_000, 75_000);
test('a short ageing time', learns, 3_000, 750);
test('but not more often than ten times a second', learns, 200, 100);
test('a bridge that remembers nothing (ageing 0) needs no turns', learns, 0, 0);

test('two subnets of one bridge: a port is an uplink for both, and the hooks of both count', (t) => {
  const links = [BRIDGE, link(2, 'eth1', ''), link(3, 'tap1', 'tun')];
  const configs = [
    subnet('web', [], { uplinks: ['eth1'] }),
    subnet('db', [], { vlan: { outer: 5, inner: 0 }, ...hooks(['tap1', 'xdp']) }),
  ];
  const { ports, absent: missing } = planPorts(
    configs,
    new Map(links.map((one) => [one.ifindex, one])),
    () => 0n,
  );
  t.deepEqual([ports.size, ports.get(2)?.kind, ports.get(3)?.hook], [3, PORT_KIND.UPLINK, 'xdp']);
  t.deepEqual(missing, []);
});

test('a port is as its link is: MTU, and up or not', (t) => {
  const down = link(2, 'tap1', 'tun', { up: false, mtu: 9000 });
  const port = portOf({ links: [BRIDGE, down] }, 'tap1');
  t.deepEqual([port?.up, port?.mtu, port?.bridge], [false, 9000, { ifindex: 10, name: 'br0' }]);
});

const glob = test.macro((t, name: string, pattern: string, matches: boolean) =>
  t.is(matchesGlob(name, pattern), matches),
);
test('a name matches itself', glob, 'tap1', 'tap1', true);
test('a name is not the beginning of another', glob, 'tap10', 'tap1', false);
test('* is any run', glob, 'tap-abc', 'tap*', true);
test('* is also nothing', glob, 'tap', 'tap*', true);
test('? is one character', glob, 'tap1', 'tap?', true);
test('? is not none', glob, 'tap', 'tap?', false);
test('a dot is a dot', glob, 'eth1x100', 'eth1.100', false);
test('a VLAN device', glob, 'eth1.100', 'eth?.1*', true);
test('brackets mean themselves', glob, 'tap1', 'tap[1]', false);

test('a gateway is a device of no bridge', (t) => {
  const gateways = ['eth2', 'eth3', 'eth4'].map((name) => ({ name, proxyArp: name === 'eth2' }));
  const links = [
    BRIDGE,
    link(2, 'eth2', '', { masterIfindex: 0 }),
    link(3, 'eth3', '', { masterIfindex: 10 }),
  ];
  const { ports, absent } = plan({ links, config: { gateways } });
  const found = [...ports.values()].map(({ name, kind, bridge, proxyArp }) => [
    name,
    kind,
    bridge.name,
    proxyArp,
  ]);
  t.deepEqual(found, [
    ['br0', PORT_KIND.HOST, 'br0', false],
    ['eth3', PORT_KIND.VNIC, 'br0', false],
    ['eth2', PORT_KIND.GATEWAY, '', true],
  ]);
  t.deepEqual(absent, [
    { kind: 'gateway', name: 'eth3 outside br0' },
    { kind: 'gateway', name: 'eth4' },
  ]);
});
