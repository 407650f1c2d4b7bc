// SPDX-License-Identifier: BSD-2-Clause
// The streams of the API: snapshots and changes of HAVIPs and ports, events with filters, gaps that are told, and what
// a reader costs that stands still.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { Gate, LIMITS } from '../../src/api/limits.js';
import { Subscriber } from '../../src/api/subscriber.js';
import type { EventDelivery, HavipNews } from '../../src/api/types.js';
import { HavipWatch } from '../../src/api/watch-havips.js';
import { HavipError } from '../../src/errors.js';
import { BIG, DAEMON, event, FakeSource, havip } from './api-source.js';
import { serve } from './api-server.js';

const PREFACE_BYTES = 24;

const nameOf = ({ network, subnet, address }: { network: string; subnet: string; address: string }) => ({
  network,
  subnet,
  address,
});

/** One after the other, since a stream has no other end than ours. */
async function next<T>(items: AsyncGenerator<T>): Promise<T> {
  const one = await items.next();
  if (one.done) throw new Error('the stream has ended');
  return one.value;
}

test('a watch: the snapshot over several pages, a marker, then what changes and what is gone', async (t) => {
  const rows = Array.from({ length: 2_500 }, (_, i) => havip(i));
  const source = new FakeSource(rows);
  const { client } = await serve(t, source);
  const stop = new AbortController();
  const watch = client.watchHavips({}, stop.signal);
  const pages: HavipNews[] = [];
  do pages.push(await next(watch));
  while (!pages.at(-1)?.snapshotOver);
  t.deepEqual(pages.flatMap(({ havips }) => havips), rows); // prettier-ignore
  t.deepEqual(pages.map(({ snapshotBegins }) => snapshotBegins), [true, false, false]); // prettier-ignore

  const [first, second] = [havip(0), havip(1)];
  source.rows = [{ ...first, state: 'flapping', packets: BIG - 1n }, ...rows.slice(2)];
  source.changes.tell([nameOf(first), nameOf(second)]);
  t.deepEqual(await next(watch), {
    ...{ snapshotBegins: false, snapshotOver: false },
    havips: [source.rows[0]],
    gone: [nameOf(second)],
  });

  source.rows = [first];
  source.changes.tell(null);
  t.deepEqual(await next(watch), {
    ...{ snapshotBegins: true, snapshotOver: true },
    havips: [first],
    gone: [],
  });
  stop.abort();
  t.true((await watch.next()).done);
});

test('a watch of one network hears of no other; of nonsense it is wrong usage', async (t) => {
  const [blue, red] = [havip(1), { ...havip(2), network: 'red' }];
  const source = new FakeSource([blue, red]);
  const { client } = await serve(t, source);
  const stop = new AbortController();
  const watch = client.watchHavips({ network: 'red' }, stop.signal);
  t.deepEqual((await next(watch)).havips, [red]);
  source.changes.tell([nameOf(blue)]);
  source.changes.tell([nameOf(red)]);
  t.deepEqual((await next(watch)).havips, [red]);
  stop.abort();
  const error = await t.throwsAsync(next(client.watchHavips({ address: 'no\x1b' })), {
    instanceOf: HavipError,
  });
  t.is(error?.code, 'USAGE');
});

test('who is slow gets the newest state of each once, and a new snapshot after more than are kept', (t) => {
  const source = new FakeSource([havip(1)]);
  const watch = new HavipWatch(source, {});
  t.is([...watch.snapshot(source.rows)].length, 1);
  for (let i = 0; i < 1_000; i++) {
    source.rows = [{ ...havip(1), moves: i }];
    watch.changed([nameOf(havip(1))]);
  }
  t.deepEqual(watch.news()?.havips.map(({ moves }) => moves), [999]); // prettier-ignore
  t.is(watch.news(), null);
  t.false(watch.needsSnapshot);
  watch.changed(Array.from({ length: 10_001 }, (_, i) => nameOf(havip(i))));
  t.true(watch.needsSnapshot);
});

test('ports: listed, filtered, and watched by what differs', async (t) => {
  const source = new FakeSource();
  const { client } = await serve(t, source);
  const [tap, uplink] = DAEMON.ports;
  if (!tap || !uplink) throw new Error('two ports');
  t.deepEqual(await client.ports(), [tap, uplink]);
  t.deepEqual(await client.ports({ bridge: 'br' }), [tap]);
  const stop = new AbortController();
  const watch = client.watchPorts({}, stop.signal);
  t.deepEqual(await next(watch), { ports: [tap, uplink], gone: [], snapshotOver: true });
  source.setPorts([{ ...tap, up: false }]);
  t.deepEqual(await next(watch), { ports: [{ ...tap, up: false }], gone: [0], snapshotOver: false });
  stop.abort();
});

test('events are filtered where they are kept', async (t) => {
  const source = new FakeSource();
  source.history.add([
    event(1),
    event(2, { kind: 'bind' }),
    event(3, { address: '10.0.1.51' }),
    event(4, { network: 'red' }),
  ]);
  const { client } = await serve(t, source);
  const seqs = async (query: object): Promise<number[]> => {
    const found: number[] = [];
    for await (const { events } of client.events(query)) found.push(...events.map(({ seq }) => seq));
    return found;
  };
  t.deepEqual(await seqs({ kinds: ['bind', 'flap'] }), [2]);
  t.deepEqual(await seqs({ address: '10.0.1.51' }), [3]);
  t.deepEqual(await seqs({ network: 'red' }), [4]);
  t.deepEqual(await seqs({}), [1, 2, 3, 4]);
  const error = await t.throwsAsync(seqs({ kinds: ['__proto__'] }), { instanceOf: HavipError });
  t.is(error?.code, 'USAGE');
  t.regex(error?.cure ?? '', /one of: bind, move/);
});

test('a gap is told even where no event is left to tell, and so is another daemon’s number', async (t) => {
  const source = new FakeSource();
  source.history.add(Array.from({ length: 1_500 }, (_, i) => event(i + 1)));
  const { client } = await serve(t, source);
  const told = await next(client.events({ afterSeq: 100n, kinds: ['bind'] }));
  t.deepEqual(told, { events: [], lost: 400n, restarted: false, epoch: 77n });
  const other = await next(client.events({ afterSeq: 1_400n, epoch: 76n }));
  t.like(other, { restarted: true, epoch: 77n });
  t.is(other.events[0]?.seq, 501, 'all that is kept');
  t.like(await next(client.events({ afterSeq: 1_400n, epoch: 77n })), { lost: 0n, restarted: false });
});

test('whatever is jumped over is lost, also when a worker hears of it late', (t) => {
  const said: EventDelivery[] = [];
  const subscriber = new Subscriber((delivery) => (said.push(delivery), true));
  subscriber.begin({ events: [], restarted: false }, 5);
  subscriber.push([event(4), event(5), event(8)]);
  subscriber.push([event(9)]);
  t.deepEqual(
    said.map(({ events, lost }) => [events.map(({ seq }) => seq), lost]),
    [
      [[8], 2n],
      [[9], 0n],
    ],
  );
});

test('connections are counted, and those that broke the protocol are let go of', async (t) => {
  const options = { ...LIMITS.options, 'grpc.keepalive_time_ms': 4000, 'grpc.keepalive_timeout_ms': 2000 };
  const { socket, client } = await serve(t, new FakeSource(), { connections: 4, options });
  await client.daemon();
  // A SETTINGS frame of a length that is none; their ends of the line are closed and gone.
  const broken = Buffer.from('505249202a20485454502f322e300d0a0d0a534d0d0a0d0a0000a5040000000000', 'hex');
  for (let i = 0; i < 3; i++) {
    const connection = connect(socket, () => connection.write(broken));
    await once(connection, 'data');
    connection.destroy();
  }
  // Not a client: those of one process share a connection.
  const served = (): Promise<boolean> =>
    new Promise((resolve) => {
      const connection = connect(socket, () => connection.write(broken.subarray(0, PREFACE_BYTES)));
      connection.once('data', () => (connection.destroy(), resolve(true)));
      connection.on('error', () => resolve(false)).on('close', () => resolve(false));
    });
  t.false(await served(), 'the fifth is sent away');
  t.is((await client.daemon()).pid, 4711, 'the first is served all the time');
  let tries = 0;
  while (!(await served()) && tries++ < 300) await setTimeout(100);
  t.true(tries < 300, 'there is room again');
});

test('a gate lets so many in, and the next when one leaves; leaving twice is leaving once', async (t) => {
  const gate = new Gate(2, 'followers');
  const [first] = [gate.enter(), gate.enter()];
  t.is(t.throws(() => gate.enter(), { instanceOf: HavipError }).code, 'EXHAUSTED');
  const queued = gate.queue();
  first?.();
  first?.();
  const leave = await queued;
  t.throws(() => gate.enter());
  leave();
  t.notThrows(() => gate.enter());
});
