// SPDX-License-Identifier: BSD-2-Clause
// What the commands print: exact JSON, aligned columns, no control characters from outside.
import test from 'ava';
import type { HavipStatus } from '../../src/api/types.js';
import { eventJson, eventText } from '../../src/cli/events.js';
import { rfc3339, toJson, type Json } from '../../src/cli/json.js';
import { escapeControl, plainTable, renderTable, screenOf } from '../../src/cli/render.js';
import { notes, sorted, statusJson } from '../../src/cli/status.js';
import type { EventRecord } from '../../src/observe/messages.js';

const json = test.macro({
  exec: (t, value: Json, expected: string) => t.is(toJson(value), expected),
  title: (_, value, expected) => `JSON of ${typeof value} ${expected}`,
});

test(json, 18446744073709551615n, '18446744073709551615');
test(json, -1n, '-1');
test(json, 'a"b\n\u001b', '"a\\"b\\n\\u001b"');
test(json, [1, null, true, []], '[1,null,true,[]]');
test(json, { a: 1n, left: undefined, 'k"': {} }, '{"a":1,"k\\"":{}}');
test(json, Number.NaN, 'null');

const time = test.macro((t, wallNs: bigint, expected: string) => t.is(rfc3339(wallNs), expected));
test('a time keeps its nanoseconds', time, 1_795_399_389_123_456_789n, '2026-11-23T02:03:09.123456789Z');
test('a fraction keeps its leading zeros', time, 1_000_000_001n, '1970-01-01T00:00:01.000000001Z');
test('zero is 1970', time, 0n, '1970-01-01T00:00:00.000000000Z');

const escaped = test.macro((t, text: string, expected: string) => t.is(escapeControl(text), expected));
test('an escape sequence stays on the page', escaped, 'tap\x1b[31m', 'tap\\x1b[31m');
test('a line feed does not break a row', escaped, 'a\nb\r', 'a\\x0ab\\x0d');
test('C1 and DEL', escaped, '\x7f\x9b', '\\x7f\\x9b');
test('marks that turn text round', escaped, 'a\u202eb\u2066', 'a\\u202eb\\u2066');
test('umlauts and Chinese are text', escaped, 'müller 网络', 'müller 网络');

test('plain columns are aligned, numbers to the right, without trailing blanks', (t) => {
  const columns = [{ name: 'PORT' }, { name: 'N', right: true }, { name: 'WHY' }];
  const rows = [
    ['tap-long', '7', 'x'],
    ['t', '1234', ''],
  ];
  t.is(
    plainTable(columns, rows),
    ['PORT         N  WHY', 'tap-long     7  x', 't         1234', ''].join('\n'),
  );
});

test('a pipe gets no colour and no frame, a terminal both, NO_COLOR a frame alone', async (t) => {
  const columns = [{ name: 'STATE' }];
  const table = (terminal: boolean, color: boolean) =>
    renderTable(columns, [['un\x1bheld']], { terminal, color }, () => 'red');
  t.is(await table(false, false), 'STATE\nun\\x1bheld\n');
  t.regex(await table(true, true), /\x1b\[31mun\\x1bheld/);
  const framed = await table(true, false);
  t.regex(framed, /│ un\\x1bheld │/);
  t.notRegex(framed, /\x1b/);
});

const colors = test.macro((t, isTTY: boolean, env: NodeJS.ProcessEnv, expected: boolean) =>
  t.is(screenOf({ isTTY }, env).color, expected),
);
test('colours on a terminal', colors, true, {}, true);
test('no colours in a pipe', colors, false, {}, false);
test('NO_COLOR: none', colors, true, { NO_COLOR: '1' }, false);
test('NO_COLOR, empty, says nothing', colors, true, { NO_COLOR: '' }, true);
test('FORCE_COLOR: in a pipe too', colors, false, { FORCE_COLOR: '1' }, true);
test('FORCE_COLOR=0: none', colors, true, { FORCE_COLOR: '0' }, false);
test('NO_COLOR beats FORCE_COLOR', colors, true, { NO_COLOR: '1', FORCE_COLOR: '1' }, false);
test('a dumb terminal has none', colors, true, { TERM: 'dumb' }, false);

test('a colour moves no column of a plain table', async (t) => {
  const columns = [{ name: 'STATE' }, { name: 'N', right: true }];
  const table = await renderTable(
    columns,
    [
      ['unheld', '7'],
      ['held', '12'],
    ],
    { terminal: false, color: true },
    ([state]) => (state === 'unheld' ? 'yellow' : null),
  );
  t.is(table, 'STATE    N\n\x1b[33munheld   7\x1b[39m\nheld    12\n');
});

const row = (network: string, subnet: string, address: string): HavipStatus => ({
  ...{ network, subnet, address, state: 'unheld', holder: null, moves: 0 },
  ...{ packets: 0n, bytes: 0n, savedPackets: 0n, unheldPackets: 0n, origin: 'file' },
});

test('status is sorted by network, subnet, family and number', (t) => {
  const rows = [
    row('red', 'a', '10.0.0.1'),
    row('blue', 'b', 'fd00::1'),
    row('blue', 'b', '10.0.0.10'),
    row('blue', 'b', '10.0.0.9'),
  ];
  const order = ['10.0.0.9', '10.0.0.10', 'fd00::1', '10.0.0.1'];
  t.deepEqual(sorted(rows).map(({ address }) => address), order); // prettier-ignore
});

test('status --json has the keys that are fixed for users, in their order', (t) => {
  const holder = { port: 'tap-a', mac: '02:00:00:00:00:0a', location: 'local', by: 'arp-reply' } as const;
  const times = { sinceNs: 2n ** 60n, sinceWallNs: 1_000_000_001n };
  const held = {
    ...row('blue', 'web', '10.0.1.50'),
    state: 'held',
    holder: { ...holder, ...times },
  } as const;
  t.is(
    statusJson([{ ...held, packets: 2n ** 63n }]),
    '[\n{"network":"blue","subnet":"web","address":"10.0.1.50","state":"held","holder":{"port":"tap-a",' +
      '"mac":"02:00:00:00:00:0a","location":"local","since":"1970-01-01T00:00:01.000000001Z",' +
      '"sinceNs":1152921504606846976,"by":"arp-reply"},"moves":0,"packets":9223372036854775808,"bytes":0,' +
      '"savedPackets":0,"origin":"file"}\n]',
  );
  t.is(statusJson([]), '[]');
  t.regex(statusJson([row('blue', 'web', '10.0.1.51')]), /"holder":null,/);
});

test('absent ports and a stale configuration are said below the table', (t) => {
  const config = {
    stale: true,
    path: '/etc/havip.yaml',
    loadedWallNs: 0n,
    problems: ['/etc/havip.yaml:3:1: bad'],
  };
  const conflicts = ['10.0.1.60 (blue/\u202eweb): gone'];
  const text = notes({ absent: [{ kind: 'uplink', name: 'eth\x1b9' }], ports: [], config, conflicts });
  t.regex(text, /^absent: uplink eth\\x1b9/);
  t.regex(text, /stale: \/etc\/havip.yaml.*\n {2}\/etc\/havip.yaml:3:1: bad\n/);
  t.regex(text, /defined at run time, but not in force: 10.0.1.60 \(blue\/\\u202eweb\): gone\n$/);
  const well = { ...config, stale: false, problems: [] };
  t.is(notes({ absent: [], ports: [], config: well, conflicts: [] }), '');
});

const MOVE: EventRecord = {
  ...{ seq: 12, kind: 'move', timeNs: 2n ** 60n, wallNs: 1_000_000_001n },
  ...{ network: 'blue', subnet: 'web', address: '10.0.1.50' },
  from: { port: 'tap-a', mac: '02:00:00:00:00:0a' },
  to: { port: 'tap-b', mac: '02:00:00:00:00:0b' },
  ...{ reason: 'arp-reply', count: 1, repointNs: 55_200n },
};

test('an event is one JSON object with the keys that are fixed for users', (t) => {
  t.is(
    eventJson(MOVE),
    '{"seq":12,"time":"1970-01-01T00:00:01.000000001Z","timeNs":1152921504606846976,"kind":"move",' +
      '"network":"blue","subnet":"web","address":"10.0.1.50","from":{"port":"tap-a","mac":"02:00:00:00:00:0a"},' +
      '"to":{"port":"tap-b","mac":"02:00:00:00:00:0b"},"reason":"arp-reply","count":1,"repointNs":55200}',
  );
});

const eventLine = test.macro((t, change: Partial<EventRecord>, expected: string) =>
  t.is(
    eventText({ ...MOVE, ...change })
      .replace(/^\S+ +/, '')
      .replaceAll(/ {2,}/g, '  '),
    expected,
  ),
);
test(
  'a move as a line',
  eventLine,
  {},
  'move  10.0.1.50 blue/web  tap-a 02:00:00:00:00:0a -> tap-b 02:00:00:00:00:0b  arp-reply  re-point 55.2 µs',
);
test(
  'a release as a line',
  eventLine,
  { kind: 'release', to: null, reason: 'port-down', repointNs: null },
  'release  10.0.1.50 blue/web  tap-a 02:00:00:00:00:0a -> nobody  port-down',
);
test(
  'refusals as a line',
  eventLine,
  { kind: 'refuse', from: null, reason: 'not-member', count: 17, repointNs: null },
  'refuse  10.0.1.50 blue/web  tap-b 02:00:00:00:00:0b  not-member  x17',
);
test(
  'a guest’s escape sequence in a port’s name',
  eventLine,
  {
    kind: 'attach',
    address: '',
    from: null,
    to: { port: 'tap\x1b]0', mac: '' },
    reason: 'tc',
    repointNs: null,
  },
  'attach  tap\\x1b]0  tc',
);
