// SPDX-License-Identifier: BSD-2-Clause
// Slots: who has which, in what order they are given out, what a restart finds, what a port that leaves takes along.
import test from 'ava';
import { PortBook } from '../../src/control/ports.js';
import { fieldBytes as bytesOf, fieldText as textOf } from '../../src/kernel/names.js';
import type { WantedPort } from '../../src/control/plan.js';
import { HavipError } from '../../src/errors.js';
import type { Attachments, Hook } from '../../src/kernel/attachments.js';
import { dump, fakeTables, type FakeTables } from './fake-maps.js';

const CAPACITY = { havips: 4, ports: 5 };

const wanted = (ifindex: number, more: Partial<WantedPort> = {}): WantedPort => ({
  ifindex,
  name: `tap${ifindex}`,
  mac: `02:00:00:00:00:${ifindex}`,
  kind: 0,
  hook: 'tc',
  auto: false,
  bridge: { ifindex: 10, name: 'br0' },
  mtu: 1500,
  flags: 2,
  learnEveryMs: 750,
  up: true,
  proxyArp: false,
  ...more,
});

/** Remembers what is attached, and refuses the devices that it is told to. */
class FakeAttachments {
  readonly attached = new Map<number, Hook>();
  readonly calls: string[] = [];
  readonly refused = new Set<number>();
  readonly noXdp = new Set<number>();
  hooks = (): ReadonlyMap<number, Hook> => this.attached;
  attach(ifindex: number, hook: Hook): void {
    this.calls.push(`attach ${ifindex} ${hook}`);
    if (this.refused.has(ifindex) || (hook === 'xdp' && this.noXdp.has(ifindex)))
      throw new HavipError('FAILED', `cannot attach to ${ifindex}`);
    this.attached.set(ifindex, hook);
  }
  detach(ifindex: number): void {
    this.calls.push(`detach ${ifindex}`);
    this.attached.delete(ifindex);
  }
}

interface Daemon {
  readonly maps: FakeTables;
  readonly attachments: FakeAttachments;
  readonly book: PortBook;
}

/** What a daemon finds: the maps and attachments of an earlier run, or new ones. */
function start(before?: Daemon): Daemon {
  const maps = before?.maps ?? fakeTables(CAPACITY);
  const attachments = before?.attachments ?? new FakeAttachments();
  return { maps, attachments, book: new PortBook(maps, attachments as unknown as Attachments) };
}

const WEB = { subnet: 1, flags: 0 };

const generation = ({ maps }: Daemon, slot: number): number | undefined => maps.targets.get(slot)?.generation;

test('a port that joins is in every map, and attached last', (t) => {
  const { book, maps, attachments } = start();
  const { slot, failure } = book.join(wanted(20), { subnet: 3, flags: 1 });
  t.deepEqual([slot, failure], [1, null]);
  const { name, mac, ...target } = maps.targets.get(1) ?? { name: Buffer.alloc(0), mac: Buffer.alloc(0) };
  t.is(Buffer.from(mac).toString('hex'), '020000000020');
  t.is(textOf(name), 'tap20');
  t.deepEqual(target, { ifindex: 20, mtu: 1500, kind: 0, flags: 2, generation: 1, bridge: 10, reserved: 0 });
  t.deepEqual(maps.ports.get(20), {
    slot: 1,
    subnet: 3,
    bridge: 10,
    kind: 0,
    learnEveryNs: 750_000_000n,
    generation: 1,
    flags: 1,
  });
  t.is(maps.redirects.get(1), 20);
  t.deepEqual(attachments.calls, ['attach 20 tc']);
  t.deepEqual([...book.slots()], [['tap20', 1]]);
});

test("slot 0 is nobody's, and a slot is given again only when the others have had their turn", (t) => {
  const daemon = start();
  const { book } = daemon;
  t.deepEqual(
    [20, 21, 22].map((ifindex) => book.join(wanted(ifindex), WEB).slot),
    [1, 2, 3],
  );
  book.leave(1);
  book.leave(2);
  t.deepEqual(
    [23, 24, 25].map((ifindex) => book.join(wanted(ifindex), WEB).slot),
    [4, 1, 2],
  );
  t.deepEqual(
    [1, 2, 3, 4].map((slot) => generation(daemon, slot)),
    [2, 2, 1, 1],
  );
  t.deepEqual(daemon.maps.port_counters.cleared, [1, 2, 3, 4, 1, 2], 'a new guest starts at nothing');
});

test('a port too many is refused with the cure, and the others go on', (t) => {
  const daemon = start();
  for (const ifindex of [20, 21, 22, 23]) daemon.book.join(wanted(ifindex), WEB);
  const before = dump(daemon.maps);
  const error = t.throws(() => daemon.book.join(wanted(24), WEB), { instanceOf: HavipError });
  t.regex(error.message, /no slot is free for port tap24: 4 ports are served/);
  t.regex(error.cure ?? '', /capacity\.ports/);
  t.deepEqual(dump(daemon.maps), before);
  t.false(daemon.book.all().has(24));
});

test('a port that leaves is in no map, and its claims are forgotten', (t) => {
  const { book, maps, attachments } = start();
  const row = { tsNs: 1n, by: { mac: Buffer.alloc(6), port: 1 }, havip: 0, kind: 1, result: 1 };
  book.join(wanted(20), WEB);
  book.join(wanted(21), WEB);
  for (const [havip, port] of [
    [0, 1],
    [1, 1],
    [0, 2],
  ] as const)
    maps.claims.set({ havip, port }, row);
  book.leave(1);
  book.forgetClaims(new Set([1]));
  t.is(maps.ports.get(20), undefined);
  t.is(maps.targets.get(1)?.ifindex, 0);
  t.is(maps.redirects.get(1), undefined);
  t.deepEqual(
    [...maps.claims.entries()].map(([key]) => key),
    [{ havip: 0, port: 2 }],
  );
  t.deepEqual([...attachments.attached.keys()], [21]);
  t.is(book.at(1), undefined);
  t.is(book.nameOf(1), 'tap20', 'a history line may still speak of it');
});

test("a device that took the ifindex of another keeps its own row when the other's slot leaves", (t) => {
  const { book, maps } = start();
  book.join(wanted(20), WEB);
  maps.ports.set(20, { slot: 2, subnet: 1, bridge: 10, kind: 0, learnEveryNs: 0n, generation: 1, flags: 0 });
  book.leave(1);
  t.is(maps.ports.get(20)?.slot, 2);
});

test('a port that stays keeps its slot, and only another hook is attached anew', (t) => {
  const { book, maps, attachments } = start();
  const port = book.join(wanted(20), WEB);
  const grown = book.update(port, wanted(20, { mtu: 9000, flags: 6 }), { subnet: 2, flags: 0 });
  t.deepEqual([grown.slot, maps.targets.get(1)?.mtu, maps.targets.get(1)?.flags], [1, 9000, 6]);
  t.is(maps.ports.get(20)?.subnet, 2);
  t.is(maps.targets.get(1)?.generation, 1);
  t.deepEqual(attachments.calls, ['attach 20 tc']);
  book.update(grown, wanted(20, { hook: 'xdp' }), { subnet: 2, flags: 0 });
  t.deepEqual(attachments.calls.slice(1), ['detach 20', 'attach 20 xdp']);
});

test('a port that cannot be attached is served by the bridge, and says why', (t) => {
  const { book, maps, attachments } = start();
  attachments.refused.add(20);
  const port = book.join(wanted(20), WEB);
  t.is(port.failure?.message, 'cannot attach to 20');
  t.is(maps.targets.get(port.slot)?.ifindex, 20, 'it can still be delivered to');
  attachments.refused.clear();
  t.is(book.update(port, wanted(20), WEB).failure, null);
});

test('a driver that refuses XDP gets tc where the choice was ours, and keeps it', (t) => {
  const { book, attachments } = start();
  attachments.noXdp.add(20);
  const port = book.join(wanted(20, { hook: 'xdp', auto: true }), WEB);
  t.deepEqual([port.hook, port.failure], ['tc', null]);
  const grown = book.update(port, wanted(20, { hook: 'xdp', auto: true, mtu: 9000 }), WEB);
  t.deepEqual([grown.hook, grown.failure], ['tc', null]);
  t.deepEqual(attachments.calls, ['attach 20 xdp', 'attach 20 tc']);
});

test('a driver that refuses the XDP that the operator wants is a failure', (t) => {
  const { book, attachments } = start();
  attachments.noXdp.add(20);
  const port = book.join(wanted(20, { hook: 'xdp', auto: false }), WEB);
  t.deepEqual([port.hook, port.failure?.message], ['xdp', 'cannot attach to 20']);
});

test('a fresh slot is as old as its port, one taken over from an earlier run has no age', (t) => {
  const first = start();
  const beforeNs = process.hrtime.bigint();
  t.true(first.book.join(wanted(20), WEB).sinceNs >= beforeNs);
  t.is(start(first).book.join(wanted(20), WEB).sinceNs, 0n);
});

test('a restart finds each port in its slot, and attaches nothing again', (t) => {
  const first = start();
  for (const ifindex of [20, 21]) first.book.join(wanted(ifindex), WEB);
  const before = dump(first.maps);
  const second = start(first);
  t.deepEqual(second.book.orphans(new Map([20, 21].map((one) => [one, wanted(one)]))), []);
  t.deepEqual(
    [21, 20].map((ifindex) => second.book.join(wanted(ifindex), WEB).slot),
    [2, 1],
  );
  t.deepEqual(dump(second.maps), before);
  t.deepEqual(first.attachments.calls, ['attach 20 tc', 'attach 21 tc']);
});

const orphan = test.macro((t, now: WantedPort | null, stillAttached: boolean, isOrphan: boolean) => {
  const first = start();
  first.book.join(wanted(20), WEB);
  if (!stillAttached) first.attachments.attached.delete(20);
  const second = start(first);
  const plan = new Map(now ? [[now.ifindex, now]] : []);
  t.deepEqual(second.book.orphans(plan), isOrphan ? [1] : []);
  if (!now) return;
  for (const slot of second.book.orphans(plan)) second.book.leave(slot);
  t.is(second.book.join(now, WEB).slot, 1);
  t.is(generation(second, 1), isOrphan ? 2 : 1, 'another port in the slot is another generation');
});
test('a port that is there as before is no orphan', orphan, wanted(20), true, false);
test('another MTU makes no orphan', orphan, wanted(20, { mtu: 9000 }), true, false);
test('a port that went while nobody watched is an orphan', orphan, null, true, true);
test('another device with its ifindex makes it an orphan', orphan, wanted(20, { name: 'tap99' }), true, true);
test('one of the same name that nothing is attached to is another device', orphan, wanted(20), false, true);
test(
  "a port that was put on another bridge is an orphan: its bindings are the old subnet's",
  orphan,
  wanted(20, { bridge: { ifindex: 11, name: 'br1' } }),
  true,
  true,
);

test('a restart counts generations on, and knows names of slots that are empty', (t) => {
  const first = start();
  first.book.join(wanted(20), WEB);
  first.book.leave(1);
  const second = start(first);
  t.is(second.book.nameOf(1), 'tap20');
  t.is(second.book.nameOf(2), 'port 2');
  t.is(second.book.join(wanted(30), WEB).slot, 1);
  t.is(generation(second, 1), 2);
});

test('uplinks are those that are served as such', (t) => {
  const { book } = start();
  book.join(wanted(20, { kind: 1 }), WEB);
  book.join(wanted(21), WEB);
  t.deepEqual(
    [1, 2, 3].map((slot) => book.isUplink(slot)),
    [true, false, false],
  );
});

test('a name is cut to the bytes that the kernel keeps, and read back', (t) => {
  t.is(textOf(bytesOf('abcdefghijklmnopqrst', 16)), 'abcdefghijklmno');
  t.is(textOf(bytesOf('', 16)), '');
  t.is(textOf(Buffer.from('no end')), 'no end');
  t.is(bytesOf('x', 16).length, 16);
});
