// SPDX-License-Identifier: BSD-2-Clause
// Configuration -> indices and rows, over maps in memory that outlive the instance as pinned maps outlive the daemon.
import test from 'ava';
import type { HavipConfig, SubnetConfig } from '../../src/config/types.js';
import { Definitions } from '../../src/control/definitions.js';
import { fieldText as textOf } from '../../src/kernel/names.js';
import { POLICY_FLAGS, Tenure, type Binding } from '../../src/kernel/layout.gen.js';
import { SUBNETS_MAX } from '../../src/kernel/maps.js';
import { formatAddress, formatMac } from '../../src/net/addresses.js';
import { CAPACITY, havip, subnet } from './configs.js';
import { dump, fakeTables, type FakeTables } from './fake-maps.js';

const NOTHING = (): void => undefined;
const NO_ORDERS = { reset: NOTHING, place: NOTHING, displace: NOTHING };

/** 'subnet|address -> index', of every row of `bindings`. */
const rows = (maps: FakeTables): Record<string, number> =>
  Object.fromEntries(
    [...maps.bindings.entries()]
      .map(([key, row]) => [`${key.subnet}|${formatAddress(key.address)}`, row.havip] as const)
      .sort(),
  );

function bind(maps: FakeTables, address: string, port: number): void {
  for (const [key, row] of maps.bindings.entries()) {
    if (formatAddress(key.address) !== address) continue;
    const holder = { mac: Buffer.from('0200000000aa', 'hex'), port };
    maps.bindings.set(key, { ...row, holder, former: holder, sinceNs: 99n, moves: 3 });
  }
}

const holderOf = (maps: FakeTables, address: string): string => {
  const found = [...maps.bindings.entries()].find(([key]) => formatAddress(key.address) === address)?.[1];
  return found ? `${found.holder.port} ${formatMac(found.holder.mac)} ${found.sinceNs}` : 'no row';
};

const claim = (maps: FakeTables, id: number, port: number): void =>
  maps.claims.set(
    { havip: id, port },
    { tsNs: 5n, by: { mac: Buffer.alloc(6, 2), port }, havip: id, kind: 1, result: 1 },
  );

test('a first configuration: subnets from 1, HAVIPs from 0, nobody holds them', (t) => {
  const maps = fakeTables(CAPACITY);
  const definitions = new Definitions(maps, NO_ORDERS, NOTHING);
  const { fresh, removed } = definitions.apply([
    subnet('web', ['10.0.1.50', 'fd00:1::50']),
    subnet('db', ['10.0.1.50']),
  ]);
  t.deepEqual(rows(maps), { '1|10.0.1.50': 0, '1|fd00:1::50': 1, '2|10.0.1.50': 2 });
  t.deepEqual([fresh.map(({ id }) => id), removed], [[0, 1, 2], []]);
  const unbound: Binding = {
    holder: { mac: Buffer.alloc(6), port: 0 },
    former: { mac: Buffer.alloc(6), port: 0 },
    sinceNs: 0n,
    havip: 1,
    moves: 0,
    by: 0,
    reserved: 0,
  };
  const second = definitions.havip(1);
  t.deepEqual(second && maps.bindings.get(definitions.keyOf(second)), unbound);
  t.deepEqual(maps.subnets.get(2)?.used, 1);
  t.is(textOf(maps.subnets.get(2)?.name ?? Buffer.alloc(0)), 'db');
});

const { OPEN, UNHELD_DROP, GUARD_MONITOR } = POLICY_FLAGS;
const policy = test.macro((t, config: Partial<HavipConfig>, flags: number) => {
  const maps = fakeTables(CAPACITY);
  const definitions = new Definitions(maps, NO_ORDERS, NOTHING);
  definitions.apply([subnet('web', [havip('10.0.1.50', config)])]);
  const [[key] = []] = [...maps.bindings.entries()];
  const budget = { windowNs: 10_000_000_000n, moves: 5, serviceMac: Buffer.alloc(6) };
  t.deepEqual(maps.havips.get(0), { key: key ?? { subnet: 0, address: Buffer.alloc(0) }, flags, ...budget });
});
test('a HAVIP without a member list is open', policy, {}, OPEN);
test('a HAVIP with a member list is closed', policy, { members: ['a'] }, 0);
test('unheld: drop', policy, { unheld: 'drop' }, OPEN | UNHELD_DROP);
test('guard: monitor', policy, { guard: 'monitor' }, OPEN | GUARD_MONITOR);
test(
  'all at once',
  policy,
  { members: ['a'], unheld: 'drop', guard: 'monitor' },
  UNHELD_DROP | GUARD_MONITOR,
);

test('applying the same again changes nothing and names nothing', (t) => {
  const maps = fakeTables(CAPACITY);
  const definitions = new Definitions(maps, NO_ORDERS, NOTHING);
  const config = [subnet('web', ['10.0.1.50', '10.0.1.51'])];
  definitions.apply(config);
  bind(maps, '10.0.1.50', 3);
  const before = dump(maps);
  t.deepEqual(definitions.apply(config), { fresh: [], removed: [] });
  t.deepEqual(dump(maps), before);
});

test('indices, holders and subnets survive a restart, in whatever order the file has them', (t) => {
  const maps = fakeTables(CAPACITY);
  const [web, db] = [subnet('web', ['10.0.1.50', '10.0.1.51']), subnet('db', ['10.0.1.52'])];
  new Definitions(maps, NO_ORDERS, NOTHING).apply([web, db]);
  bind(maps, '10.0.1.52', 3);
  const before = dump(maps);
  const restarted = new Definitions(maps, NO_ORDERS, NOTHING);
  const { fresh } = restarted.apply([db, subnet('web', ['10.0.1.51', '10.0.1.50'])]);
  t.deepEqual(dump(maps), before);
  t.deepEqual(fresh, [], 'what was pinned may have been claimed meanwhile');
  t.deepEqual([...restarted.all().values()].map(({ id, config }) => `${config.address} ${id}`).sort(), [
    '10.0.1.50 0',
    '10.0.1.51 1',
    '10.0.1.52 2',
  ]);
});

test('what the configuration no longer names after a restart is taken out', (t) => {
  const maps = fakeTables(CAPACITY);
  new Definitions(maps, NO_ORDERS, NOTHING).apply([
    subnet('web', ['10.0.1.50', '10.0.1.51']),
    subnet('db', ['10.0.1.52']),
  ]);
  claim(maps, 0, 2);
  claim(maps, 1, 2);
  new Definitions(maps, NO_ORDERS, NOTHING).apply([subnet('web', ['10.0.1.51'])]);
  t.deepEqual(rows(maps), { '1|10.0.1.51': 1 });
  t.is(maps.havips.get(0)?.flags, 0);
  t.is(maps.subnets.get(2)?.used, 0);
  t.deepEqual(
    [...maps.claims.entries()].map(([key]) => key.havip),
    [1],
  );
});

test('packets find a HAVIP before claims do, and lose it while its rows are still there', (t) => {
  const maps = fakeTables(CAPACITY);
  const seen: string[] = [];
  const isThere = (id: number): string =>
    `${maps.havips.get(id)?.moves ? 'policy' : '-'} ${Object.values(rows(maps)).includes(id) ? 'binding' : '-'}`;
  const orders = {
    reset: NOTHING,
    place: (ids: Iterable<number>) => seen.push(...Array.from(ids, (id) => `place ${id}: ${isThere(id)}`)),
    displace: (id: number) => void seen.push(`displace ${id}: ${isThere(id)}`),
  };
  const definitions = new Definitions(maps, orders, NOTHING);
  definitions.apply([subnet('web', ['10.0.1.50', '10.0.1.51'])]);
  t.deepEqual(seen.splice(0), ['place 0: policy -', 'place 1: policy -']);
  definitions.apply([subnet('web', ['10.0.1.51', '10.0.1.52'])]);
  t.deepEqual(seen.splice(0), ['displace 0: policy binding', 'place 0: policy -']);
  new Definitions(maps, orders, NOTHING).apply([subnet('web', ['10.0.1.52'])]);
  t.deepEqual(seen, ['displace 1: policy binding'], 'what was bound is placed since before');
});

test('a HAVIP that is taken out leaves its index, without holder, claims or counters, to the next', (t) => {
  const maps = fakeTables(CAPACITY);
  const reset: number[] = [];
  const definitions = new Definitions(
    maps,
    { ...NO_ORDERS, reset: (havip) => void reset.push(havip) },
    NOTHING,
  );
  definitions.apply([subnet('web', ['10.0.1.50', '10.0.1.51'])]);
  bind(maps, '10.0.1.50', 3);
  claim(maps, 0, 3);
  const tenure = Tenure.decode(Buffer.alloc(Tenure.size, 1));
  maps.sightings.set(0, { one: tenure, other: tenure });
  const { fresh, removed } = definitions.apply([subnet('web', ['10.0.1.51', '10.0.1.60'])]);
  t.deepEqual([removed.map(({ id }) => id), fresh.map(({ id }) => id)], [[0], [0]]);
  t.deepEqual(rows(maps), { '1|10.0.1.51': 1, '1|10.0.1.60': 0 });
  t.is(holderOf(maps, '10.0.1.60'), '0 00:00:00:00:00:00 0');
  t.deepEqual([...maps.claims.entries()], []);
  t.deepEqual(reset, [0]);
  t.true(maps.havip_counters.cleared.includes(0));
  t.is(maps.sightings.get(0)?.one.sinceNs, 0n, 'what was seen of the one before is not the new one’s');
});

test('full maps take another configuration of as many HAVIPs', (t) => {
  const maps = fakeTables(CAPACITY);
  const definitions = new Definitions(maps, NO_ORDERS, NOTHING);
  definitions.apply([subnet('web', ['10.0.1.1', '10.0.1.2', '10.0.1.3', '10.0.1.4'])]);
  definitions.apply([subnet('web', ['10.0.1.5', '10.0.1.6', '10.0.1.7', '10.0.1.4'])]);
  t.deepEqual(Object.keys(rows(maps)), ['1|10.0.1.4', '1|10.0.1.5', '1|10.0.1.6', '1|10.0.1.7']);
  t.is(new Set(Object.values(rows(maps))).size, 4);
});

test('full maps take another configuration of as many HAVIPs after a restart', (t) => {
  const maps = fakeTables(CAPACITY);
  new Definitions(maps, NO_ORDERS, NOTHING).apply([
    subnet('web', ['10.0.1.1', '10.0.1.2', '10.0.1.3', '10.0.1.4']),
  ]);
  new Definitions(maps, NO_ORDERS, NOTHING).apply([
    subnet('web', ['10.0.1.5', '10.0.1.6', '10.0.1.7', '10.0.1.8']),
  ]);
  t.deepEqual(Object.keys(rows(maps)), ['1|10.0.1.5', '1|10.0.1.6', '1|10.0.1.7', '1|10.0.1.8']);
});

const inherits = test.macro((t, restart: boolean) => {
  const maps = fakeTables(CAPACITY);
  const first = new Definitions(maps, NO_ORDERS, NOTHING);
  first.apply([subnet('old', ['10.0.1.50'])]);
  bind(maps, '10.0.1.50', 3);
  const second = restart ? new Definitions(maps, NO_ORDERS, NOTHING) : first;
  second.apply([subnet('new', ['10.0.1.50'])]);
  t.deepEqual(Object.keys(rows(maps)), ['2|10.0.1.50'], 'not the index of the subnet that left');
  t.is(holderOf(maps, '10.0.1.50'), '0 00:00:00:00:00:00 0');
  t.is(maps.subnets.get(1)?.used, 0);
});
test("a subnet that takes another's place in one go inherits no holder", inherits, false);
test("a subnet that takes another's place over a restart inherits no holder", inherits, true);

const refuses = test.macro((t, configs: readonly SubnetConfig[], message: RegExp) => {
  const maps = fakeTables(CAPACITY);
  const definitions = new Definitions(maps, NO_ORDERS, NOTHING);
  definitions.apply([subnet('web', ['10.0.1.50'])]);
  const [before, known] = [dump(maps), [...definitions.all().keys()]];
  t.throws(() => definitions.apply(configs), { message, code: 'FAILED' });
  t.deepEqual(dump(maps), before);
  t.deepEqual([...definitions.all().keys()], known);
});
test(
  'more HAVIPs than the maps have room for change nothing',
  refuses,
  [subnet('web', ['10.0.1.1', '10.0.1.2', '10.0.1.3', '10.0.1.4', '10.0.1.5'])],
  /5 HAVIPs are configured; .* room for 4/,
);
test(
  'more subnets than there are indices change nothing',
  refuses,
  Array.from({ length: SUBNETS_MAX }, (_, i) => subnet(`s${i}`, [])),
  /4096 subnets are configured; at most 4095/,
);
