// SPDX-License-Identifier: BSD-2-Clause
// One list of error codes: each crosses the API and comes back as itself, with its words and its cure, and is in the
// .proto file; and whatever somebody chose is in it without its control characters.
import { readFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import test from 'ava';
import { codeOf, STATUS_BY_CODE } from '../../src/api/status.js';
import { ERROR_CODES, HavipError } from '../../src/errors.js';
import { FakeSource } from './api-source.js';
import { serve } from './api-server.js';

const PROTO = readFileSync(new URL('../../src/api/havip.proto', import.meta.url), 'utf8');

test('a code for each status, and a status for each code', (t) => {
  t.is(new Set(Object.values(STATUS_BY_CODE)).size, ERROR_CODES.length);
  for (const code of ERROR_CODES) t.is(codeOf(STATUS_BY_CODE[code]), code);
  t.is(codeOf(status.UNIMPLEMENTED), 'FAILED', 'what only gRPC says');
  t.is(codeOf(undefined), 'FAILED');
});

for (const code of ERROR_CODES) {
  test(`${code} arrives as ${code}, and the .proto file explains it`, async (t) => {
    const source = new FakeSource();
    const { client } = await serve(t, source);
    source.replies.addHavip = new HavipError(code, 'it cannot be', { cure: 'try thīs' });
    const error = await t.throwsAsync(client.addHavip({ address: '10.0.1.60' }), { instanceOf: HavipError });
    t.is(error?.code, code);
    // Of a deadline the client knows better than the server.
    if (code !== 'TIMEOUT') {
      t.is(error?.message, 'it cannot be');
      t.is(error?.cure, 'try thīs');
    }
    t.regex(PROTO, new RegExp(`^//   ${status[STATUS_BY_CODE[code]]} +\\S`, 'm'));
  });
}

const NASTY: readonly (readonly [name: string, text: string, escaped: string])[] = [
  ['an escape sequence', 'a\x1b[31mb', 'a\\u{1b}[31mb'],
  ['a line break within CR', 'a\rb', 'a\\u{d}b'],
  ['a right-to-left mark', 'a\u202eb', 'a\\u{202e}b'],
  ['half a character', 'a\ud800b', 'a\\u{d800}b'],
  ['a way out of a folder', '../../etc/passwd', '../../etc/passwd'],
];

for (const [name, text, escaped] of NASTY) {
  test(`an error that quotes ${name} arrives escaped`, async (t) => {
    const source = new FakeSource();
    const { client } = await serve(t, source);
    source.replies.addHavip = new HavipError('USAGE', `first\n${text}`, { cure: text });
    const error = await t.throwsAsync(client.addHavip({}), { instanceOf: HavipError });
    t.is(error?.message, `first\n${escaped}`);
    t.is(error?.cure, escaped);
  });
}

test('an error without end is cut, and arrives', async (t) => {
  const source = new FakeSource();
  const { client } = await serve(t, source);
  source.replies.addHavip = new HavipError('USAGE', '\u202e'.repeat(1_000_000));
  const error = await t.throwsAsync(client.addHavip({}), { instanceOf: HavipError });
  t.is(error?.code, 'USAGE');
  t.regex(error?.message ?? '', /\.\.\.$/);
});
