// SPDX-License-Identifier: BSD-2-Clause
// When two guests speak for one address: what is an alarm, who is named in it, when it ends, and what is none.
import test from 'ava';
import { Alarms } from '../../src/holders/alarms.js';
import type { EventKind, HolderEvent } from '../../src/holders/events.js';
import type { Holder } from '../../src/holders/rules.js';
import { holder, MS, slotOf, UPLINK, V, type Party } from './registry-world.js';

const INTERVAL_MS = 200;
const nameOf = (who: Holder | null): string => who?.mac.replace('mac ', '') ?? '-';

/** Times in milliseconds from an hour after boot; alarms as 'split-brain b>a': b speaks, a holds. */
class World {
  readonly alarms = new Alarms({ isUplink: (slot) => slot === UPLINK });
  private held: Party | null = null;
  private advertMs: number | null = null;

  change(kind: EventKind, to: Party | null, ms: number, reason = 'arp-request'): string {
    const from = this.held && holder(this.held);
    this.held = to;
    this.advertMs = null;
    return textOf(this.alarms.changed({ kind, havip: V, tsNs: ns(ms), from, to: to && holder(to), reason }));
  }

  answer(by: Party, ms: number, askedMs?: number): string {
    const asked = askedMs === undefined ? 0n : ns(askedMs);
    return textOf(this.alarms.answered(V, holder(by), this.held && holder(this.held), ns(ms), asked));
  }

  advert(by: Party, ms: number, priority = 100): string {
    const advert = {
      havip: V,
      by: holder(by),
      tsNs: ns(ms),
      vrid: 1,
      priority,
      intervalNs: BigInt(INTERVAL_MS) * MS,
    };
    const holderNs = this.advertMs === null ? null : ns(this.advertMs);
    if (by === this.held) this.advertMs = ms;
    return textOf(this.alarms.advert(advert, this.held && holder(this.held), holderNs));
  }

  due(ms: number): string {
    return textOf(this.alarms.due(ns(ms), () => this.held && holder(this.held)));
  }
}

const ns = (ms: number): bigint => BigInt(3_600_000 + ms) * MS;
const textOf = (events: readonly HolderEvent[]): string =>
  events.map(({ kind, from, to }) => `${kind} ${nameOf(from)}>${nameOf(to)}`).join(', ');

/** b has just taken it from a, who held it for long. */
function failedOver(): World {
  const world = new World();
  world.change('bind', 'a', 0);
  world.change('move', 'b', 60_000);
  return world;
}

test('a crash failover raises nothing', (t) => {
  const world = new World();
  t.is(world.change('bind', 'a', 0), '');
  t.is(world.change('move', 'b', 60_000), '');
  t.is(world.alarms.splitNews(), null);
  t.is(world.alarms.nextDueNs(), null);
});

test('the former holder announces again within 10 s: both are named, and 10 s of quiet end it', (t) => {
  const world = failedOver();
  t.is(world.change('move', 'a', 69_999), 'split-brain b>a');
  t.deepEqual(world.alarms.splitNews(), [V]);
  t.is(world.change('move', 'b', 75_000), '', 'told once');
  t.is(world.due(84_999), '');
  t.is(world.alarms.nextDueNs(), ns(85_000));
  t.is(world.due(85_000), 'split-brain-end a>b');
  t.deepEqual(world.alarms.splitNews(), []);
});

test('after 10 s it is a failover like any other', (t) => {
  t.is(failedOver().change('move', 'a', 70_000), '');
});

for (const who of ['a', 'b'] as const) {
  test(`a goodbye of ${who} makes it a handover`, (t) => {
    const world = failedOver();
    world.advert(who, 62_000, 0);
    t.is(world.change('move', 'a', 63_000), '');
  });
}

test('what was released is taken from nobody', (t) => {
  const world = failedOver();
  world.change('release', null, 61_000, 'port-down');
  t.is(world.change('move', 'a', 62_000), '');
  t.is(world.change('move', 'b', 63_000), '', 'a has not lost it to anybody before');
});

test('what the network itself has found is no quarrel', (t) => {
  for (const reason of ['verified', 'rarp']) t.is(failedOver().change('move', 'a', 62_000, reason), '');
});

test('the former holder answers, within 10 s and after', (t) => {
  t.is(failedOver().answer('a', 65_000), 'split-brain a>b');
  t.is(failedOver().answer('a', 70_000), '');
  t.is(failedOver().answer('b', 65_000), '', 'the holder may');
  t.is(failedOver().answer('c', 65_000), '', 'LVS real servers do');
});

test('two answer one question; two questions are not one', (t) => {
  const world = new World();
  world.change('bind', 'a', 0, 'arp-answer');
  t.is(world.answer('a', 1, 0), '');
  t.is(world.answer('b', 2, 0), 'split-brain b>a');
  const other = new World();
  other.change('bind', 'a', 0, 'arp-answer');
  t.is(other.answer('a', 1, 0), '');
  t.is(other.answer('b', 1002, 1000), '');
});

test('the former holder goes on advertising for more than an interval', (t) => {
  const world = failedOver();
  t.is(world.advert('a', 60_100), '', 'it was on its way');
  t.is(world.advert('a', 60_300), 'split-brain a>b');
  t.is(world.advert('a', 65_000), '');
  t.is(world.due(74_999), '');
  t.is(world.due(75_000), 'split-brain-end a>b');
});

test('two masters in one interval are told before either announces, once', (t) => {
  const world = new World();
  world.change('bind', 'a', 0);
  world.advert('a', 1000);
  t.is(world.advert('b', 1100), '', 'a may be stepping down');
  world.advert('a', 1200);
  t.is(world.advert('b', 1300), 'dual-active b>a');
  world.advert('a', 1400);
  t.is(world.advert('b', 1500), '');
});

test('a preemption is no dual-active', (t) => {
  const world = new World();
  world.change('bind', 'a', 0);
  world.advert('a', 1000);
  world.advert('b', 1100);
  world.change('move', 'b', 1101);
  t.is(world.advert('b', 1300), '');
});

test('adverts by another than the holder for more than three intervals, while that is silent', (t) => {
  const world = new World();
  world.change('bind', 'a', 0);
  const told = [60_000, 60_200, 60_400, 60_600, 60_800, 61_000].map((ms) => world.advert('b', ms));
  t.deepEqual(told, ['', '', '', '', 'disagreement b>a', '']);
});

test('a rival that falls silent begins anew', (t) => {
  const world = new World();
  world.change('bind', 'a', 0);
  for (const ms of [60_000, 60_200, 60_400, 62_000, 62_200, 62_400, 62_600]) t.is(world.advert('b', ms), '');
  t.is(world.advert('b', 62_800), 'disagreement b>a');
});

test('behind an uplink another MAC is another station', (t) => {
  const world = new World();
  world.change('bind', 'x', 0);
  world.change('move', 'y', 60_000);
  t.is(world.change('move', 'x', 61_000), 'split-brain y>x');
  t.is(slotOf('x'), slotOf('y'));
});

test('a HAVIP that is gone is in no alarm', (t) => {
  const world = failedOver();
  world.change('move', 'a', 61_000);
  world.alarms.forget(V);
  t.deepEqual(world.alarms.splitNews(), []);
  t.is(world.due(100_000), '');
});
