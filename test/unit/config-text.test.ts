// SPDX-License-Identifier: BSD-2-Clause
// The file and its text, before any value: YAML's own errors, encodings, what is no file at all.
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { loadConfigInWorker } from '../../src/config/in-worker.js';
import { loadConfig, parseConfig, renderProblem } from '../../src/config/load.js';
import { HavipError } from '../../src/errors.js';

const text = test.macro((t, content: string, ...expected: string[]) => {
  t.deepEqual(parseConfig(content, 'f').problems.map(renderProblem), expected);
});

const EMPTY = 'f: holds no configuration; it needs at least "networks", see havip check --help';
test('an empty text', text, '', EMPTY);
test('white space alone', text, '\n\n  \n', EMPTY);
test('comments alone', text, '# networks: []\n', EMPTY);
test('an empty document', text, '---\n...\n', EMPTY);
test('a null', text, '~\n', EMPTY);
test('a byte order mark is accepted', text, '\ufeffnetworks: []\n');
test('Windows line ends are accepted', text, 'pinPath: /x\r\nnetworks: []\r\n');
test(
  'Windows line ends count as one line each',
  text,
  'pinPath: /x\r\nnetworks: []\r\nfoo: 1\r\n',
  'f:3:1: unknown key "foo"; allowed: pinPath, api, metrics, web, statePath, capacity, networks',
);

test(
  'a list that is not closed',
  text,
  'networks: [\n',
  'f:2:1: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
);
test(
  'a tab as indentation',
  text,
  'networks:\n\t- name: n\n',
  'f:2:1: not valid YAML: Tabs are not allowed as indentation',
);
test(
  'wrong indentation',
  text,
  'networks: []\n pinPath: /x\n',
  'f:2:1: not valid YAML: All mapping items must start at the same column',
);
test(
  'a key twice',
  text,
  'pinPath: /a\nnetworks: []\npinPath: /b\n',
  'f:3:1: the key "pinPath" is given twice; allowed: once',
);
test(
  'a key twice, deep inside',
  text,
  'networks: []\nmetrics: { listen: off, listen: off }\n',
  'f:2:25: the key "listen" is given twice; allowed: once',
);
test('an unknown tag', text, 'networks: !vpc []\n', 'f:1:11: not valid YAML: Unresolved tag: !vpc');
test(
  'a second document',
  text,
  'networks: []\n---\nnetworks: []\n',
  'f:2:1: a second document begins here; allowed: one',
);
test(
  'YAML 1.1, where "off" is no text',
  text,
  '%YAML 1.1\n---\nnetworks: []\n',
  'f:1:1: %YAML: found "1.1"; allowed: 1.2',
);
test(
  'a key that is a list',
  text,
  '? [a]\n: 1\nnetworks: []\n',
  'f:1:3: a key that is no plain text; allowed: words',
);
test(
  '__proto__ is a key like others',
  text,
  '__proto__: { x: 1 }\nnetworks: []\n',
  'f:1:1: unknown key "__proto__"; allowed: pinPath, api, metrics, web, statePath, capacity, networks',
);
test('an alias without anchor', text, 'networks: *a\n', 'f:1:11: the alias "*a" has no anchor before it');
test(
  'an alias inside its own anchor',
  text,
  'networks: &a [*a]\n',
  'f:1:15: the alias "*a" stands inside its own anchor',
);
test(
  'aliases of aliases of aliases',
  text,
  bomb(),
  'f:8:10: the aliases up to here stand for more than 20000000 values, which is the most allowed',
);
function bomb(): string {
  const level = (index: number): string =>
    `k${index}: &a${index} [${Array.from({ length: 10 }, () => `*a${index - 1}`).join(', ')}]\n`;
  return `k0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n${Array.from({ length: 7 }, (_, index) => level(index + 1)).join('')}networks: *a7\n`;
}

const DEEP = 'nested too deeply; allowed: 100 levels';
test('brackets without end', text, `networks: ${'['.repeat(1_000_000)}`, `f:1:109: ${DEEP}`);
test('dashes without end', text, `networks:\n  ${'- '.repeat(100_000)}`, `f:2:199: ${DEEP}`);
test('question marks without end', text, '? '.repeat(100_000), `f:1:199: ${DEEP}`);
test(
  '90 levels are read',
  text,
  `networks: ${'['.repeat(90)}${']'.repeat(90)}`,
  'f:1:12: networks: found a list of 1; allowed: a mapping with the keys name, subnets, eips',
);

test('problems are cut off at 50, and the rest is counted', (t) => {
  const { problems } = parseConfig(
    `networks: []\n${Array.from({ length: 60 }, (_, index) => `key${index}: 1\n`).join('')}`,
    'f',
  );
  t.is(problems.length, 51);
  t.is(problems[0]?.line, 2);
  t.deepEqual(problems.slice(50).map(renderProblem), ['f: and 10 more problems']);
});

const folder = mkdtempSync(join(tmpdir(), 'havip-config-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const onDisk = test.macro(
  async (t, name: string, bytes: Uint8Array | null, place: string, message: string) => {
    const path = join(folder, name);
    if (bytes !== null) writeFileSync(path, bytes);
    const expected = `${path}${place}: ${message}`;
    const error = t.throws(() => loadConfig(path), { instanceOf: HavipError, message: expected });
    t.is(error.code, 'USAGE');
    const result = await loadConfigInWorker(path);
    t.deepEqual('problems' in result && result.problems.map(renderProblem), [expected]);
  },
);

test('a missing file', onDisk, 'absent', null, '', 'does not exist');
test('a folder', onDisk, '.', null, '', 'is a folder; allowed: a YAML file');
test('a file on the way', onDisk, 'way/f', null, '', 'does not exist');
test(
  'an empty file',
  onDisk,
  'empty',
  Buffer.from(''),
  '',
  'holds no configuration; it needs at least "networks", see havip check --help',
);
test(
  'a byte that is not UTF-8',
  onDisk,
  'latin1',
  Buffer.from('networks:\n  - name: br\xfccke\n', 'latin1'),
  ':2:13',
  'found a byte that is not UTF-8; allowed: UTF-8 text',
);
test(
  'a byte that is not UTF-8, on the last line',
  onDisk,
  'last',
  Buffer.from('a: 1\nb: 2\n\xff', 'latin1'),
  ':3:1',
  'found a byte that is not UTF-8; allowed: UTF-8 text',
);
test(
  'UTF-16',
  onDisk,
  'utf16',
  Buffer.from('\ufeffnetworks: []\n', 'utf16le'),
  ':1:1',
  'found a byte that is not UTF-8; allowed: UTF-8 text',
);
test(
  'several problems, one a line',
  onDisk,
  'two',
  Buffer.from('networks: 1\n'),
  ':1:11',
  'networks: found the number 1; allowed: a list of networks',
);

test('a file over 64 MiB is not read', (t) => {
  const path = join(folder, 'large');
  writeFileSync(path, '');
  truncateSync(path, 64 * 1024 * 1024 + 1);
  t.throws(() => loadConfig(path), { message: `${path}: is too large; allowed: at most 64 MiB` });
});

test('a file without end is not read to it', (t) => {
  t.throws(() => loadConfig('/dev/zero'), { message: '/dev/zero: is too large; allowed: at most 64 MiB' });
});
