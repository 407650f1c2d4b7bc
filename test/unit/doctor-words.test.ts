// SPDX-License-Identifier: BSD-2-Clause
// What `havip doctor` prints: the worst first, a cure on a line of its own, nothing that a name could smuggle in.
import test from 'ava';
import { renderFindings } from '../../src/cli/doctor-words.js';
import type { Finding } from '../../src/doctor/finding.js';

const plain = { terminal: false, color: false };
const FINDINGS: readonly Finding[] = [
  { area: 'kernel', check: 'BTF', state: 'ok', detail: 'is there', cure: null },
  { area: 'ports', check: 'port a', state: 'warn', detail: 'is odd', cure: 'ip link show a' },
  {
    area: 'maps',
    check: 'bindings',
    state: 'fail',
    detail: 'are \u001b[2Jgone',
    cure: 'systemctl restart havip',
  },
];

test('failures, then warnings, then how much is well', (t) => {
  t.is(
    renderFindings(FINDINGS, { verbose: false, screen: plain }),
    [
      'fail  maps, bindings: are \\x1b[2Jgone',
      '      systemctl restart havip',
      'warn  ports, port a: is odd',
      '      ip link show a',
      '1 failure, 1 warning; 1 check is ok (-v lists them)',
      '',
    ].join('\n'),
  );
});

test('all of it, and colours where they are wanted', (t) => {
  const text = renderFindings(FINDINGS, { verbose: true, screen: { terminal: true, color: true } });
  t.regex(text, /ok.*kernel, BTF: is there\n/);
  t.true(text.startsWith('\u001b[31mfail'));
  t.true(text.endsWith('1 failure, 1 warning; 1 check is ok\n'));
});

test('nothing wrong is one line', (t) => {
  t.is(
    renderFindings(FINDINGS.slice(0, 1), { verbose: false, screen: plain }),
    'nothing is wrong: 1 check is ok (-v lists them)\n',
  );
});
