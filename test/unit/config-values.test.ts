// SPDX-License-Identifier: BSD-2-Clause
// What one value of the file may be: every message with its line and column. Subnets and HAVIPs have
// files of their own.
import test from 'ava';
import { parseConfig, renderProblem } from '../../src/config/load.js';

const problemsOf = (text: string): string[] => parseConfig(text, 'f').problems.map(renderProblem);

const top = test.macro((t, text: string, ...expected: string[]) => {
  t.deepEqual(problemsOf(`${text}\nnetworks: []\n`), expected);
});

const ABS = 'an absolute path';
const SOCKET = 'an absolute path of at most 107 bytes';
const LISTEN = 'host:port (port 0 picks a free one), such as 127.0.0.1:9477 or [::]:9477, or off';

test('a relative pin path', top, 'pinPath: havip', `f:1:10: pinPath: found "havip"; allowed: ${ABS}`);
test(
  'a pin path that is a number',
  top,
  'pinPath: 5',
  `f:1:10: pinPath: found the number 5; allowed: ${ABS}`,
);
test('a relative socket', top, 'api: { socket: s }', `f:1:16: socket: found "s"; allowed: ${SOCKET}`);
test('a socket path of 107 bytes is accepted', top, `api: { socket: /${'s'.repeat(106)} }`);
test(
  'a socket path of 108 bytes does not fit sun_path',
  top,
  `api: { socket: /${'s'.repeat(107)} }`,
  `f:1:16: socket: found "/${'s'.repeat(59)}..."; allowed: ${SOCKET}`,
);
test(
  'an api that is no mapping',
  top,
  'api: /run/s',
  'f:1:6: api: found "/run/s"; allowed: a mapping with the keys socket',
);

const listens = test.macro((t, text: string, isAllowed: boolean) => {
  const message = `f:1:20: listen: found ${JSON.stringify(text)}; allowed: ${LISTEN}`;
  t.deepEqual(problemsOf(`metrics: { listen: "${text}" }\nnetworks: []\n`), isAllowed ? [] : [message]);
});

for (const text of ['0.0.0.0:9477', 'localhost:0', '[::1]:65535', 'node-7.example:80', 'off']) {
  test(`metrics may listen on ${text}`, listens, text, true);
}
for (const text of [
  ':9477',
  '127.0.0.1',
  '127.0.0.1:65536',
  '::1:80',
  '[10.0.0.1]:80',
  '10.0.0:80',
  '1.1.1.1:080',
  'on',
]) {
  test(`metrics cannot listen on ${text}`, listens, text, false);
}

test(
  'a capacity of zero',
  top,
  'capacity: { havips: 0 }',
  'f:1:21: havips: found the number 0; allowed: a whole number of HAVIPs, 1 to 1048576',
);
test(
  'a capacity beyond the limit',
  top,
  'capacity: { havips: 1048577 }',
  'f:1:21: havips: found the number 1048577; allowed: a whole number of HAVIPs, 1 to 1048576',
);
test(
  'too many ports',
  top,
  'capacity: { ports: 4097 }',
  'f:1:20: ports: found the number 4097; allowed: a whole number of ports, 1 to 4096',
);
test(
  'half a port',
  top,
  'capacity: { ports: 1.5 }',
  'f:1:20: ports: found the number 1.5; allowed: a whole number of ports, 1 to 4096',
);
test('the largest capacity is accepted', top, 'capacity: { havips: 1048576, ports: 4096 }');

const KEYS = 'pinPath, api, metrics, web, statePath, capacity, networks';
test(
  'an unknown key names the nearest',
  top,
  'pinpaht: /x',
  `f:1:1: unknown key "pinpaht", did you mean "pinPath"? allowed: ${KEYS}`,
);
test(
  'an unknown key in other case',
  top,
  'PINPATH: /x',
  `f:1:1: unknown key "PINPATH", did you mean "pinPath"? allowed: ${KEYS}`,
);
test(
  'an unknown key like nothing known',
  top,
  'colour: red',
  `f:1:1: unknown key "colour"; allowed: ${KEYS}`,
);
test(
  'an unknown key cannot speak to a terminal',
  top,
  '"\\e[31m": red',
  `f:1:1: unknown key "\\u001b[31m"; allowed: ${KEYS}`,
);
test(
  'a merge key is an unknown key',
  top,
  '<<: { pinPath: /x }',
  `f:1:1: unknown key "<<"; allowed: ${KEYS}`,
);
test(
  'two unknown keys are two problems',
  top,
  'metrics: { lisen: x,\n  port: 5 }',
  'f:1:12: unknown key "lisen", did you mean "listen"? allowed: listen',
  'f:2:3: unknown key "port"; allowed: listen',
);

const whole = test.macro((t, text: string, ...expected: string[]) => {
  t.deepEqual(problemsOf(text), expected);
});

test(
  'a file without networks',
  whole,
  'pinPath: /x\n',
  'f:1:1: missing key "networks"; allowed: a list of networks',
);
test(
  'networks that are a mapping',
  whole,
  'networks: { blue: 1 }\n',
  'f:1:11: networks: found a mapping; allowed: a list of networks',
);
test(
  'networks that are nothing',
  whole,
  'networks:\n',
  'f:1:10: networks: found nothing; allowed: a list of networks',
);
test(
  'a file that is one word',
  whole,
  'hello',
  `f:1:1: configuration: found "hello"; allowed: a mapping with the keys ${KEYS}`,
);
test(
  'a file that is a list',
  whole,
  '- 1\n',
  `f:1:1: configuration: found a list of 1; allowed: a mapping with the keys ${KEYS}`,
);
test(
  'a network without a name',
  whole,
  'networks:\n  - subnets: []\n',
  'f:2:5: missing key "name"; allowed: 1 to 63 of the characters A-Z a-z 0-9 . _ -',
);
test(
  'a network with a space in its name',
  whole,
  'networks:\n  - name: a b\n',
  'f:2:11: name: found "a b"; allowed: 1 to 63 of the characters A-Z a-z 0-9 . _ -',
);
test(
  'a network with a name of 64',
  whole,
  `networks:\n  - name: ${'n'.repeat(64)}\n`,
  `f:2:11: name: found "${'n'.repeat(60)}..."; allowed: 1 to 63 of the characters A-Z a-z 0-9 . _ -`,
);
test('a network with a name of 63 is accepted', whole, `networks:\n  - name: ${'n'.repeat(63)}\n`);
test(
  'a name that YAML takes for a number',
  whole,
  'networks:\n  - name: 7\n',
  'f:2:11: name: found the number 7; allowed: 1 to 63 of the characters A-Z a-z 0-9 . _ -; put it in quotes',
);
test(
  'an EIP with an unknown key',
  whole,
  'networks:\n  - name: n\n    eips: [{ address: 203.0.113.10, havips: 10.0.1.50 }]\n',
  'f:3:12: missing key "havip"; allowed: an IPv4 or IPv6 address without prefix length',
  'f:3:37: unknown key "havips", did you mean "havip"? allowed: address, havip, egress',
);
test(
  'an EIP that lets out whoever it likes',
  whole,
  'networks:\n  - name: n\n    eips: [{ address: 203.0.113.10, havip: 10.0.1.50, egress: all }]\n',
  'f:3:44: havip: found 10.0.1.50; allowed: the address of a HAVIP of this network',
  'f:3:63: egress: found "all"; allowed: any or holder',
);
test('no external addresses are accepted', whole, 'networks:\n  - name: n\n    eips: []\n');
