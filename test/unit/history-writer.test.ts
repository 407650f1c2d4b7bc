// SPDX-License-Identifier: BSD-2-Clause
// The writer on a real folder: rotation, crashes, folders that cannot be written, and the numbers that go on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { lastSeq, readDossiers, readHistory } from '../../src/history/reader.js';
import { decodeHeader, encodeEvent } from '../../src/history/records.js';
import { scan } from '../../src/history/frames.js';
import { listSegments, segmentAt } from '../../src/history/segments.js';
import { HistoryWriter, type HistoryHealth, type HistoryLimits } from '../../src/history/writer.js';
import { DossierMemory } from '../../src/observe/dossiers.js';
import { History } from '../../src/observe/history.js';
import { HistoryKeeper } from '../../src/observe/keeper.js';
import { createLog } from '../../src/observe/log.js';
import type { EventRecord } from '../../src/observe/messages.js';
import { eventually } from '../support/lab.js';
import { dossier } from './dossiers.js';
import { event, folderFor, header, range, SMALL } from './history-records.js';

const seqs = (events: Iterable<EventRecord>): number[] => [...events].map(({ seq }) => seq);
const numbers = (from: number, to: number): number[] => seqs(range(from, to));

interface Written {
  writer: HistoryWriter;
  changes: HistoryHealth[];
}

function writerFor(t: ExecutionContext, folder: string, limits: Partial<HistoryLimits> = {}): Written {
  const changes: HistoryHealth[] = [];
  const onChange = (health: HistoryHealth): void => void changes.push(health);
  const writer = new HistoryWriter({ folder, header, onChange, limits: { ...SMALL, ...limits } });
  t.teardown(() => writer.stop());
  return { writer, changes };
}

const append = (writer: HistoryWriter, from: number, to: number): void =>
  writer.append(range(from, to).map(encodeEvent));

async function writeOnce(t: ExecutionContext, folder: string, from: number, to: number): Promise<number> {
  const { writer } = writerFor(t, folder);
  const cutBytes = writer.open();
  append(writer, from, to);
  await writer.stop();
  return cutBytes;
}

function keeperFor(
  t: ExecutionContext,
  folder: string,
): { keeper: HistoryKeeper; history: History; moves: DossierMemory } {
  const [history, moves] = [new History(), new DossierMemory()];
  const about = { folder, version: '0.1.0', startedWallNs: 1n, limits: SMALL };
  const log = createLog();
  log.level = 'silent';
  const keeper = new HistoryKeeper({ ...about, history, moves, log });
  t.teardown(() => keeper.stop());
  return { keeper, history, moves };
}

test('what was appended is there after the stop; folder and files are for root and its group', async (t) => {
  const folder = `${folderFor(t)}/a/state`;
  await writeOnce(t, folder, 1, 5);
  t.deepEqual([...readHistory(folder)], range(1, 5));
  t.is(statSync(folder).mode & 0o777, 0o750);
  t.is(statSync(segmentAt(folder, 1).path).mode & 0o777, 0o640);
});

test('a second run goes on in the same segment, behind a header of its own', async (t) => {
  const folder = folderFor(t);
  await writeOnce(t, folder, 1, 2);
  await writeOnce(t, folder, 3, 4);
  t.deepEqual(seqs(readHistory(folder)), [1, 2, 3, 4]);
  const bytes = readFileSync(segmentAt(folder, 1).path);
  const { starts, ends } = scan(bytes);
  const headers = starts.map((start, i) => decodeHeader(bytes.subarray(start, ends[i])));
  t.deepEqual(headers.map(Boolean), [true, false, false, true, false, false]);
});

test('full segments are followed by the next, each with a header, and the oldest leave', async (t) => {
  const folder = folderFor(t);
  const { writer } = writerFor(t, folder);
  writer.open();
  for (let seq = 1; seq <= 200; seq++) {
    append(writer, seq, seq);
    await eventually(`${seq} is written`, async () => lastSeq(folder) === seq);
  }
  const kept = listSegments(folder);
  t.is(kept.length, SMALL.segments);
  for (const { path } of kept) t.true(statSync(path).size <= SMALL.segmentBytes, path);
  const left = seqs(readHistory(folder));
  t.deepEqual(left, numbers(left[0] as number, 200), 'no gap at the seams');
  t.true((left[0] as number) > 1 && left.length > 30);
});

test('a record cut by a crash is taken away at the next start, wherever it was cut', async (t) => {
  const folder = folderFor(t);
  const { path } = segmentAt(folder, 1);
  await writeOnce(t, folder, 1, 3);
  const whole = statSync(path).size;
  const length = encodeEvent(event(4)).length;
  for (let cut = 1; cut < length; cut++) {
    truncateSync(path, whole);
    appendFileSync(path, encodeEvent(event(4)).subarray(0, cut));
    const { writer } = writerFor(t, folder);
    t.is(writer.open(), cut);
    await writer.stop();
    t.is(statSync(path).size, whole);
  }
  await writeOnce(t, folder, 4, 4);
  t.deepEqual(seqs(readHistory(folder)), [1, 2, 3, 4]);
});

test('a segment that is damaged far from its end is left for whoever wants to look at it', async (t) => {
  const folder = folderFor(t);
  await writeOnce(t, folder, 1, 3);
  const { path } = segmentAt(folder, 1);
  appendFileSync(path, Buffer.alloc(2 << 20));
  const { size } = statSync(path);
  t.is(await writeOnce(t, folder, 4, 5), 0);
  t.is(statSync(path).size, size);
  t.deepEqual(seqs(readHistory(folder)), [1, 2, 3, 4, 5]);
});

const refused = test.macro({
  async exec(t: ExecutionContext, _: string, prepare: (folder: string) => void, failure: RegExp) {
    const folder = `${folderFor(t)}/state`;
    mkdirSync(folder);
    prepare(folder);
    const { writer, changes } = writerFor(t, folder);
    t.is(writer.open(), 0);
    append(writer, 1, 3);
    t.regex(writer.health.failure ?? '', failure);
    await new Promise((resolve) => setTimeout(resolve, 60));
    t.is(changes.length, 1, 'several attempts, said once');
    rmSync(folder, { recursive: true });
    await eventually('it is written again', async () => writer.health.failure === null);
    t.is(changes.length, 2);
    await eventually('and what waited is there', async () => lastSeq(folder) === 3);
    t.is(writer.health.lost, 0);
  },
  title: (_, name) => `a folder that ${name} is refused with the cure, and taken when it is right`,
});

test(
  refused,
  'anybody may write',
  (folder) => chmodSync(folder, 0o777),
  /writable by others \(mode 777\); chmod 750 /,
);
test(refused, 'a group may write', (folder) => chmodSync(folder, 0o770), /chmod 750 /);
test(refused, 'is a file', (folder) => {
  rmSync(folder, { recursive: true });
  appendFileSync(folder, '');
}, /EEXIST|ENOTDIR/); // prettier-ignore

test('more than fits into memory while nothing can be written: the oldest are lost, and counted', async (t) => {
  const folder = `${folderFor(t)}/state`;
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  const { writer } = writerFor(t, folder, { pendingBytes: 10 * encodeEvent(event(20)).length });
  writer.open();
  for (let seq = 1; seq <= 30; seq++) append(writer, seq, seq);
  t.is(writer.health.lost, 20);
  chmodSync(folder, 0o750);
  await eventually('the rest is written', async () => lastSeq(folder) === 30);
  t.deepEqual(seqs(readHistory(folder)), numbers(21, 30));
});

test('two daemons never write one folder; the same one may with another worker', async (t) => {
  const folder = folderFor(t);
  const other = spawn('flock', [folder, 'sh', '-c', 'echo locked; read end']);
  t.teardown(() => other.stdin.end());
  await once(other.stdout, 'data');
  const { writer } = writerFor(t, folder);
  writer.open();
  append(writer, 1, 1);
  t.regex(writer.health.failure ?? '', /is written by process \d+; give each daemon a folder of its own/);
  t.deepEqual(listSegments(folder), []);
  other.stdin.end();
  await eventually('it is free', async () => lastSeq(folder) === 1);
  // A worker that fell has not let go.
  const { writer: next } = writerFor(t, folder);
  next.open();
  t.is(next.health.failure, null);
});

test('a restart brings back events, dossiers and the last number, and writes none of them again', async (t) => {
  const folder = folderFor(t);
  const first = keeperFor(t, folder);
  t.deepEqual(first.keeper.start(), { lastSeq: 0, cutBytes: 0 });
  first.keeper.take(range(1, 7));
  first.moves.put(dossier({ id: 7, complete: false, advice: 'not yet' }));
  first.moves.put(dossier({ id: 7, complete: true }));
  await first.keeper.stop();

  const second = keeperFor(t, folder);
  t.deepEqual(second.keeper.start(), { lastSeq: 7, cutBytes: 0 });
  t.deepEqual([...second.history.events], range(1, 7));
  t.deepEqual([...second.moves.find({})], [dossier({ id: 7, complete: true })]);
  second.keeper.take(range(8, 9));
  await second.keeper.stop();
  t.deepEqual(seqs(readHistory(folder)), numbers(1, 9));
  t.is([...readDossiers(folder)].length, 1);
  t.is(second.keeper.health.lost, 0);
});

test('what the control thread remembers for a new worker is written as far as the old one did not', async (t) => {
  const folder = folderFor(t);
  const first = keeperFor(t, folder);
  first.keeper.start();
  first.keeper.take(range(1, 5));
  await first.keeper.stop();
  const second = keeperFor(t, folder);
  second.keeper.start();
  second.keeper.take(range(3, 8));
  second.keeper.take(range(11, 12));
  await second.keeper.stop();
  t.deepEqual(seqs(readHistory(folder)), [...numbers(1, 8), 11, 12]);
  t.deepEqual(seqs(second.history.events), [...numbers(1, 8), 11, 12]);
  t.is(second.keeper.health.lost, 2, '9 and 10 never came');
});

test('a start on a folder that cannot be read begins with nothing, and does not throw', (t) => {
  const folder = folderFor(t);
  mkdirSync(segmentAt(folder, 1).path);
  const { keeper, history } = keeperFor(t, folder);
  t.deepEqual(keeper.start(), { lastSeq: 0, cutBytes: 0 });
  t.regex(keeper.health.failure ?? '', /EISDIR/);
  keeper.take(range(1, 2));
  t.deepEqual(seqs(history.events), [1, 2]);
});
