// SPDX-License-Identifier: BSD-2-Clause
// Which capabilities are missing, from the kernel's own text.
import test from 'ava';
import { missingCapabilities, requireCapabilities } from '../../src/control/capabilities.js';
import { HavipError } from '../../src/errors.js';

const missing = (effective: string): string[] => missingCapabilities(effective).map(({ name }) => name);

test('root lacks nothing', (t) => t.deepEqual(missing('000001ffffffffff'), []));
test('nobody lacks all four', (t) => {
  t.deepEqual(missing('0000000000000000'), ['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_PERFMON', 'CAP_BPF']);
});
test('the four alone are enough', (t) => t.deepEqual(missing('000000c000003000'), []));
test('CAP_SYS_ADMIN stands for the two that came after it', (t) => {
  t.deepEqual(missing('0000000000203000'), []);
  t.deepEqual(missing('0000000000200000'), ['CAP_NET_ADMIN', 'CAP_NET_RAW']);
});
test('the error names what is missing, and how to give it', (t) => {
  const error = t.throws(() => requireCapabilities('Name:\tnode\nCapEff:\t0000008000003000\n'), {
    instanceOf: HavipError,
  });
  t.is(error.message, 'havip run lacks CAP_PERFMON (to load programs that read packets by pointer)');
  t.is(error.code, 'PERMISSION');
  t.regex(error.cure ?? '', /--ambient-caps=\+net_admin,\+net_raw,\+perfmon,\+bpf/);
});
