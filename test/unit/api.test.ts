// SPDX-License-Identifier: BSD-2-Clause
// The control API over a real Unix socket, with a source that is made up: 64-bit numbers, pages, slow readers, and
// what each failure tells an operator.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ApiClient } from '../../src/api/client.js';
import { ApiServer } from '../../src/api/server.js';
import type { ApiSource, DaemonStatus, DossierQuery, HavipQuery, HavipStatus } from '../../src/api/types.js';
import { fromWire64, toWire64 } from '../../src/api/wire.js';
import { HavipError } from '../../src/errors.js';
import { dossier } from './dossiers.js';
import type { Dossier } from '../../src/holders/dossier.js';
import { DossierMemory } from '../../src/observe/dossiers.js';
import { History } from '../../src/observe/history.js';
import type { EventRecord } from '../../src/observe/messages.js';

const BIG = 2n ** 64n - 1n;

const havip = (i: number): HavipStatus => ({
  ...{ network: 'blue', subnet: 'web', address: `10.0.${i >> 8}.${i & 255}`, state: 'held', moves: i },
  holder: {
    ...{ port: 'tap-a', mac: '02:00:00:00:00:0a', location: 'local', by: 'arp-reply' },
    ...{ sinceNs: 2n ** 53n + 1n, sinceWallNs: 2n ** 60n + 1n },
  },
  ...{ packets: BIG, bytes: 2n ** 32n, savedPackets: 0n, unheldPackets: 1n },
});

const DAEMON: DaemonStatus = {
  ...{
    pid: 4711,
    version: '0.1.0',
    startedWallNs: 2n ** 60n + 1n,
    abi: 1,
    pinPath: '/pins',
    metricsAddress: null,
    webAddress: '127.0.0.1:9478',
  },
  ports: [
    {
      slot: 1,
      name: 'tap-a',
      bridge: 'br',
      kind: 'vnic',
      hook: 'tc',
      up: true,
      takesXdp: false,
      failure: null,
    },
    {
      slot: 0,
      name: '',
      bridge: '',
      kind: 'uplink',
      hook: 'xdp',
      up: false,
      takesXdp: true,
      failure: 'busy',
    },
  ],
  absent: [{ kind: 'uplink', name: 'eth9' }],
  config: { stale: true, path: null, loadedWallNs: BIG, problems: ['f:1:1: bad'] },
  capacity: { havips: 100_000, ports: 1_000 },
  history: { path: '/state', failure: 'ENOSPC', lost: 3 },
};

const event = (seq: number, change: Partial<EventRecord> = {}): EventRecord => ({
  ...{
    seq,
    kind: 'move',
    timeNs: BIG,
    wallNs: 2n ** 60n + 1n,
    network: 'blue',
    subnet: 'web',
    address: '10.0.1.50',
  },
  ...{ from: { port: 'tap-a', mac: '' }, to: null, reason: 'arp-reply', count: 1, repointNs: null },
  ...change,
});

class FakeSource implements ApiSource {
  readonly history = new History();
  readonly moves = new DossierMemory();
  problems: readonly string[] | HavipError = [];
  constructor(private readonly rows: readonly HavipStatus[] = []) {}

  listHavips({ address }: HavipQuery): Iterable<HavipStatus> {
    if (address === 'bad') throw new HavipError('USAGE', 'not an IP address: "bad"');
    return this.rows.filter((row) => row.address === (address ?? row.address));
  }

  daemon(): DaemonStatus {
    return DAEMON;
  }

  dossiers(query: DossierQuery): readonly Dossier[] {
    return this.moves.find(query);
  }

  async reload(): Promise<readonly string[]> {
    if (this.problems instanceof HavipError) throw this.problems;
    return Promise.resolve(this.problems);
  }
}

function place(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'havip-api-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, 'run', 'havip.sock');
}

async function serve(t: ExecutionContext, source: ApiSource): Promise<{ socket: string; client: ApiClient }> {
  const socket = place(t);
  const server = await ApiServer.start(socket, source);
  const client = await ApiClient.connect(socket);
  t.teardown(() => (client.close(), server.stop()));
  return { socket, client };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const wide = test.macro({
  exec: (t, value: bigint) => t.is(fromWire64(toWire64(value)), value),
  title: (_, value) => `64 bits survive the wire's form: ${value}`,
});
for (const value of [
  0n,
  1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n,
  BIG,
]) {
  test(wide, value);
}

test('a list arrives whole, over several pages, each number exact', async (t) => {
  const rows = Array.from({ length: 2_500 }, (_, i) => havip(i));
  const { client } = await serve(
    t,
    new FakeSource([...rows, { ...havip(9), state: 'unheld', holder: null }]),
  );
  const got = await client.listHavips();
  t.deepEqual(got.slice(0, -1), rows);
  t.is(got.at(-1)?.holder, null);
});

test('a filter travels; no match is an empty list; nonsense is wrong usage', async (t) => {
  const { client } = await serve(t, new FakeSource([havip(1), havip(2)]));
  t.deepEqual(await client.listHavips({ address: '10.0.0.2' }), [havip(2)]);
  t.deepEqual(await client.listHavips({ address: '10.0.0.3' }), []);
  const error = await t.throwsAsync(client.listHavips({ address: 'bad' }), { instanceOf: HavipError });
  t.is(error?.code, 'USAGE');
  t.is(error?.message, 'not an IP address: "bad"');
});

test('the daemon describes itself', async (t) => {
  const { client } = await serve(t, new FakeSource());
  t.deepEqual(await client.daemon(), DAEMON);
});

test('reload returns the problems, and an error as an error', async (t) => {
  const source = new FakeSource();
  const { client } = await serve(t, source);
  t.deepEqual(await client.reload(), []);
  source.problems = ['f:1:1: bad', 'f:2:1: worse'];
  t.deepEqual(await client.reload(), source.problems);
  source.problems = new HavipError('FAILED', 'no such file');
  const error = await t.throwsAsync(client.reload(), { instanceOf: HavipError });
  t.is(error?.message, 'no such file');
});

test('events: the history, then an end; absent and zero re-point times stay apart', async (t) => {
  const source = new FakeSource();
  const events = [event(1), event(2, { repointNs: 0n }), event(3, { repointNs: BIG, from: null, count: 9 })];
  source.history.add(events);
  const { client } = await serve(t, source);
  t.deepEqual(
    (await collect(client.events())).flatMap((batch) => batch.events),
    events,
  );
  t.deepEqual(
    (await collect(client.events({ afterSeq: 2n }))).flatMap((batch) => batch.events),
    [events[2]],
  );
});

test('events: a whole history of 1,000 comes through', async (t) => {
  const source = new FakeSource();
  source.history.add(Array.from({ length: 1_500 }, (_, i) => event(i + 1)));
  const { client } = await serve(t, source);
  const batches = await collect(client.events({ afterSeq: 100n }));
  t.is(batches.flatMap((batch) => batch.events).length, 1_000);
  t.is(batches[0]?.lost, 400n, '101 to 500 have left');
});

test('following hears what happens next and ends by its signal', async (t) => {
  const source = new FakeSource();
  source.history.add([event(1)]);
  const { client } = await serve(t, source);
  const stop = new AbortController();
  const seqs: number[] = [];
  for await (const { events } of client.events({ follow: true, signal: stop.signal })) {
    seqs.push(...events.map(({ seq }) => seq));
    if (seqs.length === 1) source.history.add([event(2), event(3)]);
    else stop.abort();
  }
  t.deepEqual(seqs, [1, 2, 3]);
});

test('a reader that stands still loses its own events only, and learns how many', async (t) => {
  const source = new FakeSource();
  const { socket, client } = await serve(t, source);
  source.history.add([event(1)]);
  const total = 40_001;
  const still = await stoppedReader(t, socket, total);
  const stop = new AbortController();
  const quick = client.events({ follow: true, signal: stop.signal });
  const reason = 'x'.repeat(400);
  let seen = 0;
  for (let seq = 2; seq <= total; seq += 100) {
    source.history.add(Array.from({ length: 100 }, (_, i) => event(seq + i, { reason })));
    while (seen < seq + 99) {
      const next = await quick.next();
      seen = next.done ? total : (next.value.events.at(-1)?.seq ?? seen);
    }
  }
  t.is(seen, total, 'the quick one has them all');
  const { events, lost } = await still.goOn();
  t.true(lost > 0, 'the one that stood still was cut');
  t.is(1 + events + lost, total, 'and knows exactly what it missed');
  stop.abort();
});

/** A client in a process of its own, stopped as soon as it follows: a paused one would still read for the socket. */
async function stoppedReader(t: ExecutionContext, socket: string, last: number) {
  const client = new URL('../../src/api/client.js', import.meta.url).href;
  const script = `import { ApiClient } from ${JSON.stringify(client)};
    const sum = { events: 0, lost: 0 };
    for await (const { events, lost } of (await ApiClient.connect(${JSON.stringify(socket)})).events({ follow: true })) {
      if (events[0].seq === 1) process.send('follows');
      else sum.events += events.length;
      sum.lost += Number(lost);
      if (events.at(-1).seq === ${last}) process.send(sum, () => process.exit());
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'message');
  child.kill('SIGSTOP');
  return {
    goOn: async (): Promise<{ events: number; lost: number }> => {
      child.kill('SIGCONT');
      const [sum] = (await once(child, 'message')) as [{ events: number; lost: number }];
      return sum;
    },
  };
}

test('socket and folder are for root and its group', async (t) => {
  const { socket } = await serve(t, new FakeSource());
  t.is(statSync(socket).mode & 0o777, 0o660);
  t.is(statSync(join(socket, '..')).mode & 0o777, 0o750);
});

test('a living daemon keeps its socket', async (t) => {
  const { socket, client } = await serve(t, new FakeSource());
  const error = await t.throwsAsync(ApiServer.start(socket, new FakeSource()), { instanceOf: HavipError });
  t.is(error?.code, 'FAILED');
  t.true(error?.message.includes(socket));
  t.is((await client.daemon()).pid, 4711, 'and goes on serving');
});

test('a stale socket is taken over, another file is not', async (t) => {
  const socket = place(t);
  const first = await ApiServer.start(socket, new FakeSource());
  first.stop();
  await staleSocket(socket);
  const second = await ApiServer.start(socket, new FakeSource());
  const client = await ApiClient.connect(socket);
  t.is((await client.daemon()).pid, 4711);
  client.close();
  second.stop();
  writeFileSync(`${socket}.txt`, 'precious');
  await t.throwsAsync(ApiServer.start(`${socket}.txt`, new FakeSource()), {
    message: /exists and is no socket/,
  });
  t.true(existsSync(`${socket}.txt`));
});

/** What a killed daemon leaves: a socket file that nobody listens on. */
async function staleSocket(socket: string): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
  rmSync(socket, { force: true });
  await new Promise((resolve) => spawn(process.execPath, ['-e', script]).once('exit', resolve));
}

test('no daemon: exit 4, the path, and what to do', async (t) => {
  const socket = place(t);
  const error = await t.throwsAsync(ApiClient.connect(socket), { instanceOf: HavipError });
  t.is(error?.exitCode, 4);
  t.true(error?.message.includes(socket));
  t.regex(error?.cure ?? '', /^start it: havip run --config FILE/);
});

test('a daemon that stops ends the followers with exit 4', async (t) => {
  const socket = place(t);
  const server = await ApiServer.start(socket, new FakeSource());
  const client = await ApiClient.connect(socket);
  const following = collect(client.events({ follow: true }));
  await client.daemon();
  server.stop();
  const error = await t.throwsAsync(following, { instanceOf: HavipError });
  t.is(error?.exitCode, 4);
  t.false(existsSync(socket), 'and the socket is gone');
  client.close();
});

test('a daemon that is stuck is reported within the deadline', async (t) => {
  const socket = place(t);
  mkdirSync(join(socket, '..'));
  const open: Socket[] = [];
  const mute = createServer((connection) => open.push(connection.resume()));
  await new Promise<void>((resolve) => mute.listen(socket, resolve));
  t.teardown(() => (mute.close(), open.forEach((connection) => connection.destroy())));
  const client = await ApiClient.connect(socket);
  t.teardown(() => client.close());
  const startMs = performance.now();
  const error = await t.throwsAsync(client.daemon(), { instanceOf: HavipError });
  t.is(error?.code, 'FAILED');
  t.regex(error?.message ?? '', /no answer for 5 s/);
  t.true(performance.now() - startMs < 8_000);
});

test('no permission: exit 3', async (t) => {
  const { socket } = await serve(t, new FakeSource());
  chmodSync(join(socket, '..', '..'), 0o755);
  const client = new URL('../../src/api/client.js', import.meta.url).href;
  const script = `import { ApiClient } from ${JSON.stringify(client)};
    process.setgroups([65534]);
    process.setgid(65534);
    process.setuid(65534);
    ApiClient.connect(${JSON.stringify(socket)}).catch((error) => process.exit(error.exitCode));`;
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  t.is(status, 3);
});

test('dossiers arrive as they were, absent stamps included, and are found by id, address and number', async (t) => {
  const source = new FakeSource();
  const moves = [
    dossier({ id: 7 }),
    dossier({ id: 9, address: '10.0.1.51', from: null, vrrp: null, outageNs: null, basis: 'none' }),
    dossier({ id: 12, outageNs: 0n }),
  ];
  for (const move of moves) source.moves.put(move);
  const { client } = await serve(t, source);
  t.deepEqual(await client.dossiers(), moves);
  t.deepEqual(await client.dossiers({ id: 9 }), moves.slice(1, 2));
  t.deepEqual(await client.dossiers({ address: '10.0.1.50', last: 1 }), moves.slice(2));
  t.deepEqual(await client.dossiers({ id: 8 }), []);
});
