// SPDX-License-Identifier: BSD-2-Clause
// From a move's event and what the maps say, look by look, to its dossier. The maps are made up.
import test from 'ava';
import type { Dossier } from '../../src/holders/dossier.js';
import { Advert, Sightings, Speaker, Tenure } from '../../src/kernel/layout.gen.js';
import type { Tables } from '../../src/kernel/maps.js';
import type { EventRecord, MoveRecord } from '../../src/observe/messages.js';
import { MoveWatch } from '../../src/observe/move-watch.js';

const MS = 1_000_000n;
const T = 2n ** 53n;
const at = (ms: number): bigint => T + BigInt(ms) * MS;
const HAVIP = 4;
const [OLD, NEW] = [1, 2];

const event = (more: Partial<EventRecord> = {}): EventRecord => ({
  ...{ seq: 7, kind: 'move', timeNs: at(3600), wallNs: at(3600) + 5n, network: 'blue', subnet: 'web' },
  ...{ address: '10.0.1.50', reason: 'arp-request', count: 1, repointNs: 900n },
  from: { port: 'tap-a', mac: '02:00:00:00:00:0a' },
  to: { port: 'tap-b', mac: '02:00:00:00:00:0b' },
  ...more,
});

const move = (more: Partial<MoveRecord> = {}): MoveRecord => ({
  ...{ id: 7, havip: HAVIP, fromSlot: OLD, toSlot: NEW, sinceNs: at(3600), writtenNs: at(3600) + 900n },
  ...more,
});

const tenure = (more: Partial<Tenure>): Tenure => ({ ...Tenure.decode(Buffer.alloc(Tenure.size)), ...more });
const advert = (more: Partial<Advert>): Advert => ({
  ...Advert.decode(Buffer.alloc(Advert.size)),
  ...{ vrid: 51, intervalCs: 100, version: 2 },
  ...more,
});

/** As the programs leave them after a crash at 0; what comes later is put in by the test. */
class World {
  sightings = Sightings.decode(Buffer.alloc(Sightings.size));
  readonly adverts = new Map<number, Advert>();
  readonly speakers = new Map<number, Speaker>();
  readonly told: Dossier[] = [];
  readonly watch: MoveWatch;

  constructor() {
    const old = { sinceNs: at(-9000), lastToNs: at(1), lastFromNs: at(0), missedNs: at(1), missed: 30n };
    this.sightings = { one: tenure(old), other: tenure({ sinceNs: at(3600) }) };
    this.adverts.set(OLD, advert({ masterNs: at(-400), masterPriority: 150n }));
    const byPort = <V>(rows: Map<number, V>) => ({ get: ({ port }: { port: number }) => rows.get(port) });
    const maps = {
      sightings: { get: () => this.sightings },
      adverts: byPort(this.adverts),
      speakers: byPort(this.speakers),
    };
    const looksMs = [0, 1, 2, 3, 4, 5];
    const memory = { put: (dossier: Dossier) => void this.told.push(dossier) };
    this.watch = new MoveWatch(maps as unknown as Tables, memory, looksMs);
  }

  get last(): Dossier {
    const last = this.told.at(-1);
    if (!last) throw new Error('nothing was told');
    return last;
  }

  async settled(): Promise<Dossier> {
    for (let i = 0; i < 500 && !this.last.complete; i++)
      await new Promise((resolve) => setTimeout(resolve, 2));
    return this.last;
  }
}

test('the old side is told at once, the new one as soon as it is seen, and then it is complete', async (t) => {
  const world = new World();
  world.watch.begin(
    [event({ kind: 'release', timeNs: at(2), reason: 'port-down', seq: 6 }), event()],
    [move()],
  );
  const { stamps, releaseReason, complete, outageNs } = world.last;
  t.deepEqual([complete, outageNs, releaseReason], [false, null, 'port-down']);
  t.like(stamps, { lastFromOldNs: at(0), lastAdvertNs: at(-400), releasedNs: at(2), firstFromNewNs: null });
  world.sightings.other = tenure({ sinceNs: at(3600), firstToNs: at(3601), firstFromNs: at(3602) });
  world.adverts.set(NEW, advert({ firstNs: at(3599), masterNs: at(3599), masterPriority: 100n }));
  const whole = await world.settled();
  t.like(whole.stamps, { firstSignNs: at(3599), firstToNewNs: at(3601), firstFromNewNs: at(3602) });
  t.is(whole.outageNs, 3602n * MS);
  t.like(whole.vrrp, { vrid: 51, oldPriority: 150, newPriority: 100 });
  t.is(whole.announcedWallNs, at(3600) + 5n);
});

test('a packet that went by the binding before its writer looked at the clock says when it was written', async (t) => {
  const world = new World();
  const [writtenNs, firstToNs] = [at(3600) + 900n, at(3600) + 700n];
  world.sightings.other = tenure({ sinceNs: at(3600), firstToNs, firstFromNs: at(3602) });
  world.watch.begin([event()], [move({ writtenNs })]);
  const { stamps } = await world.settled();
  t.like(stamps, { writtenNs: firstToNs, firstToNewNs: firstToNs });
});

test('what is not seen by the last look is not waited for', async (t) => {
  const world = new World();
  world.watch.begin([event()], [move()]);
  const whole = await world.settled();
  t.deepEqual([whole.complete, whole.outageNs, whole.stamps.firstFromNewNs], [true, null, null]);
});

test('the next move of the HAVIP ends the one before', async (t) => {
  const world = new World();
  world.watch.begin([event()], [move()]);
  world.watch.begin([event({ seq: 8, timeNs: at(4000) })], [move({ id: 8, sinceNs: at(4000) })]);
  const whole = await world.settled();
  t.is(whole.id, 8);
  t.true(world.told.findLast(({ id }) => id === 7)?.complete, 'as far as it was seen');
  const others = world.told.filter(({ id }) => id === 7).length;
  await new Promise((resolve) => setTimeout(resolve, 30));
  t.is(world.told.filter(({ id }) => id === 7).length, others);
});

test('a tenure that is not the one before is nobody’s', (t) => {
  const world = new World();
  world.sightings = {
    one: tenure({ sinceNs: at(5000), lastFromNs: at(5001) }),
    other: tenure({ sinceNs: at(3600) }),
  };
  world.watch.begin([event()], [move()]);
  t.is(world.last.stamps.lastFromOldNs, null);
  world.watch.stop();
});

test('signs of another failover are no first sign; a probe is one', (t) => {
  const world = new World();
  world.adverts.set(NEW, advert({ firstNs: at(-60_000), masterNs: at(-50_000), masterPriority: 100n }));
  world.watch.begin([event()], [move()]);
  t.deepEqual([world.last.stamps.firstSignNs, world.last.vrrp?.newPriority], [null, null]);
  world.speakers.set(NEW, { tsNs: 0n, toldNs: 0n, count: 0n, probedNs: at(3500) });
  world.watch.begin([event()], [move()]);
  t.is(world.last.stamps.firstSignNs, at(3500));
  world.watch.stop();
});

test('a goodbye is told, and no VRRP is none', (t) => {
  const world = new World();
  world.adverts.set(OLD, advert({ masterNs: at(-400), masterPriority: 150n, resignedNs: at(0) }));
  world.watch.begin([event()], [move()]);
  t.is(world.last.stamps.resignedNs, at(0));
  world.adverts.clear();
  world.watch.begin([event()], [move({ fromSlot: 0 })]);
  t.deepEqual([world.last.vrrp, world.last.stamps.lastAdvertNs], [null, null]);
  world.watch.stop();
});

test('a stop tells what is open as far as it was seen', (t) => {
  const world = new World();
  world.watch.begin([event()], [move()]);
  t.false(world.last.complete);
  world.watch.stop();
  t.true(world.last.complete);
});

test('a claimant that waited for its window is said to have waited', (t) => {
  const world = new World();
  world.watch.begin([event()], [move({ writtenNs: at(3600 + 2000) })]);
  t.regex(world.last.advice, /move budget/);
  world.watch.stop();
});
