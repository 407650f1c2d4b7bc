// SPDX-License-Identifier: BSD-2-Clause
// `havip replay`: a capture made by hand, in each dialect of the format, through programs and model.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { HavipError } from '../../src/errors.js';
import { announcement } from '../../src/lab/frames.js';
import { Arena } from '../../src/replay/arena.js';
import { readPcap } from '../../src/replay/pcap.js';
import { Replay } from '../../src/replay/replay.js';
import { ipv4 } from './frames.js';
import { packet4 } from './names.js';
import { V4, V6 } from './world.js';

const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const [A, B] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b'];

interface Dialect {
  readonly bigEndian?: boolean;
  readonly nanoseconds?: boolean;
  readonly link?: number;
}

/** One frame a second, from the second 1,700,000,000 and 250 milliseconds. */
function pcap(
  frames: readonly string[],
  { bigEndian = false, nanoseconds = false, link = 1 }: Dialect = {},
): Buffer {
  const words = (...values: number[]): Buffer => {
    const out = Buffer.alloc(4 * values.length);
    values.forEach((value, at) =>
      bigEndian ? out.writeUInt32BE(value, 4 * at) : out.writeUInt32LE(value, 4 * at),
    );
    return out;
  };
  const magic = nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4;
  const version = bigEndian ? 0x00020004 : 0x00040002;
  const records = frames.flatMap((hex, at) => {
    const frame = Buffer.from(hex, 'hex');
    const part = nanoseconds ? 250_000_000 : 250_000;
    return [words(1_700_000_000 + at, part, frame.length, frame.length), frame];
  });
  return Buffer.concat([words(magic, version, 0, 0, 65_535, link), ...records]);
}

const FAILOVER = [
  announcement(V4, A, 'request'),
  announcement(V4, A, 'request'),
  announcement(V6, A, 'request'),
  announcement('10.0.1.99', B, 'request'),
  announcement(V4, B, 'reply'),
  announcement(V6, B, 'request').replace(B.replaceAll(':', ''), A.replaceAll(':', '')),
];

for (const dialect of [
  {},
  { bigEndian: true },
  { nanoseconds: true },
  { bigEndian: true, nanoseconds: true },
]) {
  test(`frames and times of ${JSON.stringify(dialect)}`, (t) => {
    const read = [...readPcap(pcap(FAILOVER, dialect), 'x.pcap')];
    t.deepEqual(
      read.map(({ frame }) => frame.toString('hex')),
      FAILOVER,
    );
    t.is(read[1]?.wallNs, 1_700_000_001_250_000_000n);
  });
}

test('each frame about a HAVIP is told, and the two agree', (t) => {
  const arena = new Arena([V4, V6]);
  t.teardown(() => arena.close());
  const replay = new Replay(arena, [V4, V6], process.hrtime.bigint);
  const lines = [...readPcap(pcap(FAILOVER), 'x.pcap')].flatMap((frame) => replay.put(frame));
  t.deepEqual(
    lines.map(
      ({ number, address, kind, result, holder }) =>
        `${number} ${address} ${kind} ${result} ${holder ?? '-'}`,
    ),
    [
      `1 ${V4} arp-request bind ${A}`,
      `2 ${V4} arp-request refresh ${A}`,
      `3 ${V6} na bind ${A}`,
      `5 ${V4} arp-reply move ${B}`,
      // Its source is another's than the option's.
      `6 ${V6} na refused-spoof ${A}`,
    ],
  );
  t.deepEqual(replay.totals, { frames: 6, announcements: 5, steered: 0, differences: 0, cut: 0 });
});

test('adverts are told for each address, and data is compared byte for byte', (t) => {
  const arena = new Arena([V4, V6]);
  t.teardown(() => arena.close());
  const replay = new Replay(arena, [V4, V6], process.hrtime.bigint);
  const data = packet4().toString('hex');
  const frames = [announcement(V4, A, 'request'), vrrp(V4, '10.0.1.99', V4), data];
  const lines = [...readPcap(pcap(frames), 'x.pcap')].flatMap((frame) => replay.put(frame));
  t.deepEqual(
    lines.map(({ number, address, kind, result }) => `${number} ${address} ${kind} ${result}`),
    [`1 ${V4} arp-request bind`, `2 ${V4} vrrp-advert observed`, `2 ${V4} vrrp-advert observed`],
  );
  t.like(replay.totals, { frames: 3, announcements: 2, steered: 1, differences: 0 });
});

test('a model that errs is told, with both opinions', (t) => {
  const arena = new Arena([V4]);
  t.teardown(() => arena.close());
  const replay = new Replay(arena, [V4], process.hrtime.bigint);
  // The programs know of a holder that the model has not heard of.
  arena.addPort(9);
  arena.run(Buffer.from(announcement(V4, B, 'request'), 'hex'), 9);
  const [frame] = [...readPcap(pcap([announcement(V4, A, 'request')]), 'x.pcap')];
  if (!frame) return t.fail();
  t.regex(replay.put(frame)[0]?.difference ?? '', /^the programs: .* 1 moves; the model: .* 0 moves$/);
  t.is(replay.totals.differences, 1);
});

function vrrp(...addresses: string[]): string {
  const listed = addresses.map((address) => Buffer.from(address.split('.').map(Number)));
  const payload = Buffer.concat([Buffer.from([0x31, 51, 100, addresses.length, 0, 100, 0, 0]), ...listed]);
  const link = { to: '01:00:5e:00:00:12', from: A };
  const frame = ipv4(link, { source: '10.0.1.7', destination: '224.0.0.18', protocol: 112, payload });
  frame.writeUInt8(255, 14 + 8);
  return frame.toString('hex');
}

const refused = test.macro((t, file: Buffer, message: RegExp) => {
  const error = t.throws(() => [...readPcap(file, 'x.pcap')], { instanceOf: HavipError });
  t.regex(error.message, message);
});
test('an empty file', refused, Buffer.alloc(0), /no capture: it has 0 bytes/);
test('something else', refused, Buffer.alloc(64, 7), /no capture in the pcap format/);
test('pcapng', refused, Buffer.concat([Buffer.from('0a0d0d0a', 'hex'), Buffer.alloc(32)]), /pcapng format/);
test('no Ethernet', refused, pcap([], { link: 101 }), /link type 101/);
test('a cut end', refused, pcap(FAILOVER).subarray(0, -3), /ends in the middle of a frame/);

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (...argv: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(process.execPath, [CLI, 'replay', ...argv], (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });

test('the command: a table, lines of JSON, and errors with their codes', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/havip-replay-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = `${folder}/failover.pcap`;
  writeFileSync(file, pcap(FAILOVER));
  const table = await run(file, '--vip', V4, '--vip', V6);
  t.is(table.code, 0, table.stderr);
  t.regex(table.stdout, /arp-reply +move +02:00:00:00:00:0b/);
  t.regex(table.stdout, /6 frames, 5 about a HAVIP, 0 steered, 0 differences\n$/);
  const json = await run(file, '--vip', V4, '--json');
  const lines = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { result: string; time: string });
  t.deepEqual(
    lines.map(({ result }) => result),
    ['bind', 'refresh', 'move'],
  );
  t.is(lines[0]?.time, '2023-11-14T22:13:20.250000000Z');
  t.is((await run(file)).code, 2);
  t.is((await run(file, '--vip', 'x')).code, 2);
  t.is((await run(`${folder}/none`, '--vip', V4)).code, 1);
});
