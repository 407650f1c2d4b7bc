// SPDX-License-Identifier: BSD-2-Clause
// The support bundle's parts: an archive that the host's tar reads, secrets out, addresses masked alike, and nothing
// that fails takes the rest along.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { HavipError } from '../../src/errors.js';
import { contentsText, writeBundle, type Entry } from '../../src/support/bundle.js';
import { command, MAX_PART_BYTES, whole, type Part } from '../../src/support/collect.js';
import { AddressMask, REDACTED, redactConfig } from '../../src/support/redact.js';

function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'havip-support-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Unpacked {
  entries: Entry[];
  listing: string;
  read: (name: string) => string;
  path: string;
}

async function bundleOf(t: ExecutionContext, parts: Part[], redactAddresses = false): Promise<Unpacked> {
  const folder = folderFor(t);
  const path = join(folder, 'b.tar.gz');
  const entries = await writeBundle(parts, { path, name: 'b', redactAddresses, seconds: 1_795_575_600 });
  const listing = execFileSync('tar', ['-tvzf', path, '--utc', '--full-time'], { encoding: 'utf8' });
  execFileSync('tar', ['-xzf', path, '-C', folder]);
  return { entries, listing, path, read: (name) => readFileSync(join(folder, 'b', name), 'utf8') };
}

const part = (name: string, text: string): Part => ({ name, collect: () => whole(text) });

test('an archive that tar takes: names, contents, times, and modes for the owner alone', async (t) => {
  const long = 'x'.repeat(513);
  const { listing, read, path } = await bundleOf(t, [part('a.txt', 'one\n'), part('maps/b.json', long)]);
  t.is(read('a.txt'), 'one\n');
  t.is(read('maps/b.json'), long);
  t.regex(listing, /^-rw------- root\/root\s+4 2026-11-25 03:00:00 b\/a\.txt$/m);
  t.regex(listing, /b\/maps\/b\.json$/m);
  t.is(statSync(path).mode & 0o777, 0o600);
});

test('the contents name every part, and what became of it', async (t) => {
  const fails: Part = {
    name: 'status.json',
    collect: () => {
      throw new HavipError('NOT_RUNNING', 'no daemon answers at /run/x');
    },
  };
  const { read, entries, listing } = await bundleOf(t, [part('a.txt', 'one'), fails, part('empty', '')]);
  t.is(read('CONTENTS.txt'), contentsText(entries));
  t.regex(read('CONTENTS.txt'), /^a\.txt +3 bytes$/m);
  t.regex(read('CONTENTS.txt'), /^status\.json +not there: no daemon answers at \/run\/x$/m);
  t.regex(read('CONTENTS.txt'), /^empty +nothing to tell$/m);
  t.notRegex(listing, /status\.json/);
});

test('a part that is too large is cut, and that is said', async (t) => {
  const { entries, read } = await bundleOf(t, [
    part('big', 'y'.repeat(MAX_PART_BYTES + 1)),
    part('after', 'z'),
  ]);
  t.deepEqual(entries[0], { name: 'big', bytes: MAX_PART_BYTES, failure: 'cut after 10 MiB' });
  t.is(read('after'), 'z');
});

test('a file that is there is never written over', async (t) => {
  const path = join(folderFor(t), 'mine');
  writeFileSync(path, 'precious');
  const options = { path, name: 'b', redactAddresses: false, seconds: 0 };
  const error = await t.throwsAsync(writeBundle([], options), { instanceOf: HavipError });
  t.regex(error.message, /is there already/);
  t.regex(error.cure ?? '', /--output/);
  t.is(readFileSync(path, 'utf8'), 'precious');
});

test('a command: its output, how it ended, what it said, and where there is no such command', async (t) => {
  t.deepEqual(await command('echo', 'hello'), { text: 'hello\n', failure: null });
  t.deepEqual(await command('sh', '-c', 'echo out; echo why >&2; exit 3'), {
    text: 'out\n',
    failure: 'exit code 3: why',
  });
  t.regex((await command('no-such-command')).failure ?? '', /ENOENT/);
  const endless = await command('yes');
  t.is(endless.text.length, MAX_PART_BYTES);
  t.is(endless.failure, 'cut after 10 MiB');
});

const SECRETS = `
# password: in-a-comment
pinPath: /sys/fs/bpf/havip # token hidden-here
api:
  socket: /run/havip.sock
  authToken: s3cret-1
  tlsKey: |
    s3cret-2
    s3cret-2b
remote: { password: s3cret-3, url: "https://me:s3cret-4@host/x" }
"API-KEY": [s3cret-5]
clientSecret: &a s3cret-6
networks:
  - name: monkey
    subnets: []
`;

test('secrets are taken out of a configuration, all forms of YAML alike; the rest stays', (t) => {
  const redacted = redactConfig(SECRETS);
  t.notRegex(redacted, /s3cret|in-a-comment|hidden-here/);
  t.regex(redacted, /pinPath: \/sys\/fs\/bpf\/havip/);
  t.regex(redacted, /socket: \/run\/havip\.sock/);
  t.regex(redacted, /name: monkey/);
  t.is(redacted.split(REDACTED).length - 1, 6);
});

test('and out of a file that is no YAML', (t) => {
  const redacted = redactConfig(`${SECRETS}\n  broken: [\nmetrics:\n    listen: 127.0.0.1:9477\n`);
  t.notRegex(redacted, /s3cret|in-a-comment|hidden-here/);
  t.regex(redacted, /socket: \/run\/havip\.sock/);
  t.regex(redacted, /listen: 127\.0\.0\.1:9477/);
});

test('addresses are replaced, the same by the same, over all parts; what is everybody’s stays', async (t) => {
  const parts = [
    part('a', 'vip 10.0.1.50 at 02:00:00:00:00:0A (fe80::1%eth0), fd00:1::50/64 via 10.0.1.1/24\n'),
    part('b', '{"to":"10.0.1.50","mac":"02:00:00:00:00:0a","bridge":"8000.02:00:00:00:00:0a"}\n'),
    part(
      'c',
      '127.0.0.1:9477 0.0.0.0 :: ::1 ff:ff:ff:ff:ff:ff 2026-11-25T03:12:04.5Z [fd00:1::50]:80 6.18.44-fc\n',
    ),
  ];
  const { read } = await bundleOf(t, parts, true);
  t.is(read('a'), 'vip ipv4-1 at mac-1 (ipv6-1%eth0), ipv6-2/64 via ipv4-2/24\n');
  t.is(read('b'), '{"to":"ipv4-1","mac":"mac-1","bridge":"8000.mac-1"}\n');
  t.is(
    read('c'),
    '127.0.0.1:9477 0.0.0.0 :: ::1 ff:ff:ff:ff:ff:ff 2026-11-25T03:12:04.5Z [ipv6-2]:80 6.18.44-fc\n',
  );
});

test('a mask leaves words and numbers alone', (t) => {
  const text = 'havip_frames_total{port="tap-a"} 12 a::b::c deadbeef 1.2.3 1.2.3.4.5 map:bindings 12:30';
  t.is(new AddressMask().apply(text), text);
});
