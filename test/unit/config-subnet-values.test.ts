// SPDX-License-Identifier: BSD-2-Clause
// What the options of one subnet may be: every message with its line and column.
import test from 'ava';
import { parseConfig, renderProblem } from '../../src/config/load.js';

const problemsOf = (text: string): string[] => parseConfig(text, 'f').problems.map(renderProblem);

const subnetMacro = (base: string) =>
  test.macro((t, text: string, ...expected: string[]) => {
    t.deepEqual(
      problemsOf(`networks:\n  - name: n\n    subnets:\n      - name: s\n${base}        ${text}\n`),
      expected,
    );
  });
const noCidr = subnetMacro('        bridge: br\n');
const noBridge = subnetMacro('        cidr: 10.0.0.0/8\n');
const subnet = subnetMacro('        cidr: 10.0.0.0/8\n        bridge: br\n');

const CIDR = 'address/prefix, such as 10.0.1.0/24 or fd00:1::/64';
const CIDRS = 'address/prefix, such as 10.0.1.0/24, or a list of one or more of them';
test('a subnet without cidr', noCidr, 'havips: []', `f:4:9: missing key "cidr"; allowed: ${CIDRS}`);
test(
  'a cidr without prefix',
  noCidr,
  'cidr: 10.0.0.0',
  `f:6:15: cidr: found "10.0.0.0", which has no prefix length; allowed: ${CIDRS}`,
);
test(
  'a cidr with host bits',
  noCidr,
  'cidr: 10.0.1.5/24',
  `f:6:15: cidr: found "10.0.1.5/24", which has host bits set; allowed: ${CIDRS}; write 10.0.1.0/24`,
);
test(
  'a cidr with leading zeros',
  noCidr,
  'cidr: 010.0.0.0/8',
  `f:6:15: cidr: found "010.0.0.0/8", which has leading zeros; allowed: ${CIDRS}; some programs read them as octal, write the number without`,
);
test(
  'a second cidr that is none',
  noCidr,
  'cidr: [10.0.0.0/8, x/8]',
  `f:6:28: cidr: found "x/8"; allowed: ${CIDR}`,
);
test('an empty list of cidrs', noCidr, 'cidr: []', `f:6:15: cidr: found an empty list; allowed: ${CIDRS}`);
test('a cidr that is a number', noCidr, 'cidr: 10', `f:6:15: cidr: found the number 10; allowed: ${CIDRS}`);
test(
  'an IPv4-mapped cidr',
  noCidr,
  'cidr: "::ffff:10.0.0.0/104"',
  `f:6:15: cidr: found "::ffff:10.0.0.0/104", which is an IPv4 address in IPv6 spelling; allowed: ${CIDRS}; write it as a.b.c.d`,
);

const IFACE = 'the name of an interface: 1 to 15 printable characters without "/", ":" and white space';
test('a subnet without bridge', noBridge, 'havips: []', `f:4:9: missing key "bridge"; allowed: ${IFACE}`);
for (const name of ['a/b', 'a b', 'sixteen-letters-', 'a:b', 'brücke', '..', '']) {
  test(
    `a bridge called "${name}"`,
    noBridge,
    `bridge: "${name}"`,
    `f:6:17: bridge: found "${name}"; allowed: ${IFACE}`,
  );
}
test('a bridge with 15 letters is accepted', noBridge, 'bridge: fifteen-letters');
test(
  'a bridge called 100 needs quotes',
  noBridge,
  'bridge: 100',
  `f:6:17: bridge: found the number 100; allowed: ${IFACE}; put it in quotes`,
);
test('a bridge called "100" is accepted', noBridge, 'bridge: "100"');

test(
  'a VLAN id of 0',
  subnet,
  'vlan: [0]',
  'f:7:16: vlan: found the number 0; allowed: a VLAN id, 1 to 4094',
);
test(
  'a VLAN id of 4095',
  subnet,
  'vlan: [1, 4095]',
  'f:7:19: vlan: found the number 4095; allowed: a VLAN id, 1 to 4094',
);
test(
  'three tags',
  subnet,
  'vlan: [1, 2, 3]',
  'f:7:15: vlan: found a list of 3; allowed: a list of no, one or two VLAN ids',
);
test(
  'a VLAN id without a list',
  subnet,
  'vlan: 5',
  'f:7:15: vlan: found the number 5; allowed: a list of no, one or two VLAN ids',
);
test('two tags are accepted', subnet, 'vlan: [1, 4094]');
test('no tags are accepted', subnet, 'vlan: []');

test(
  'an uplink with a space',
  subnet,
  'uplinks: [eth1, e h]',
  'f:7:25: uplinks: found "e h"; allowed: the name of an interface, or a mapping with the keys name, gateway, proxyArp',
);
test(
  'a gateway that is an address',
  subnet,
  'uplinks: [{ name: eth1, gateway: 10.0.0.1 }]',
  'f:7:42: gateway: found "10.0.0.1"; allowed: true or false',
);
test('a gateway is accepted', subnet, 'uplinks: [eth1, { name: eth2, gateway: true, proxyArp: false }]');
test('a mapping without a gateway is accepted', subnet, 'uplinks: [{ name: eth1 }]');
test(
  'an answer to ARP without a gateway',
  subnet,
  'uplinks: [{ name: eth1, proxyArp: true }]',
  'f:7:43: proxyArp: found true, which only a gateway has EIPs to answer for; allowed: true or false; add "gateway: true"',
);
test('port security is accepted', subnet, 'portSecurity: true');
test('no port security is accepted', subnet, 'portSecurity: false');
test(
  'a hook that is none',
  subnet,
  'hooks: { eth1: xpd }',
  'f:7:24: eth1: found "xpd"; allowed: xdp, tc or auto',
);
test(
  'a hook for no possible port',
  subnet,
  'hooks: { eth1: tc, "a b": tc }',
  'f:7:28: hooks: found the key "a b"; allowed: the name of a port, or a glob with * and ?, of 1 to 15 printable characters',
);
test('hooks by name and by glob are accepted', subnet, 'hooks: { eth1: xdp, "tap*": tc, "eth?": auto }');
test(
  'hooks that are a list',
  subnet,
  'hooks: [tc]',
  'f:7:16: hooks: found a list of 1; allowed: a mapping from port names or globs to xdp, tc or auto',
);
