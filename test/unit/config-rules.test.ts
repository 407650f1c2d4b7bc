// SPDX-License-Identifier: BSD-2-Clause
// Rules across values: a HAVIP and its subnet, subnets and networks among each other, the capacity.
import test from 'ava';
import { parseConfig, renderProblem } from '../../src/config/load.js';

const problemsOf = (text: string): string[] => parseConfig(text, 'f').problems.map(renderProblem);

const HEAD = 'networks:\n  - name: n\n    subnets:\n';

/** One subnet on line 4 with one HAVIP in column 73 or so: `cidr` and `address` are the variables. */
const placed = test.macro((t, cidr: string, address: string, why: string | null) => {
  const line = `      - { name: s, bridge: br, cidr: ${cidr}, havips: [{ address: "`;
  const expected = why === null ? [] : [`f:4:${line.length}: address: found ${address}, which is ${why}`];
  t.deepEqual(problemsOf(`${HEAD}${line}${address}" }] }\n`), expected);
});

const OWN = 'allowed: an address that a host can own';
const UNICAST = 'allowed: a unicast address';
test('an address of the subnet', placed, '10.0.1.0/24', '10.0.1.50', null);
test('an address of the second cidr', placed, '[10.0.1.0/24, 10.0.9.0/24]', '10.0.9.50', null);
test('an IPv6 address of the second cidr', placed, '[10.0.1.0/24, "fd00::/64"]', 'fd00::50', null);
test(
  'an address outside',
  placed,
  '10.0.1.0/24',
  '10.0.2.50',
  'outside its subnet; allowed: an address in 10.0.1.0/24',
);
test(
  'an address outside both',
  placed,
  '[10.0.1.0/24, "fd00::/64"]',
  'fd01::1',
  'outside its subnet; allowed: an address in 10.0.1.0/24, fd00::/64',
);
test('the network address', placed, '10.0.1.0/24', '10.0.1.0', `the network address of 10.0.1.0/24; ${OWN}`);
test(
  'the broadcast address',
  placed,
  '10.0.1.0/24',
  '10.0.1.255',
  `the broadcast address of 10.0.1.0/24; ${OWN}`,
);
test('a /31 has neither, first', placed, '10.0.1.0/31', '10.0.1.0', null);
test('a /31 has neither, second', placed, '10.0.1.0/31', '10.0.1.1', null);
test('a /32 is its only host', placed, '10.0.1.7/32', '10.0.1.7', null);
test(
  "the routers' anycast address",
  placed,
  '"fd00:1::/64"',
  'fd00:1::',
  `the routers' anycast address of fd00:1::/64; ${OWN}`,
);
test('the last IPv6 address is a host', placed, '"fd00:1::/64"', 'fd00:1::ffff:ffff:ffff:ffff', null);
test('a multicast address', placed, '224.0.0.0/8', '224.0.0.18', `a multicast address; ${UNICAST}`);
test('a loopback address', placed, '127.0.0.0/8', '127.0.0.5', `a loopback address; ${UNICAST}`);
test('the unspecified address', placed, '0.0.0.0/0', '0.0.0.0', `the unspecified address; ${UNICAST}`);
test(
  'the limited broadcast address',
  placed,
  '0.0.0.0/0',
  '255.255.255.255',
  `the limited broadcast address; ${UNICAST}`,
);
test('the IPv6 loopback address', placed, '"::/0"', '::1', `a loopback address; ${UNICAST}`);
test('the IPv6 unspecified address', placed, '"::/0"', '::', `the unspecified address; ${UNICAST}`);
test('an IPv6 multicast address', placed, '"ff02::/16"', 'ff02::12', `a multicast address; ${UNICAST}`);

const file = test.macro((t, lines: readonly string[], ...expected: string[]) => {
  t.deepEqual(problemsOf(`${lines.join('\n')}\n`), expected);
});

const subnets = (...rows: string[]): string[] => [
  'networks:',
  '  - name: n',
  '    subnets:',
  ...rows.map((row) => `      - { ${row} }`),
];

const a = 'name: a, bridge: br0, cidr: 10.0.1.0/24';
const b = 'name: b, bridge: br1, cidr: 10.0.2.0/24';

test('two subnets apart are accepted', file, subnets(a, b));
test(
  'a subnet name twice in a network',
  file,
  subnets(a, 'name: a, bridge: br1, cidr: 10.0.2.0/24'),
  'f:5:17: name: found "a" again; allowed: a name that is unique among the subnets of this network (first at 4:17)',
);
test(
  'a network name twice',
  file,
  ['networks:', '  - name: n', '  - name: m', '  - name: n'],
  'f:4:11: name: found "n" again; allowed: a name that is unique among the networks of this file (first at 2:11)',
);
test('a subnet name in two networks is accepted', file, [
  'networks:',
  `  - { name: n, subnets: [{ ${a} }] }`,
  '  - { name: m, subnets: [{ name: a, bridge: br1, cidr: 10.0.1.0/24 }] }',
]);

const SHARED = 'allowed: one subnet for each bridge and tag stack';
test(
  'a bridge twice',
  file,
  subnets(a, 'name: b, bridge: br0, cidr: 10.0.2.0/24'),
  `f:5:28: bridge: found bridge "br0", untagged again; ${SHARED} (first at 4:28)`,
);
test(
  'a bridge twice, across networks',
  file,
  ['networks:', `  - { name: n, subnets: [{ ${a} }] }`, `  - { name: m, subnets: [{ ${a} }] }`],
  `f:3:45: bridge: found bridge "br0", untagged again; ${SHARED} (first at 2:45)`,
);
test(
  'an empty tag stack is no tag stack',
  file,
  subnets(a, 'name: b, bridge: br0, vlan: [], cidr: 10.0.2.0/24'),
  `f:5:28: bridge: found bridge "br0", untagged again; ${SHARED} (first at 4:28)`,
);
test(
  'a bridge twice with the same tags',
  file,
  subnets(`${a}, vlan: [100, 7]`, 'name: b, bridge: br0, vlan: [100, 7], cidr: 10.0.2.0/24'),
  `f:5:28: bridge: found bridge "br0", VLAN 100, 7 again; ${SHARED} (first at 4:28)`,
);
test(
  'a bridge with other tags is accepted',
  file,
  subnets(
    a,
    'name: b, bridge: br0, vlan: [100], cidr: 10.0.2.0/24',
    'name: c, bridge: br0, vlan: [100, 7], cidr: 10.0.3.0/24',
    'name: d, bridge: br0, vlan: [7, 100], cidr: 10.0.4.0/24',
  ),
);

const APART = 'allowed: blocks of a network that are apart';
test(
  'a cidr twice in a network',
  file,
  subnets(a, 'name: b, bridge: br1, cidr: 10.0.1.0/24'),
  `f:5:39: cidr: found 10.0.1.0/24, which overlaps 10.0.1.0/24; ${APART} (first at 4:39)`,
);
test(
  'a cidr inside another',
  file,
  subnets('name: b, bridge: br1, cidr: 10.0.1.128/25', a),
  `f:4:39: cidr: found 10.0.1.128/25, which overlaps 10.0.1.0/24; ${APART} (first at 5:39)`,
);
test(
  'a cidr inside another of the same subnet',
  file,
  subnets('name: a, bridge: br0, cidr: [10.0.0.0/8, 10.0.1.0/24]'),
  `f:4:52: cidr: found 10.0.1.0/24, which overlaps 10.0.0.0/8; ${APART} (first at 4:40)`,
);
test(
  'a cidr that begins inside a wider one, behind a narrower one',
  file,
  subnets('name: a, bridge: br0, cidr: [10.0.0.0/8, 10.0.1.0/24, 10.200.0.0/16]'),
  `f:4:52: cidr: found 10.0.1.0/24, which overlaps 10.0.0.0/8; ${APART} (first at 4:40)`,
  `f:4:65: cidr: found 10.200.0.0/16, which overlaps 10.0.0.0/8; ${APART} (first at 4:40)`,
);
test(
  'IPv6 cidrs overlap',
  file,
  subnets('name: a, bridge: br0, cidr: ["fd00::/48", "fd00:0:0:1::/64"]'),
  `f:4:53: cidr: found fd00:0:0:1::/64, which overlaps fd00::/48; ${APART} (first at 4:40)`,
);
test('::/0 and 0.0.0.0/0 are apart', file, subnets('name: a, bridge: br0, cidr: ["::/0", 0.0.0.0/0]'));
test('neighbours are apart', file, subnets('name: a, bridge: br0, cidr: [10.0.0.0/25, 10.0.0.128/25]'));
test('another network may use the same block', file, [
  'networks:',
  `  - { name: n, subnets: [{ ${a} }] }`,
  '  - { name: m, subnets: [{ name: x, bridge: br9, cidr: 10.0.1.0/24 }] }',
]);
test(
  'every link has its own link-local block',
  file,
  subnets(
    'name: a, bridge: br0, cidr: "fe80::/64", havips: [{ address: "fe80::50" }]',
    'name: b, bridge: br1, cidr: "fe80::/64", havips: [{ address: "fe80::51" }]',
  ),
);
test(
  'one link has one link-local block',
  file,
  subnets('name: a, bridge: br0, cidr: ["fe80::/64", "fe80::/64"]'),
  `f:4:53: cidr: found fe80::/64, which overlaps fe80::/64; ${APART} (first at 4:40)`,
);

const ONCE = 'allowed: each address once in a network';
test(
  'an address twice in a subnet',
  file,
  subnets(`${a}, havips: [{ address: 10.0.1.5 }, { address: 10.0.1.5 }]`),
  `f:4:95: address: found 10.0.1.5 again; ${ONCE} (first at 4:72)`,
);
test(
  'an IPv6 address twice in two spellings',
  file,
  subnets(
    'name: a, bridge: br0, cidr: "fd00::/64", havips: [{ address: "fd00::5" }, { address: "FD00:0::0005" }]',
  ),
  `f:4:96: address: found fd00::5 again; ${ONCE} (first at 4:72)`,
);
test(
  'a link-local address twice on a link',
  file,
  subnets(
    'name: a, bridge: br0, cidr: "fe80::/64", havips: [{ address: "fe80::5" }, { address: "fe80::5" }]',
  ),
  `f:4:96: address: found fe80::5 again; ${ONCE} (first at 4:72)`,
);
test('an address in two networks is accepted', file, [
  'networks:',
  `  - { name: n, subnets: [{ ${a}, havips: [{ address: 10.0.1.5 }] }] }`,
  '  - { name: m, subnets: [{ name: x, bridge: br9, cidr: 10.0.1.0/24, havips: [{ address: 10.0.1.5 }] }] }',
]);
test(
  'an uplink may be a member',
  file,
  subnets(`${a}, uplinks: [eth1], havips: [{ address: 10.0.1.5, members: [eth1, tap0] }]`),
);

test(
  'more HAVIPs than the capacity',
  file,
  ['capacity: { havips: 1 }', ...subnets(`${a}, havips: [{ address: 10.0.1.5 }, { address: 10.0.1.6 }]`)],
  'f:1:21: capacity: found 1 for 2 HAVIPs; allowed: at least 2',
);
test('as many HAVIPs as the capacity are accepted', file, [
  'capacity: { havips: 2 }',
  ...subnets(`${a}, havips: [{ address: 10.0.1.5 }, { address: 10.0.1.6 }]`),
]);

test(
  'a broken value does not hide a broken rule, and both come in the order of the file',
  file,
  subnets('name: a b, bridge: br0, cidr: 10.0.1.0/24, havips: [{ address: 10.9.9.9, guard: x }]'),
  'f:4:17: name: found "a b"; allowed: 1 to 63 of the characters A-Z a-z 0-9 . _ -',
  'f:4:74: address: found 10.9.9.9, which is outside its subnet; allowed: an address in 10.0.1.0/24',
  'f:4:91: guard: found "x"; allowed: enforce or monitor',
);
test(
  'nothing is outside a cidr that cannot be read',
  file,
  subnets('name: a, bridge: br0, cidr: [10.0.1.5/24], havips: [{ address: 10.9.9.9 }]'),
  'f:4:40: cidr: found "10.0.1.5/24", which has host bits set; allowed: address/prefix, such as 10.0.1.0/24 or fd00:1::/64; write 10.0.1.0/24',
);
test(
  'a value from an anchor is blamed where it is written',
  file,
  [
    'networks:',
    '  - name: n',
    '    subnets:',
    '      - &s { name: a, bridge: br0, cidr: 10.0.1.0/33 }',
    '  - name: m',
    '    subnets: [*s]',
  ],
  `f:4:31: bridge: found bridge "br0", untagged again; ${SHARED} (first at 4:31)`,
  'f:4:42: cidr: found "10.0.1.0/33"; allowed: address/prefix, such as 10.0.1.0/24, or a list of one or more of them',
);

// --- EIPs ------------------------------------------------------------------------------------------------------------

/** Network `n` with HAVIPs in an untagged, a tagged and an IPv6 subnet; `eips` stand on line 3. */
const eips = (list: string): string =>
  `networks:
  - name: n
    eips: [${list}]
    subnets:
      - { name: s, bridge: br, cidr: [10.0.1.0/24, "fd00::/64"], havips: [{ address: 10.0.1.5 }, { address: "fd00::5" }] }
      - { name: t, bridge: br, vlan: [7], cidr: 10.0.2.0/24, havips: [{ address: 10.0.2.5 }] }
`;
const EIPS: readonly (readonly [title: string, list: string, ...problems: string[]])[] = [
  ['an EIP', '{ address: 1.2.3.4, havip: 10.0.1.5 }'],
  ['two of one HAVIP', '{ address: 1.2.3.4, havip: 10.0.1.5 }, { address: 1.2.3.5, havip: 10.0.1.5 }'],
  [
    'an EIP of a HAVIP that does not exist',
    '{ address: 1.2.3.4, havip: 10.0.1.6 }',
    'f:3:39: havip: found 10.0.1.6; allowed: the address of a HAVIP of this network',
  ],
  [
    'an EIP twice',
    '{ address: 1.2.3.4, havip: 10.0.1.5 }, { address: 1.2.3.4, havip: 10.0.1.5 }',
    'f:3:62: address: found the EIP 1.2.3.4 again; allowed: each EIP once in a file (first at 3:23)',
  ],
  [
    "an EIP inside a subnet's range",
    '{ address: 10.0.2.9, havip: 10.0.1.5 }',
    "f:3:23: address: found 10.0.2.9, which is inside the subnet 10.0.2.0/24; allowed: an address outside the network's subnets (first at 6:49)",
  ],
  [
    'an IPv6 EIP',
    '{ address: "2001:db8::1", havip: 10.0.1.5 }',
    'f:3:23: address: found 2001:db8::1; allowed: an IPv4 address',
  ],
  [
    'an EIP of an IPv6 HAVIP',
    '{ address: 1.2.3.4, havip: "fd00::5" }',
    'f:3:39: havip: found fd00::5; allowed: an IPv4 HAVIP',
  ],
  [
    'a multicast EIP',
    '{ address: 224.1.2.3, havip: 10.0.1.5 }',
    'f:3:23: address: found 224.1.2.3, which no host can own; allowed: a unicast address',
  ],
  [
    'an EIP of a HAVIP in a tagged subnet',
    '{ address: 1.2.3.4, havip: 10.0.2.5 }',
    'f:3:39: havip: found 10.0.2.5, which is in a tagged subnet (VLAN 7); allowed: a HAVIP of an untagged subnet',
  ],
  [
    'EIPs of one HAVIP that differ in who may leave',
    '{ address: 1.2.3.4, havip: 10.0.1.5 }, { address: 1.2.3.5, havip: 10.0.1.5, egress: holder }',
    'f:3:51: egress: found holder; allowed: the same for every EIP of 10.0.1.5 (first at 3:12)',
  ],
];
for (const [title, list, ...problems] of EIPS)
  test(title, (t) => t.deepEqual(problemsOf(eips(list)), problems));

test('a gateway is no port of a bridge', (t) => {
  const text = subnetsOf('uplinks: [eth1, { name: eth2, gateway: true }]', 'uplinks: [eth2]');
  t.deepEqual(problemsOf(text), [
    'f:5:63: uplinks: found eth2 as a port of the bridge and as a gateway; allowed: one of the two (first at 4:69)',
  ]);
});

function subnetsOf(...more: string[]): string {
  const lines = more.map(
    (one, at) => `      - { name: s${at}, bridge: br${at}, cidr: 10.0.${at}.0/24, ${one} }\n`,
  );
  return HEAD + lines.join('');
}
