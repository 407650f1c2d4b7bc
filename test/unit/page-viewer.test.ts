// SPDX-License-Identifier: BSD-2-Clause
// One open page: it gets what changed, a slow one only the newest state and a count of what it missed; dossiers come
// once, and again when they change.
import test from 'ava';
import { DossierMemory } from '../../src/observe/dossiers.js';
import { MoveFeed, MOVES_SHOWN, toPageMove } from '../../src/observe/page/moves.js';
import type { MovesPart, PageParts, PageQuery, PartName, TickPart } from '../../src/observe/page/types.js';
import { part, Viewer, type Snapshot } from '../../src/observe/page/viewer.js';
import { dossier } from './dossiers.js';

const QUERY: PageQuery = { sort: 'address', descending: false, filter: '', show: 'all', page: 0, chosen: '' };

const snapshot = (nowMs: number, havips: number): Snapshot => ({
  ...{ nowMs, everyMs: 1000 },
  shared: [part('totals', { havips, held: 0, unheld: 0, flapping: 0, split: 0, rate: 0, alarms: [] })],
  cut: () => ({
    rows: { rows: [], matching: 0, page: 0, pages: 1, chosen: null },
    charts: { timesMs: [], series: [] },
  }),
});

/** What was written, as the page reads it. */
class Reader {
  texts: string[] = [];
  room = true;
  destroyed = false;

  write(text: string): boolean {
    this.texts.push(text);
    return this.room;
  }

  destroy(): void {
    this.destroyed = true;
  }

  take(): Map<PartName, unknown> {
    const all = this.texts.splice(0).join('');
    const events = [...all.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)];
    return new Map(events.map(([, name, data]) => [name as PartName, JSON.parse(data as string) as unknown]));
  }
}

function seated(): { reader: Reader; viewer: Viewer; memory: DossierMemory; feed: MoveFeed } {
  const memory = new DossierMemory();
  const reader = new Reader();
  return { reader, viewer: new Viewer(QUERY, reader), memory, feed: new MoveFeed(memory) };
}

test('first everything, then only what changed, and always that the daemon lives', (t) => {
  const { reader, viewer, feed } = seated();
  viewer.offer(snapshot(1, 5), feed);
  t.deepEqual([...reader.take().keys()].sort(), ['charts', 'moves', 'rows', 'tick', 'totals']);
  viewer.offer(snapshot(2, 5), feed);
  t.deepEqual([...reader.take().keys()], ['tick']);
  viewer.offer(snapshot(3, 6), feed);
  const next = reader.take();
  t.deepEqual([...next.keys()], ['tick', 'totals']);
  t.is((next.get('totals') as PageParts['totals']).havips, 6);
});

test('a slow page loses states, is told how many, and gets the newest', (t) => {
  const { reader, viewer, feed } = seated();
  reader.room = false;
  viewer.offer(snapshot(1, 1), feed);
  reader.take();
  for (let n = 2; n < 9; n += 1) viewer.offer(snapshot(n, n), feed);
  t.is(reader.texts.length, 0, 'nothing is queued for it');
  reader.room = true;
  viewer.drained();
  viewer.offer(snapshot(9, 9), feed);
  const got = reader.take();
  t.is((got.get('tick') as TickPart).skipped, 7);
  t.is((got.get('totals') as PageParts['totals']).havips, 9);
  viewer.offer(snapshot(10, 9), feed);
  t.is((reader.take().get('tick') as TickPart).skipped, 0);
});

test('a page that never reads is let go', (t) => {
  const { reader, viewer, feed } = seated();
  reader.room = false;
  viewer.offer(snapshot(0, 1), feed);
  viewer.offer(snapshot(29_000, 2), feed);
  t.false(reader.destroyed);
  viewer.offer(snapshot(31_000, 3), feed);
  t.true(reader.destroyed);
});

test('a dossier comes once, and again when more of it is known', (t) => {
  const { reader, viewer, memory, feed } = seated();
  const ids = (): number[] =>
    ((reader.take().get('moves') as MovesPart | undefined)?.moves ?? []).map(({ id }) => id);
  memory.put(dossier({ id: 1 }));
  viewer.offer(snapshot(1, 1), feed);
  t.deepEqual(ids(), [1]);
  memory.put(dossier({ id: 2 }));
  viewer.offer(snapshot(2, 1), feed);
  t.deepEqual(ids(), [2]);
  memory.put(dossier({ id: 1, complete: true }));
  viewer.offer(snapshot(3, 1), feed);
  t.deepEqual(ids(), [1]);
  viewer.offer(snapshot(4, 1), feed);
  t.deepEqual(ids(), []);
});

test('more moves than the timeline shows: the newest come, and the others are counted', (t) => {
  const memory = new DossierMemory();
  const feed = new MoveFeed(memory);
  memory.put(dossier({ id: 1 }));
  const { version } = feed.since(0);
  for (let id = 2; id < MOVES_SHOWN + 12; id += 1) memory.put(dossier({ id }));
  const { part: next } = feed.since(version);
  t.is(next.moves.length, MOVES_SHOWN);
  t.is(next.missed, 10);
  t.is(feed.since(0).part.missed, 0, 'a new page has missed nothing');
});

test('times of a dossier become offsets that JSON holds to the nanosecond', (t) => {
  const move = toPageMove(dossier());
  t.is(move.stages[0]?.endNs, -1_000_000);
  t.deepEqual(
    move.stamps.find(({ name }) => name === 'written'),
    { name: 'written', atNs: 800 },
  );
  t.is(
    move.stamps.find(({ name }) => name === 'resigned'),
    undefined,
  );
  t.is(move.outageNs, 3_211_000_000);
  t.deepEqual(JSON.parse(JSON.stringify(move)), move);
});
