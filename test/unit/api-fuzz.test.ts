// SPDX-License-Identifier: BSD-2-Clause
// Mutated requests to every method, through the very deserialisers and handlers, and a share of mutated HTTP/2 over a
// real socket: nothing throws past them, every error is one of the list, every answer can be sent, memory stays.
//   HAVIP_API_FUZZ=1000000 [HAVIP_API_SEED=N] ava build/test/unit/api-fuzz.test.js
import { EventEmitter } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import test from 'ava';
import { handlers } from '../../src/api/handlers.js';
import { LIMITS, newGates } from '../../src/api/limits.js';
import { SERVICE } from '../../src/api/service.js';
import { STATUS_BY_CODE } from '../../src/api/status.js';
import { parseConfig } from '../../src/config/parse.js';
import { NO_RUNTIME } from '../../src/config/runtime.js';
import {
  addEip,
  addHavip,
  nameHavip,
  removeEip,
  removeHavip,
  setMembers,
} from '../../src/control/runtime-edits.js';
import type { OrderKind, Orders } from '../../src/observe/orders.js';
import { chanceOf, mutate } from '../support/mutate.js';
import { event, FakeSource, havip } from './api-source.js';
import { serve } from './api-server.js';

const COUNT = Number(process.env.HAVIP_API_FUZZ ?? 20_000);
const SEED = Number(process.env.HAVIP_API_SEED ?? 20261125);
/** At once, in process: they share the turns of the loop that streams wait for. */
const BATCH = 256;
/** Of a hundred. */
const OVER_SOCKET = 1;
const MAX_GROWTH_BYTES = 256 * 1024 * 1024;

const NAMES = ['blue', 'web', '10.0.1.60', 'fd00::1', '__proto__', 'constructor', '../../x', 'a\x1b[2J', 'a\u202eb', '\0', 'x'.repeat(5000)]; // prettier-ignore

type Method = keyof typeof SERVICE;
const METHODS = Object.keys(SERVICE) as Method[];
interface Codec {
  requestSerialize(message: object): Buffer;
  requestDeserialize(bytes: Buffer): unknown;
  responseSerialize(message: object): Buffer;
}
const codecOf = (method: Method): Codec => SERVICE[method];

/** A lawful request; which fields it has is each method's, and what it does not know it skips. */
function request(method: Method, chance: () => number): object {
  const name = (): string => {
    const text = NAMES[Math.floor(chance() * NAMES.length)] ?? '';
    const at = Math.floor(chance() * text.length);
    const odd = String.fromCharCode(Math.floor(chance() * 0x3000));
    return chance() < 0.5 ? text : text.slice(0, at) + odd + text.slice(at + 1);
  };
  const text = {
    network: name(),
    subnet: name(),
    address: name(),
    havip: name(),
    name: name(),
    bridge: name(),
  };
  const words = { rebind: name(), guard: name(), serviceMac: name(), dampingWindow: name(), egress: name() };
  const trace = { port: name(), to: name(), from: name(), transport: name(), mac: name(), vlan: [1, 5000] };
  const lists = { members: [name(), name()], kinds: [name(), 'move'], last: 3, id: 7, dampingMoves: 9 };
  if (method === 'setMembers') return { ...lists, havip: text };
  if (method === 'addEip') return { ...text, ...words };
  return {
    ...{ ...text, havip: undefined, ...words, ...trace, ...lists },
    follow: chance() < 0.5,
    afterSeq: Math.floor(chance() * 20),
    epoch: chance() < 0.5 ? 77 : 0,
  };
}

const { config } = parseConfig(
  'networks: [{ name: blue, subnets: [{ name: web, cidr: 10.0.1.0/24, bridge: br, havips: [{ address: 10.0.1.50 }] }] }]',
  'f',
);

/** Orders are edited as the control thread edits them, and now and then checked as it checks them. */
class EditingSource extends FakeSource {
  override order<K extends OrderKind>(kind: K, ask: Orders[K]['ask']): Promise<Orders[K]['reply']> {
    return Promise.resolve().then(() => this.edit(kind, ask) as Orders[K]['reply']);
  }

  private checks = 0;

  private edit(kind: OrderKind, ask: unknown): unknown {
    if (!config) throw new Error('no configuration');
    if (kind === 'reload') return ['a line'];
    if (kind === 'clearFlapping')
      return {
        havip: nameHavip(config, ask as Orders['removeHavip']['ask']),
        wasFlapping: false,
        applied: false,
      };
    const edit = { addHavip, removeHavip, setMembers, addEip, removeEip }[kind] as typeof addHavip;
    const { next, name } = edit(config, NO_RUNTIME, ask as Orders['addHavip']['ask']);
    if (this.checks++ % 20 === 0) parseConfig('networks: [{ name: blue, subnets: [{ name: web, cidr: 10.0.1.0/24, bridge: br }] }]', 'f', next); // prettier-ignore
    return name;
  }
}

function newSource(): EditingSource {
  const source = new EditingSource([havip(1), havip(2)]);
  source.history.add(Array.from({ length: 10 }, (_, i) => event(i + 1)));
  return source;
}

/** What came of one request. Shape: the code that it ended with. */
type Run = (request: unknown) => Promise<status>;

/** A handler outside a server: answers are encoded, and a stream that waits for news is cancelled. */
function runnerOf(method: Method, implementation: UntypedServiceImplementation): Run {
  const { responseSerialize } = codecOf(method);
  const handle = implementation[method] as (call: unknown, callback?: unknown) => void;
  if (!SERVICE[method].responseStream) {
    return (request) =>
      new Promise((resolve) =>
        handle({ request }, (error: { code: status; details: string } | null, reply: object) => {
          if (!error) responseSerialize(reply);
          else encodeURI(error.details);
          resolve(error ? error.code : status.OK);
        }),
      );
  }
  return (request) =>
    new Promise((resolve) => {
      const call = Object.assign(new EventEmitter(), {
        request,
        cancelled: false,
        write: (message: object, taken: () => void) => {
          responseSerialize(message);
          setImmediate(() => {
            taken();
            // A follower would wait for ever.
            call.cancelled = true;
            call.emit('cancelled');
            resolve(status.OK);
          });
        },
        end: () => resolve(status.OK),
      });
      call.on('error', (error) => resolve((error as unknown as { code: status }).code));
      handle(call);
      // One that has nothing to say yet.
      setImmediate(() => setImmediate(() => (call.emit('cancelled'), resolve(status.OK))));
    });
}

/** null: refused, as grpc-js then refuses the call. */
function decodedOr(decode: (bytes: Buffer) => unknown, bytes: Buffer): unknown {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

const residentMb = (): number => Math.round(process.memoryUsage.rss() / 2 ** 20);

test.serial('mutated messages break nothing', async (t) => {
  t.timeout(3_600_000);
  const startMs = performance.now();
  const before = process.memoryUsage.rss();
  const chance = chanceOf(SEED);
  const implementation = handlers(newSource(), newGates());
  const runs = new Map(METHODS.map((method) => [method, runnerOf(method, implementation)]));
  const lawful = new Set<status>([status.OK, ...Object.values(STATUS_BY_CODE)]);
  const ended = new Map<status | 'undecodable', number>();
  const inProcess = COUNT - Math.round((COUNT * OVER_SOCKET) / 100);
  const one = async (i: number): Promise<void> => {
    const method = METHODS[i % METHODS.length] as Method;
    const { requestSerialize, requestDeserialize } = codecOf(method);
    const lawfulBytes = requestSerialize(request(method, chance));
    // Of some only the texts are odd: broken bytes seldom come as far as a handler.
    const bytes = chance() < 0.3 ? lawfulBytes : mutate(lawfulBytes, chance);
    const message = decodedOr(requestDeserialize, bytes);
    const code = message === null ? 'undecodable' : await runs.get(method)?.(message);
    if (code === undefined || (code !== 'undecodable' && !lawful.has(code)))
      throw new Error(`case ${i} of seed ${SEED}, ${method}: ended with ${code}: ${bytes.toString('hex')}`);
    ended.set(code, (ended.get(code) ?? 0) + 1);
  };
  for (let i = 0; i < inProcess; i += BATCH)
    await Promise.all(Array.from({ length: Math.min(BATCH, inProcess - i) }, (_, at) => one(i + at)));
  const growth = process.memoryUsage.rss() - before;
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const told = [...ended].map(([code, count]) => `${status[code as status] ?? code} ${count}`).join(', ');
  t.log(
    `${inProcess} messages, seed ${SEED}: ${seconds} s, ${Math.round(before / 2 ** 20)} -> ${residentMb()} MB`,
  );
  t.log(told);
  t.true(growth < MAX_GROWTH_BYTES);
  t.true((ended.get(status.OK) ?? 0) > inProcess / 10, 'some of them do get through');
});

/** Literal header fields without indexing (RFC 7541 section 6.2.2), which any decoder takes. */
function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer => Buffer.from([value.length, ...Buffer.from(value)]);
  return Buffer.concat(Object.entries(fields).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)])); // prettier-ignore
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** One call as it lies on the wire. */
function conversation(method: Method, chance: () => number): Buffer {
  const message = codecOf(method).requestSerialize(request(method, chance));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const headers = headerBlock({
    ':method': 'POST',
    ':scheme': 'http',
    ':path': SERVICE[method].path,
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const [settings, head] = [frame(4, 0, 0, Buffer.alloc(0)), frame(1, 4, 1, headers)];
  return Buffer.concat([PREFACE, settings, head, frame(0, 1, 1, Buffer.concat([prefix, message]))]);
}

/** What broke the protocol is let go within the run, not a minute after it. */
const ASKS_OFTEN = {
  ...LIMITS.options,
  'grpc.keepalive_time_ms': 1000,
  'grpc.keepalive_timeout_ms': 1000,
};

test.serial('mutated HTTP/2 breaks nothing, and the next client is served', async (t) => {
  t.timeout(3_600_000);
  const startMs = performance.now();
  const before = process.memoryUsage.rss();
  const chance = chanceOf(SEED + 1);
  const { socket, client } = await serve(t, newSource(), { ...LIMITS, options: ASKS_OFTEN });
  const count = Math.round((COUNT * OVER_SOCKET) / 100);
  let answered = 0;
  const one = (i: number): Promise<void> =>
    new Promise((resolve) => {
      const bytes = conversation(METHODS[i % METHODS.length] as Method, chance);
      const connection = connect(socket, () =>
        connection.write(mutate(bytes, chance, chance() < 0.8 ? PREFACE.length : 0)),
      );
      let timer = setTimeout(() => connection.destroy(), 1000);
      connection.once('data', () => {
        answered++;
        clearTimeout(timer);
        timer = setTimeout(() => connection.destroy(), 10);
      });
      connection.on('error', () => connection.destroy());
      connection.on('close', () => (clearTimeout(timer), resolve()));
    });
  const LANES = 32;
  const lane = async (first: number): Promise<void> => {
    for (let i = first; i < count; i += LANES) await one(i);
  };
  await Promise.all(Array.from({ length: LANES }, (_, first) => lane(first)));
  t.is((await client.daemon()).pid, 4711);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  t.log(
    `${count} conversations, seed ${SEED + 1}: ${seconds} s, ${Math.round(before / 2 ** 20)} -> ${residentMb()} MB`,
  );
  t.true(answered > 0);
  t.true(process.memoryUsage.rss() - before < MAX_GROWTH_BYTES);
});

/** Calls a method with bytes of our own. @returns grpc-status. */
function call(
  session: ClientHttp2Session,
  feed: (stream: ClientHttp2Stream) => void,
  headers: object = {},
): Promise<number> {
  const stream = session.request({
    ':method': 'POST',
    ':path': SERVICE.getDaemon.path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  return new Promise((resolve) => {
    const end = (all: object): void => {
      const code = (all as Record<string, string>)['grpc-status'];
      if (code !== undefined) resolve(Number(code));
    };
    stream.on('response', end).on('trailers', end);
    stream.on('error', () => undefined).resume();
    feed(stream);
  });
}

test.serial(
  'a message of 100 MB is refused by its head; a small one that unpacks to as much, too',
  async (t) => {
    const { socket, client } = await serve(t, newSource());
    const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
    t.teardown(() => session.destroy());
    session.on('error', () => undefined);
    const before = process.memoryUsage.rss();
    const head = (length: number, packed = 0): Buffer => {
      const prefix = Buffer.alloc(5);
      prefix.writeUInt8(packed);
      prefix.writeUInt32BE(length, 1);
      return prefix;
    };
    const MB = Buffer.alloc(2 ** 20);
    const large = await call(session, (stream) => {
      stream.write(head(100 * 2 ** 20));
      let sent = 0;
      const pour = (): void => {
        while (!stream.destroyed && sent++ < 100)
          if (!stream.write(MB)) return void stream.once('drain', pour);
      };
      pour();
    });
    t.is(large, status.RESOURCE_EXHAUSTED);
    const bomb = gzipSync(Buffer.alloc(100 * 2 ** 20));
    const unpacked = await call(
      session,
      (stream) => {
        stream.write(head(bomb.length, 1));
        stream.end(bomb);
      },
      { 'grpc-encoding': 'gzip' },
    );
    t.is(unpacked, status.RESOURCE_EXHAUSTED);
    t.is((await client.daemon()).pid, 4711, 'and others are served');
    t.log(`${Math.round(before / 2 ** 20)} -> ${residentMb()} MB`);
    t.true(process.memoryUsage.rss() - before < MAX_GROWTH_BYTES);
  },
);
