// SPDX-License-Identifier: BSD-2-Clause
// Whose requests the status page answers: a site that makes its own name resolve to loopback gets nothing.
import test from 'ava';
import { isForeign, isOurHost } from '../../src/observe/page/hosts.js';

type Case = [host: string, bound?: string, local?: string];

const answered = test.macro<Case>({
  title: (_, ...one) => `answered: Host ${one.join(', bound ')}`,
  exec: (t, host, bound = '127.0.0.1', local = '127.0.0.1') => t.true(isOurHost(host, bound, local)),
});
const refused = test.macro<Case>({
  title: (_, ...one) => `refused: Host ${one.join(', bound ')}`,
  exec: (t, host, bound = '127.0.0.1', local = '127.0.0.1') => t.false(isOurHost(host, bound, local)),
});

test(answered, 'localhost:9478');
test(answered, 'LOCALHOST');
test(answered, 'localhost.:8080');
test(answered, '127.0.0.1:9478');
test(answered, '127.1.2.3');
test(answered, '[::1]:9478');
test(answered, '[::ffff:127.0.0.1]:9478');
test(answered, 'hypervisor-7:9478', 'Hypervisor-7');
test(answered, '10.0.0.7:9478', '0.0.0.0', '10.0.0.7');
test(answered, '10.0.0.7:9478', '::', '::ffff:10.0.0.7');
test(answered, '[fd00::7]:9478', '::', 'fd00::7');

test(refused, 'rebind.example:9478');
test(refused, 'localhost.example');
test(refused, 'mylocalhost');
test(refused, '127.0.0.1.example');
test(refused, '127.0.0.1@example.org');
test(refused, 'example.org#localhost');
test(refused, '10.0.0.7:9478');
test(refused, '0.0.0.0:9478', '127.0.0.1');
test(refused, '');
test(refused, 'localhost:9478:1');
test(refused, '[::1');

test('refused: no Host at all', (t) => t.false(isOurHost(undefined, '127.0.0.1', '127.0.0.1')));

test("a foreign page's scripts are told from a followed link, and from tools that are no browser", (t) => {
  const fetch = { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'empty' };
  t.true(isForeign({ 'sec-fetch-site': 'cross-site', ...fetch }));
  t.true(isForeign({ 'sec-fetch-site': 'same-site', ...fetch }));
  t.true(
    isForeign({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }),
  );
  t.false(isForeign({ 'sec-fetch-site': 'same-origin', ...fetch }));
  t.false(isForeign({ 'sec-fetch-site': 'none' }));
  t.false(isForeign({}));
  t.false(
    isForeign({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }),
  );
});
