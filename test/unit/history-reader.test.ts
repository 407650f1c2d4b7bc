// SPDX-License-Identifier: BSD-2-Clause
// The history's readers: from either end, filtered, past damage, and never more of it than asked for.
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import type { HistoryFilter } from '../../src/history/filter.js';
import {
  findDossiers,
  lastEvents,
  lastSeq,
  readHistory,
  readTail,
  type Damage,
} from '../../src/history/reader.js';
import { encodeDossier, encodeEvent } from '../../src/history/records.js';
import { segmentAt } from '../../src/history/segments.js';
import type { EventRecord } from '../../src/observe/messages.js';
import { dossier } from './dossiers.js';
import { event, folderFor, header, range, THREE_NS } from './history-records.js';

const seqs = (events: Iterable<EventRecord>): number[] => [...events].map(({ seq }) => seq);
const wall = (seq: number): bigint => THREE_NS + BigInt(seq) * 1_000_000_000n;

function write(folder: string, number: number, ...records: readonly Buffer[]): void {
  writeFileSync(segmentAt(folder, number).path, Buffer.concat(records));
}

/** Events 1 to 9 in three segments, a dossier for every third. */
function logOf(t: ExecutionContext): string {
  const folder = folderFor(t);
  for (let i = 0; i < 3; i++) {
    const from = 3 * i + 1;
    const events = range(from, from + 2).map(encodeEvent);
    const moved = encodeDossier(dossier({ id: from, address: `10.0.1.5${i}` }));
    write(folder, i + 1, header({ wallNs: wall(from) }), ...events, moved);
  }
  return folder;
}

test('from either end', (t) => {
  const folder = logOf(t);
  t.deepEqual([...readHistory(folder)], range(1, 9));
  t.deepEqual(seqs(readHistory(folder, {}, { newestFirst: true })), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
  t.deepEqual(seqs(lastEvents(folder, 4)), [6, 7, 8, 9]);
  t.deepEqual(seqs(lastEvents(folder, 0)), []);
  t.is(lastSeq(folder), 9);
});

test('what a start brings back: the newest events, and the dossiers among them', (t) => {
  const { events, dossiers } = readTail(logOf(t), 4);
  t.deepEqual(seqs(events), [6, 7, 8, 9]);
  t.deepEqual(
    dossiers.map(({ id }) => id),
    [4, 7],
  );
});

test('the last few are had without touching the older segments', (t) => {
  const folder = logOf(t);
  const oldest = segmentAt(folder, 1).path;
  rmSync(oldest);
  // Whoever reads it fails.
  mkdirSync(oldest);
  t.deepEqual(seqs(lastEvents(folder, 4)), [6, 7, 8, 9]);
  t.is(lastSeq(folder), 9);
  t.is(readTail(folder, 5).events.length, 5);
  t.throws(() => lastEvents(folder, 7), { code: 'EISDIR' });
});

test('no folder, and an empty one: nothing', (t) => {
  const folder = folderFor(t);
  t.deepEqual([...readHistory(`${folder}/none`)], []);
  t.deepEqual([lastSeq(folder), findDossiers(folder, {}).length], [0, 0]);
});

const filtered = test.macro({
  exec(t: ExecutionContext, _: string, filter: HistoryFilter, expected: number[]) {
    const folder = folderFor(t);
    const kinds = ['move', 'bind', 'refuse'] as const;
    const events = range(1, 9).map((one, i) =>
      event(one.seq, { kind: kinds[i % 3] ?? 'move', address: i < 6 ? '10.0.1.50' : 'fd00:1::50' }),
    );
    write(folder, 1, header(), ...events.map(encodeEvent));
    t.deepEqual(seqs(readHistory(folder, filter)), expected);
    t.deepEqual(seqs(readHistory(folder, filter, { newestFirst: true })), expected.toReversed());
  },
  title: (_, name) => `filter: ${name}`,
});

test(filtered, 'none', {}, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
test(filtered, 'since, that instant included', { sinceNs: wall(7) }, [7, 8, 9]);
test(filtered, 'until, that instant included', { untilNs: wall(2) }, [1, 2]);
test(filtered, 'both', { sinceNs: wall(3) + 1n, untilNs: wall(6) - 1n }, [4, 5]);
test(filtered, 'address', { address: 'fd00:1::50' }, [7, 8, 9]);
test(filtered, 'kinds', { kinds: new Set(['move', 'refuse'] as const) }, [1, 3, 4, 6, 7, 9]);
test(filtered, 'number', { afterSeq: 2, upToSeq: 4 }, [3, 4]);
test(filtered, 'nothing is left', { sinceNs: wall(99) }, []);

test('segments that were closed long before are not even opened', (t) => {
  const folder = folderFor(t);
  const hour = 3_600_000_000_000n;
  write(folder, 1, Buffer.from('not a segment'));
  write(folder, 2, header({ wallNs: wall(0) }), encodeEvent(event(1)));
  write(
    folder,
    3,
    header({ wallNs: wall(0) + hour }),
    encodeEvent(event(2, { wallNs: wall(0) + 2n * hour })),
  );
  const opened: string[] = [];
  const onDamage = ({ path }: Damage): void => void opened.push(path);
  t.deepEqual(seqs(readHistory(folder, { sinceNs: wall(1) + hour }, { onDamage })), [2]);
  t.deepEqual(opened, []);
  t.deepEqual(seqs(readHistory(folder, { sinceNs: wall(0) }, { onDamage })), [1, 2]);
  t.is(opened.length, 1);
});

test('damage costs the rest of its segment, and is told', (t) => {
  const folder = logOf(t);
  const { path } = segmentAt(folder, 2);
  const bytes = readFileSync(path);
  const kept = header({ wallNs: wall(4) }).length + encodeEvent(event(4)).length;
  bytes.writeUInt8(bytes[kept + 9] === 0 ? 1 : 0, kept + 9);
  writeFileSync(path, bytes);
  appendFileSync(segmentAt(folder, 3).path, 'cut');
  const told: Damage[] = [];
  const onDamage = (damage: Damage): void => void told.push(damage);
  t.deepEqual(seqs(readHistory(folder, {}, { onDamage })), [1, 2, 3, 4, 7, 8, 9]);
  t.like(told[0], { path, offsetBytes: kept, lostBytes: bytes.length - kept, tail: false });
  t.like(told[1], { lostBytes: 3, tail: true });
});

test('a segment in another format is left alone, and told', (t) => {
  const folder = logOf(t);
  write(folder, 4, header({ format: 2 }), encodeEvent(event(10)));
  const told: Damage[] = [];
  t.deepEqual(seqs(lastEvents(folder, 1, {}, (damage) => told.push(damage))), [9]);
  t.like(told, { 0: { offsetBytes: 0 }, length: 1 });
});

test('a segment that is rotated away under the reader is passed over', (t) => {
  const folder = logOf(t);
  const reading = readHistory(folder);
  reading.next();
  rmSync(segmentAt(folder, 2).path);
  t.deepEqual(seqs(reading), [2, 3, 7, 8, 9]);
});

test('dossiers by move, by address, and the last; the newest word about one counts', (t) => {
  const folder = logOf(t);
  appendFileSync(
    segmentAt(folder, 3).path,
    encodeDossier(dossier({ id: 7, advice: 'new', address: '10.0.1.52' })),
  );
  const ids = (query: Parameters<typeof findDossiers>[1]): number[] =>
    findDossiers(folder, query).map(({ id }) => id);
  t.deepEqual(ids({}), [1, 4, 7]);
  t.deepEqual(ids({ last: 2 }), [4, 7]);
  t.deepEqual(ids({ id: 4 }), [4]);
  t.deepEqual(ids({ id: 5 }), []);
  t.deepEqual(ids({ address: '10.0.1.50' }), [1]);
  t.deepEqual(ids({ network: 'red' }), []);
  t.is(findDossiers(folder, { id: 7 })[0]?.advice, 'new');
});
