// SPDX-License-Identifier: BSD-2-Clause
// The reader's joins, the observer and `havip map` against real pinned maps: the object is loaded, but attached to
// nothing. Each test has its own bpffs.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import anyTest, { type TestFn } from 'ava';
import { ApiClient } from '../../src/api/client.js';
import { HavipError } from '../../src/errors.js';
import { CLAIM_KIND, POLICY_FLAGS, PORT_KIND, REASON } from '../../src/kernel/layout.gen.js';
import { FastPath } from '../../src/kernel/fast-path.js';
import { MAP_NAMES, openTables, sizeMaps, type Tables } from '../../src/kernel/maps.js';
import { stripes } from '../../src/kernel/stripes.js';
import { mapsFolder } from '../../src/kernel/pins.js';
import { REASONS } from '../../src/kernel/names.js';
import {
  openPinnedTables,
  readClaimCounters,
  readHavip,
  readHavips,
  readLosses,
  readPortCounters,
} from '../../src/kernel/reader.js';
import { closeFd, pin, possibleCpus } from '../../src/native/index.js';
import { addressBytes, parseMac } from '../../src/net/addresses.js';
import { Observer } from '../../src/observe/observer.js';
import type { EventRecord } from '../../src/observe/messages.js';
import type { OrderDesk } from '../../src/observe/orders.js';

interface Lab {
  readonly folder: string;
  readonly pinPath: string;
}

const test = anyTest as TestFn<Lab>;
const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

test.beforeEach((t) => {
  const folder = mkdtempSync(join(tmpdir(), 'havip-reader-'));
  const pinPath = join(folder, 'bpf', 'havip');
  mkdirSync(join(folder, 'bpf'));
  execFileSync('mount', ['-t', 'bpf', 'bpf', join(folder, 'bpf')]);
  t.context = { folder, pinPath };
});

test.afterEach.always((t) => {
  execFileSync('umount', [join(t.context.folder, 'bpf')]);
  rmSync(t.context.folder, { recursive: true });
});

/** Loads and pins; what a daemon would have done. */
function pinMaps(pinPath: string, havips: number): Tables {
  const object = new FastPath([]);
  sizeMaps(object, { havips, ports: 16 });
  object.load();
  mkdirSync(mapsFolder(pinPath), { recursive: true });
  for (const name of MAP_NAMES) {
    const fd = object.mapFd(name);
    pin(fd, join(mapsFolder(pinPath), name));
    closeFd(fd);
  }
  const tables = openTables((name) => object.mapFd(name));
  object.close();
  return tables;
}

const text = (value: string, length: number): Uint8Array => Buffer.from(value.padEnd(length, '\0'));
const NOBODY = { mac: new Uint8Array(6), port: 0 };
const mac = (value: string): Uint8Array => parseMac(value) as Uint8Array;

function addPort(tables: Tables, slot: number, name: string, kind: number): void {
  const target = {
    ifindex: 100 + slot,
    mtu: 1500,
    kind,
    flags: 0,
    generation: 1,
    bridge: 5,
    name: text(name, 16),
    mac: new Uint8Array(6),
    reserved: 0,
  };
  tables.targets.set(slot, target);
}

function addHavip(
  tables: Tables,
  havip: number,
  subnet: number,
  address: string,
  port: number,
  at = 7n,
): void {
  const key = { subnet, address: addressBytes(address) };
  const holder = port ? { mac: mac('02:00:00:00:00:0a'), port } : NOBODY;
  const by = CLAIM_KIND.ARP_REPLY;
  tables.havips.set(havip, {
    key,
    flags: POLICY_FLAGS.OPEN,
    windowNs: 0n,
    moves: 5,

    serviceMac: new Uint8Array(6),
  });
  tables.bindings.set(key, { holder, former: NOBODY, sinceNs: at, havip, moves: 3, by, reserved: 0 });
}

function populate(tables: Tables): void {
  tables.subnets.set(1, { network: text('blue', 64), name: text('web', 64), used: 1, networkId: 1 });
  tables.subnets.set(2, { network: text('red', 64), name: text('db', 64), used: 1, networkId: 1 });
  addPort(tables, 1, 'tap-a', PORT_KIND.VNIC);
  addPort(tables, 2, 'eth1', PORT_KIND.UPLINK);
  addHavip(tables, 4, 1, '10.0.1.50', 1);
  addHavip(tables, 5, 2, '10.0.1.50', 2);
  addHavip(tables, 6, 2, 'fd00::50', 0);
}

/** The programs' own. */
const STAMPED = 0n;

/** What `Table` has no word for, since only programs count: bpftool writes the same value for every CPU. */
function count(path: string, index: number, words: readonly bigint[]): void {
  const key = hex(BigInt(index)).slice(0, 4);
  const value = words.flatMap(hex);
  execFileSync('bpftool', ['map', 'update', 'pinned', path, 'key', 'hex', ...key, 'value', 'hex', ...value]);
}

function hex(word: bigint): string[] {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(word);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
}

test.serial('nothing pinned is "not running", with a cure', (t) => {
  const error = t.throws(() => openPinnedTables(t.context.pinPath), { instanceOf: HavipError });
  t.is(error.code, 'NOT_RUNNING');
  t.regex(error.cure ?? '', /havip run/);
});

test.serial('another version’s maps are named', (t) => {
  mkdirSync(join(t.context.pinPath, 'maps-v999'), { recursive: true });
  const error = t.throws(() => openPinnedTables(t.context.pinPath), { instanceOf: HavipError });
  t.is(error.code, 'NOT_RUNNING');
  t.regex(error.message, /maps-v999/);
});

test.serial('rows join bindings, subnets, ports and counters of every CPU', (t) => {
  populate(pinMaps(t.context.pinPath, 64));
  const counters = join(mapsFolder(t.context.pinPath), 'havip_counters');
  for (let cpu = 0; cpu < stripes(); cpu++)
    count(counters, cpu * 64 + 4, [10n, 2n ** 40n, 3n, 1n, 0n, 0n, STAMPED, 0n]);
  const tables = openPinnedTables(t.context.pinPath);
  const cpus = BigInt(stripes());
  const rows = readHavips(tables).sort((a, b) => a.havip - b.havip);
  t.deepEqual(rows, [
    {
      havip: 4,
      network: 'blue',
      subnet: 'web',
      address: '10.0.1.50',
      holder: { port: 'tap-a', slot: 1, mac: '02:00:00:00:00:0a', kind: 'vnic' },
      sinceNs: 7n,
      by: 'arp-reply',
      moves: 3,
      packets: 10n * cpus,
      bytes: 2n ** 40n * cpus,
      saved: 3n * cpus,
      unheld: cpus,
      eip: null,
      fromHolder: 0n,
      fromOthers: 0n,
    },
    {
      ...{
        havip: 5,
        network: 'red',
        subnet: 'db',
        address: '10.0.1.50',
        sinceNs: 7n,
        by: 'arp-reply',
        moves: 3,
      },
      holder: { port: 'eth1', slot: 2, mac: '02:00:00:00:00:0a', kind: 'uplink' },
      ...{ packets: 0n, bytes: 0n, saved: 0n, unheld: 0n, eip: null, fromHolder: 0n, fromOthers: 0n },
    },
    {
      ...{
        havip: 6,
        network: 'red',
        subnet: 'db',
        address: 'fd00::50',
        sinceNs: 7n,
        by: 'arp-reply',
        moves: 3,
      },
      holder: null,
      ...{ packets: 0n, bytes: 0n, saved: 0n, unheld: 0n, eip: null, fromHolder: 0n, fromOthers: 0n },
    },
  ]);
});

test.serial('one address is found in every network that has it, or in the one asked for', (t) => {
  const tables = pinMaps(t.context.pinPath, 64);
  populate(tables);
  const found = (filter?: { network?: string; subnet?: string }): number[] =>
    readHavip(tables, '10.0.1.50', filter).map(({ havip }) => havip);
  t.deepEqual(found().sort(), [4, 5]);
  t.deepEqual(found({ network: 'red' }), [5]);
  t.deepEqual(found({ subnet: 'web' }), [4]);
  t.deepEqual(readHavip(tables, '10.0.1.51'), []);
  t.throws(() => readHavip(tables, 'nonsense'), { instanceOf: RangeError });
});

test.serial('a port’s counters and the losses are sums over the CPUs', (t) => {
  const tables = pinMaps(t.context.pinPath, 64);
  const frames = REASONS.map((_, reason) => BigInt(reason));
  count(join(mapsFolder(t.context.pinPath), 'port_counters'), 1, [...frames, 0n, STAMPED]);
  count(join(mapsFolder(t.context.pinPath), 'losses'), 0, [5n, 6n]);
  const cpus = BigInt(possibleCpus());
  t.is(readPortCounters(tables, 1)[REASON.REDIRECT_HOLDER], BigInt(REASON.REDIRECT_HOLDER) * cpus);
  t.true(readPortCounters(tables, 2).every((value) => value === 0n));
  t.true(readClaimCounters(tables, 1).every((value) => value === 0n));
  t.deepEqual(readLosses(tables), { ringFull: 5n * cpus, claimsFull: 6n * cpus });
});

test.serial('100,000 rows: the time is printed', (t) => {
  const tables = pinMaps(t.context.pinPath, 100_000);
  tables.subnets.set(1, { network: text('blue', 64), name: text('web', 64), used: 1, networkId: 1 });
  addPort(tables, 1, 'tap-a', PORT_KIND.VNIC);
  const holder = { mac: mac('02:00:00:00:00:0a'), port: 1 };
  const binding = { holder, former: NOBODY, sinceNs: 7n, moves: 0, by: 1, reserved: 0 };
  const keyAt = (i: number) => ({
    subnet: 1,
    address: addressBytes(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`),
  });
  tables.bindings.setAll(
    Array.from({ length: 100_000 }, (_, i) => [keyAt(i), { ...binding, havip: i }] as const),
  );
  const startMs = performance.now();
  const rows = readHavips(tables);
  t.log(`readHavips of ${rows.length}: ${(performance.now() - startMs).toFixed(0)} ms`);
  t.is(rows.length, 100_000);
});

const EVENT: EventRecord = {
  ...{ seq: 1, kind: 'bind', timeNs: 7n, wallNs: 8n, network: 'blue', subnet: 'web', address: '10.0.1.50' },
  ...{ from: null, to: { port: 'tap-a', mac: '02:00:00:00:00:0a' }, reason: 'arp-reply', count: 1 },
  repointNs: 55_000n,
};

function get(address: string, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request(`http://${address}${path}`, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    call.on('error', reject).end();
  });
}

const optionsOf = ({ folder, pinPath }: Lab) => ({
  pinPath,
  socket: join(folder, 'run', 'havip.sock'),
  metricsListen: { host: '127.0.0.1', port: 0 },
  webListen: null,
  statePath: join(folder, 'state'),
  version: '0.0.0-test',
});

test.serial('the observer serves list, events, reload, metrics and health from the pins', async (t) => {
  populate(pinMaps(t.context.pinPath, 64));
  const options = optionsOf(t.context);
  const observer = await Observer.start(options);
  t.teardown(() => observer.stop());
  observer.takeOrders({
    reload: () => Promise.resolve(['havip.yaml:3:1: bad']),
  } as Partial<OrderDesk> as OrderDesk);
  observer.tell({ type: 'events', events: [EVENT], moves: [] });
  observer.tell({ type: 'flapping', havips: [5] });
  const client = await ApiClient.connect(options.socket);
  const rows = await client.listHavips();
  t.deepEqual(rows.map(({ network, address, state }) => `${network} ${address} ${state}`).sort(), [
    'blue 10.0.1.50 held',
    'red 10.0.1.50 flapping',
    'red fd00::50 unheld',
  ]);
  t.deepEqual(await client.reload(), ['havip.yaml:3:1: bad']);
  const [batch] = await collect(client.events());
  t.deepEqual(batch?.events, [EVENT]);
  t.is((await client.daemon()).capacity.havips, 64);
  client.close();
  const metrics = await get(observer.metricsAddress as string, '/metrics');
  t.regex(metrics.body, /^havip_held\{network="blue",address="10.0.1.50"\} 1$/m);
  t.regex(metrics.body, /^havip_repoint_seconds_count 1$/m);
  const health = await get(observer.metricsAddress as string, '/healthz');
  t.is((JSON.parse(health.body) as { status: string }).status, 'ok');
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test.serial('a taken metrics port and a living daemon refuse the start by name', async (t) => {
  pinMaps(t.context.pinPath, 64);
  const options = optionsOf(t.context);
  const observer = await Observer.start(options);
  const port = Number(observer.metricsAddress?.split(':').pop());
  const taken = { ...options, socket: `${options.socket}2`, metricsListen: { host: '127.0.0.1', port } };
  const metricsError = await t.throwsAsync(Observer.start(taken), { instanceOf: HavipError });
  t.regex(metricsError?.message ?? '', new RegExp(`127.0.0.1:${port}.*another process`));
  const socketError = await t.throwsAsync(Observer.start(options), { instanceOf: HavipError });
  t.regex(socketError?.message ?? '', /a daemon already answers/);
  await observer.stop();
  const again = await Observer.start(options);
  await again.stop();
  await again.stop();
});

test.serial('a follower that resumes after the worker fell is told what it missed', async (t) => {
  populate(pinMaps(t.context.pinPath, 64));
  const options = optionsOf(t.context);
  let cameUp = (): void => undefined;
  const up = new Promise<void>((resolve) => (cameUp = resolve));
  const observer = await Observer.start(options, { onUp: () => cameUp() });
  t.teardown(() => observer.stop());
  observer.tell({ type: 'events', events: [EVENT], moves: [] });
  const before = await ApiClient.connect(options.socket);
  const [first] = await collect(before.events());
  before.close();
  await (observer as unknown as { worker: { terminate(): Promise<number> } }).worker.terminate();
  const meanwhile = Array.from({ length: 1_500 }, (_, at) => ({ ...EVENT, seq: at + 2 }));
  observer.tell({ type: 'events', events: meanwhile, moves: [] });
  await up;
  const after = await ApiClient.connect(options.socket);
  const batches = await collect(after.events({ afterSeq: 1n, epoch: first?.epoch ?? 0n }));
  after.close();
  // 2 to 501 have left the history of 1,000.
  t.like(batches[0], { lost: 500n, restarted: false, epoch: first?.epoch });
  t.is(batches.flatMap(({ events }) => events).length, 1_000);
});

test.serial('a worker that dies is reported, comes back, and knows what was told', async (t) => {
  populate(pinMaps(t.context.pinPath, 64));
  const options = optionsOf(t.context);
  const downs: string[] = [];
  let cameUp = (): void => undefined;
  const up = new Promise<void>((resolve) => (cameUp = resolve));
  const onDown = (error: HavipError): void => void downs.push(error.message);
  const observer = await Observer.start(options, { onDown, onUp: () => cameUp() });
  t.teardown(() => observer.stop());
  observer.tell({ type: 'events', events: [EVENT], moves: [] });
  await (observer as unknown as { worker: { terminate(): Promise<number> } }).worker.terminate();
  observer.tell({ type: 'flapping', havips: [4] });
  await up;
  t.is(downs.length, 1);
  const client = await ApiClient.connect(options.socket);
  const [batch] = await collect(client.events());
  t.deepEqual(batch?.events, [EVENT]);
  t.is((await client.listHavips({ network: 'blue' }))[0]?.state, 'flapping');
  client.close();
});

function run(...args: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  return { status, out: stdout, err: stderr };
}

test.serial('havip map reads without a daemon', (t) => {
  populate(pinMaps(t.context.pinPath, 64));
  const place = ['--pin-path', t.context.pinPath];
  const got = run('map', 'get', 'bindings', '10.0.1.50', 'blue/web', '--json', ...place);
  t.deepEqual(JSON.parse(got.out), [
    {
      key: { subnet: 'blue/web', address: '10.0.1.50' },
      value: {
        holder: { port: 'tap-a', mac: '02:00:00:00:00:0a' },
        former: null,
        ...{ sinceNs: 7, havip: 4, moves: 3, by: 'arp-reply' },
      },
    },
  ]);
  for (const name of MAP_NAMES) t.is(run('map', 'dump', name, ...place).status, 0, name);
  t.is(run('map', 'dump', 'targets', ...place).out.split('\n').length, 3);
  t.regex(run('map', 'list', ...place).out, /^bindings +hash +3 +64/m);
  t.is(run('map', 'get', 'bindings', '10.0.1.51', ...place).status, 1);
  t.is(run('map', 'dump', 'nonsense', ...place).status, 2);
  t.is(run('map', 'list', '--pin-path', join(t.context.folder, 'nowhere')).status, 4);
});
