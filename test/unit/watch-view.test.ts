// SPDX-License-Identifier: BSD-2-Clause
// What `havip watch` draws: whole frames, line by line, in every size, also with names that want to break them.
import test from 'ava';
import fc from 'fast-check';
import { initialState } from '../../src/watch/state.js';
import { cut, flow, lineText, lineWidth, pad, textWidth } from '../../src/watch/text.js';
import { resized, told } from '../../src/watch/update.js';
import { frame } from '../../src/watch/view.js';
import { ageText, countText, durationText, rateText } from '../../src/watch/words.js';
import { dossier } from './dossiers.js';
import { DAEMON, event, look, NOW_MS, press, row, ROWS, screen, watched } from './watch-fixtures.js';

test('80x24: trouble first, ports, events, keys', (t) => {
  t.deepEqual(screen(watched()), [
    'havip 0.1.0  pid 4711  up 1d01h                                     03:12:41 UTC',
    '1 unheld  2 held  by state',
    '  ADDRESS     STATE   HOLDER  SUBNET       AGE  MOVES    PKT/S',
    '> 10.0.1.51   unheld  -       blue/web       -      0        -',
    '  10.0.1.50   held    tap-a   blue/web   3m12s      1    1,234',
    '  fd00:1::50  held    tap-a   blue/web   3m12s      0      3.3',
    `-- ports ${'-'.repeat(71)}`,
    'eth1 uplink xdp DOWN  tap-a tc',
    '',
    `-- events ${'-'.repeat(70)}`,
    '03:12:31.000 move        10.0.1.50 tap-b -> tap-a arp-request in 2.3 us',
    '03:12:31.000 refuse      10.0.1.50 tap-c not-member x17',
    ...Array.from({ length: 11 }, () => ''),
    'q quit  ? help  / filter  s sort  r reverse  space freeze  Enter details',
  ]);
});

test('40x10: nothing breaks a line, what matters stays', (t) => {
  t.deepEqual(screen(watched({ columns: 40, rows: 10 })), [
    'havip 0.1.0  pid 4711       03:12:41 UTC',
    '1 unheld  2 held  by state',
    '  ADDRESS     STATE   HOLDER    PKT/S',
    '> 10.0.1.51   unheld  -             -',
    '  10.0.1.50   held    tap-a     1,234',
    '  fd00:1::50  held    tap-a       3.3',
    'eth1 uplink xdp DOWN  tap-a tc',
    '03:12:31 move    10.0.1.50 tap-b -> tap~',
    '03:12:31 refuse  10.0.1.50 tap-c not-me~',
    'q quit  ? help  / filter  s sort  r rev~',
  ]);
});

test('a daemon that is gone: the last picture, grey, with its age', (t) => {
  const gone = told(watched(), { type: 'gone', gone: { sinceMs: NOW_MS, why: '' } });
  const lines = frame(gone, NOW_MS + 65_000);
  t.is(
    lineText(lines[1] ?? [], false),
    'DAEMON GONE 1m05s, this is 1m05s old; asking again  1 unheld  2 held  by state',
  );
  const others = lines.filter((_, at) => at !== 1).flat();
  t.true(others.every(({ style }) => style === 'grey'));
  t.deepEqual(
    told(gone, { type: 'gone', gone: { sinceMs: NOW_MS + 9_000, why: '' } }).gone,
    gone.gone,
    'since it went, not since it was last asked',
  );
  t.is(told(gone, { type: 'back' }).gone, null);
});

test('a daemon that hangs is told from one that answers by the age of what is seen', (t) => {
  t.notRegex(screen(watched(), NOW_MS + 3_900)[1] ?? '', /NO ANSWER/);
  t.regex(screen(watched(), NOW_MS + 4_100)[1] ?? '', /^NO ANSWER: this is 4s old/);
  const slow = watched(undefined, { everyMs: 20_000 });
  t.notRegex(screen(slow, NOW_MS + 22_000)[1] ?? '', /NO ANSWER/);
  t.regex(screen(slow)[1] ?? '', /every 20s/);
});

test('a frozen picture does not age', (t) => {
  const frozen = press(watched(), 'space');
  const [before, after] = [screen(frozen), screen(frozen, NOW_MS + 100_000)];
  t.regex(after[1] ?? '', /^FROZEN 1m40s, space goes on/);
  t.deepEqual(after.slice(2), before.slice(2));
});

test('before the first answer, without HAVIPs, and without a match', (t) => {
  const size = { columns: 80, rows: 24 };
  t.is(screen(initialState(size))[3], '  asking the daemon ...');
  const none = told(initialState(size), { type: 'look', look: look([]) });
  t.is(screen(none)[3], '  no HAVIP is configured here');
  t.is(screen(press(watched(), '/', 'x', 'enter'))[3], '  no HAVIP matches "x"   (Esc shows all)');
});

test('a wide screen says more, a long list what it holds back', (t) => {
  const wide = screen(watched({ columns: 120, rows: 24 }));
  t.is(
    wide[2],
    '  ADDRESS     STATE   HOLDER  MAC                SUBNET    BY              AGE  MOVES    PKT/S      SAVED',
  );
  const part = watched(undefined, { listed: 100_000, matching: 100_000 });
  t.regex(screen(part)[1] ?? '', /the first 3$/);
});

test('details: the holder, then the newest dossier with its stages on one time line', (t) => {
  const open = press(watched(), 'down', 'enter');
  const details = {
    ...{ subject: { network: 'blue', subnet: 'web', address: '10.0.1.50' }, atMs: NOW_MS },
    ...{ row: ROWS[0] ?? null, dossiers: [dossier({ id: 3 }), dossier({ id: 4, complete: true })] },
  };
  const lines = screen(told(open, { type: 'details', details }));
  t.deepEqual(lines.slice(2, 14), [
    '10.0.1.50  blue/web',
    'held, 1 moves',
    'held by tap-a 02:00:00:00:00:0a (local), by arp-request',
    'since 2026-11-25T03:09:29.000Z, 3m12s',
    '1,234 packets/s, 0 in all',
    '0 saved, 0 while unheld',
    '',
    'move 4  23:58:24.606 UTC  tap-a -> tap-b  arp-request',
    'outage by answers 3.211 s  guests 3.210 s  network 0.8 us  VRRP alone 3.609 s',
    `  notice guests    3.209 s  ${'#'.repeat(51)}`,
    `  wait   traffic    2.0 ms  ${' '.repeat(51)}#`,
    'advice: set advert_int to 0.1',
  ]);
  t.regex(lines.join('\n'), /\nmove 3 /);
});

test('a guest’s control characters, right-to-left marks and wide names stay in their cells', (t) => {
  const holder = { ...row('10.0.1.50').holder, port: 'tap\x1b[2J\u202e' };
  const evil = row('10.0.1.50', { holder: holder as never, network: '网络' });
  const state = told(initialState({ columns: 80, rows: 24 }), { type: 'look', look: look([evil]) });
  const lines = frame(state, NOW_MS);
  t.true(lines.every((line) => line.every(({ text }) => !/[\x00-\x1f\x7f\u202e]/.test(text))));
  const [heading = [], body = []] = lines.slice(2, 4);
  t.regex(lineText(body, false), /tap\\x1b\[2J\\u202e {2}网络\/web/);
  t.is(lineWidth(body), lineWidth(heading) - 2, 'columns end where the heading does');
});

test('every frame has the lines of its screen, none wider than it', (t) => {
  const name = fc.string({ unit: 'grapheme', maxLength: 20 });
  const size = fc.record({
    columns: fc.integer({ min: 1, max: 200 }),
    rows: fc.integer({ min: 1, max: 60 }),
  });
  const keys = fc.array(fc.constantFrom('enter', '?', '/', 'x', 'down', 'space', 'escape', 's'), {
    maxLength: 6,
  });
  const property = fc.property(
    size,
    fc.array(name, { maxLength: 30 }),
    keys,
    (screenSize, names, pressedKeys) => {
      const rows = names.map((port, at) => {
        const holder = { ...row('10.0.0.1').holder, port };
        return row(`10.0.0.${at}`, { holder: holder as never, subnet: port });
      });
      let state = told(initialState(screenSize), { type: 'look', look: look(rows) });
      const events = names.map((port, at) => event(at + 1, { to: { port, mac: '' } }));
      state = press(told(state, { type: 'events', events, lost: 0n }), ...pressedKeys);
      const lines = frame(resized(state, screenSize), NOW_MS);
      t.is(lines.length, screenSize.rows);
      t.true(lines.every((line) => lineWidth(line) <= screenSize.columns));
    },
  );
  fc.assert(property, { numRuns: 300 });
});

const width = test.macro((t, text: string, cells: number) => t.is(textWidth(text), cells));
test('ASCII is a cell each', width, 'tap-a', 5);
test('Chinese, Japanese and Korean are two', width, '网络テ한', 8);
test('an accent that combines has none', width, 'e\u0301', 1);
test('an emoji is two', width, '🙂', 2);

test('a cut is marked, and never through a wide character', (t) => {
  t.is(cut('tap-a', 5), 'tap-a');
  t.is(cut('tap-ab', 5), 'tap-~');
  t.is(cut('网络网', 4), '网~');
  t.is(pad('网络网', 4), '网~ ');
  t.is(cut('a', 0), '');
});

test('what lines cannot take is counted', (t) => {
  const items = ['aaa', 'bbb', 'ccc', 'ddd', 'eee'].map((text) => ({ text }));
  const texts = flow(items, 10, 2).map((line) => lineText(line, false));
  t.deepEqual(texts, ['aaa  bbb', 'ccc  +2']);
  t.deepEqual(flow(items, 30, 1).map(lineWidth), [23]);
});

test('numbers and times as words', (t) => {
  t.deepEqual([0, 59_999, 60_000, 3_600_000, 90_000_000].map(ageText), [
    '0s',
    '59s',
    '1m00s',
    '1h00m',
    '1d01h',
  ]);
  t.deepEqual([0, 999, 1_000, 1_234_567n].map(countText), ['0', '999', '1,000', '1,234,567']);
  t.deepEqual([null, 0, 0.25, 9.94, 10, 1234.5].map(rateText), ['-', '0', '0.3', '9.9', '10', '1,235']);
  t.deepEqual([null, 800n, 12_300_000n, 3_210_000_000n].map(durationText), [
    '-',
    '0.8 us',
    '12.3 ms',
    '3.210 s',
  ]);
});

test('a port without a program says why; absent ones are named', (t) => {
  const daemon = {
    ...DAEMON,
    ports: DAEMON.ports.map((port) => ({ ...port, failure: port.name === 'tap-a' ? 'busy' : null })),
    absent: [{ kind: 'uplink', name: 'eth9' }] as const,
  };
  const lines = screen(watched(undefined, { daemon }));
  t.is(lines[7], 'tap-a NOT ATTACHED: busy  eth1 uplink xdp DOWN  eth9 ABSENT uplink');
});
