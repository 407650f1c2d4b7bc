// SPDX-License-Identifier: BSD-2-Clause
// What the options of one HAVIP may be: every message with its line and column.
import test from 'ava';
import { parseConfig, renderProblem } from '../../src/config/load.js';

const problemsOf = (text: string): string[] => parseConfig(text, 'f').problems.map(renderProblem);

const IFACE = 'the name of an interface: 1 to 15 printable characters without "/", ":" and white space';
const havip = test.macro((t, text: string, ...expected: string[]) => {
  const base =
    'networks:\n  - name: n\n    subnets:\n      - name: s\n        cidr: [10.0.0.0/8, "fd00::/64"]\n        bridge: br\n        havips:\n';
  t.deepEqual(problemsOf(`${base}          - ${text}\n`), expected);
});

const ADDRESS = 'an IPv4 or IPv6 address without prefix length';
const HAVIP = 'address, members, rebind, guard, unheld, damping, heal, arp, serviceMac';
test('an IPv4 address is accepted', havip, 'address: 10.0.1.50');
test('an IPv6 address is accepted', havip, 'address: "fd00::50"');
test('an IPv6 address needs no quotes', havip, 'address: fd00::50');
test(
  'an address with leading zeros',
  havip,
  'address: 010.0.0.1',
  `f:8:22: address: found "010.0.0.1", which has leading zeros; allowed: ${ADDRESS}; some programs read them as octal, write the number without`,
);
test(
  'an address with a prefix',
  havip,
  'address: 10.0.1.1/24',
  `f:8:22: address: found "10.0.1.1/24", which has a prefix length; allowed: ${ADDRESS}; the subnet's "cidr" gives it`,
);
test(
  'an address in mapped spelling',
  havip,
  'address: "::ffff:10.0.0.1"',
  `f:8:22: address: found "::ffff:10.0.0.1", which is an IPv4 address in IPv6 spelling; allowed: ${ADDRESS}; write it as a.b.c.d`,
);
test(
  'an address with a zone',
  havip,
  'address: fe80::1%br',
  `f:8:22: address: found "fe80::1%br", which has a zone; allowed: ${ADDRESS}; leave it out: the bridge says which link`,
);
test(
  'an address that is a host name',
  havip,
  'address: www',
  `f:8:22: address: found "www"; allowed: ${ADDRESS}`,
);
test(
  'an address that YAML takes for a number',
  havip,
  'address: 10.1',
  `f:8:22: address: found the number 10.1; allowed: ${ADDRESS}`,
);
test(
  'a HAVIP without address',
  havip,
  'guard: monitor',
  `f:8:13: missing key "address"; allowed: ${ADDRESS}`,
);
test(
  'a HAVIP that is no mapping',
  havip,
  '10.0.1.50',
  `f:8:13: havips: found "10.0.1.50"; allowed: a mapping with the keys ${HAVIP}`,
);
test(
  'a mistyped key of a HAVIP',
  havip,
  '{ address: 10.0.1.50, gaurd: monitor }',
  `f:8:35: unknown key "gaurd", did you mean "guard"? allowed: ${HAVIP}`,
);

const option = test.macro((t, text: string, expected: string | null) => {
  const base =
    'networks:\n  - name: n\n    subnets:\n      - name: s\n        cidr: 10.0.0.0/8\n        bridge: br\n        havips:\n          - address: 10.0.1.50\n';
  t.deepEqual(problemsOf(`${base}            ${text}\n`), expected === null ? [] : [expected]);
});

const MEMBERS = 'a list of one or more interface names; leave it out to allow every port';
const STATION = 'the MAC of one station, such as 02:00:00:00:00:01';
const WINDOW = 'a duration of 100ms to 60m: a whole number and ms, s or m';
test('nobody may claim', option, 'members: []', `f:9:22: members: found an empty list; allowed: ${MEMBERS}`);
test('members that are nothing', option, 'members:', `f:9:21: members: found nothing; allowed: ${MEMBERS}`);
test(
  'one member without a list',
  option,
  'members: tap-a',
  `f:9:22: members: found "tap-a"; allowed: ${MEMBERS}`,
);
test(
  'a member with a slash',
  option,
  'members: [tap-a, "x/y"]',
  `f:9:30: members: found "x/y"; allowed: ${IFACE}`,
);
test('two members are accepted', option, 'members: [tap-a, tap-b]', null);
test('a rebind that is none', option, 'rebind: me', 'f:9:21: rebind: found "me"; allowed: kernel or loader');
test('kernel mode is accepted', option, 'rebind: kernel', null);
test('loader mode is accepted', option, 'rebind: loader', null);
test('healing is accepted', option, 'heal: verify', null);
test('an alarm is accepted', option, 'heal: alarm', null);
test('proxy ARP is accepted', option, 'arp: proxy', null);
test('proxy ARP that is none', option, 'arp: yes', 'f:9:18: arp: found "yes"; allowed: proxy or off');
test('a service MAC is accepted', option, 'arp: proxy\n            serviceMac: "02:00:00:00:00:01"', null);
test(
  'a service MAC that nobody tells',
  option,
  'serviceMac: "02:00:00:00:00:01"',
  `f:9:25: serviceMac: found "02:00:00:00:00:01", which nobody is told; allowed: ${STATION}; add "arp: proxy"`,
);
test(
  'a service MAC of a group',
  option,
  'arp: proxy\n            serviceMac: "03:00:00:00:00:01"',
  `f:10:25: serviceMac: found "03:00:00:00:00:01", which is no single station's; allowed: ${STATION}`,
);
test(
  'a service MAC that is none',
  option,
  'arp: proxy\n            serviceMac: 2',
  `f:10:25: serviceMac: found the number 2; allowed: ${STATION}`,
);
test('a guard that is none', option, 'guard: off', 'f:9:20: guard: found "off"; allowed: enforce or monitor');
test('guard monitor is accepted', option, 'guard: monitor', null);
test('an unheld that is none', option, 'unheld: yes', 'f:9:21: unheld: found "yes"; allowed: pass or drop');
test('unheld drop is accepted', option, 'unheld: drop', null);
test(
  'a budget of no moves',
  option,
  'damping: { moves: 0 }',
  'f:9:31: moves: found the number 0; allowed: a whole number of moves, 1 to 16',
);
test(
  'a budget of 17 moves',
  option,
  'damping: { moves: 17 }',
  'f:9:31: moves: found the number 17; allowed: a whole number of moves, 1 to 16',
);
test('a budget of 16 moves is accepted', option, 'damping: { moves: 16 }', null);
test(
  'a window without unit',
  option,
  'damping: { window: 10 }',
  `f:9:32: window: found the number 10; allowed: ${WINDOW}`,
);
for (const text of ['1x', '1.5s', '99ms', '61m', '-1s', '10 s', '1e3ms', 's']) {
  test(
    `a window of ${text}`,
    option,
    `damping: { window: ${text} }`,
    `f:9:32: window: found "${text}"; allowed: ${WINDOW}`,
  );
}
for (const text of ['100ms', '500ms', '10s', '2m', '60m']) {
  test(`a window of ${text} is accepted`, option, `damping: { window: ${text} }`, null);
}
test(
  'a damping that is a number',
  option,
  'damping: 5',
  'f:9:22: damping: found the number 5; allowed: a mapping with the keys moves, window',
);
