// SPDX-License-Identifier: BSD-2-Clause
// Records as bytes: what goes in comes out, and a segment that is cut or garbled anywhere yields the whole records
// before that place, no other and no exception.
import test from 'ava';
import fc from 'fast-check';
import { havip } from '../../src/api/havip.gen.js';
import { frame, MAX_RECORD_BYTES, scan } from '../../src/history/frames.js';
import {
  decodeDossier,
  decodeEvent,
  decodeHeader,
  encodeDossier,
  encodeEvent,
  kindOf,
} from '../../src/history/records.js';
import { dossier } from './dossiers.js';
import { event, header, range } from './history-records.js';

/** The bodies of all whole records. */
function bodies(bytes: Buffer): Buffer[] {
  const { starts, ends } = scan(bytes);
  return starts.map((start, i) => bytes.subarray(start, ends[i]));
}

const LOG = [header(), ...range(1, 6).map(encodeEvent), encodeDossier(dossier({ id: 6 }))];
const BYTES = Buffer.concat(LOG);
const ENDS = LOG.map((_, i) => Buffer.concat(LOG.slice(0, i + 1)).length);
const wholeBefore = (offset: number): number => ENDS.filter((end) => end <= offset).length;

test('events, dossiers and headers come back as they were', (t) => {
  const [head, ...rest] = bodies(BYTES);
  t.deepEqual(decodeHeader(head as Buffer)?.bootId, 'b');
  t.deepEqual(rest.slice(0, 6).map(decodeEvent), range(1, 6));
  t.deepEqual(decodeDossier(rest[6] as Buffer), dossier({ id: 6 }));
  t.deepEqual(bodies(BYTES).map(kindOf), ['header', ...Array<string>(6).fill('event'), 'dossier']);
});

test('an event without parties, and one with every number at its limit', (t) => {
  const extremes = [
    event(1, { from: null, to: null, repointNs: 0n, address: '' }),
    event(Number.MAX_SAFE_INTEGER, { timeNs: 2n ** 64n - 1n, wallNs: 2n ** 63n, count: 2 ** 40 }),
  ];
  t.deepEqual(bodies(Buffer.concat(extremes.map(encodeEvent))).map(decodeEvent), extremes);
});

test('any protobuf library reads them: length-delimited messages', (t) => {
  const first = LOG[1] as Buffer;
  const record = havip.history.Record.decode(first.subarray(1));
  t.is(first[0], first.length - 1);
  t.is(record.event?.kind, 'move');
});

test('cut at every byte: the whole records before', (t) => {
  for (let cut = 0; cut <= BYTES.length; cut++) {
    const found = bodies(BYTES.subarray(0, cut));
    const expected = wholeBefore(cut);
    if (found.length !== expected) t.fail(`cut at ${cut}: ${found.length} records, not ${expected}`);
  }
  t.is(wholeBefore(BYTES.length), LOG.length);
});

test('every bit flipped in the last two records: the whole records before', (t) => {
  const from = ENDS.at(-3) as number;
  for (let at = from; at < BYTES.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const garbled = Buffer.from(BYTES);
      garbled.writeUInt8((garbled[at] as number) ^ (1 << bit), at);
      const found = bodies(garbled);
      const expected = bodies(BYTES.subarray(0, ENDS[wholeBefore(at) - 1]));
      if (!Buffer.concat(found).equals(Buffer.concat(expected))) t.fail(`bit ${bit} of byte ${at}`);
    }
  }
  t.pass();
});

test('cut and overwritten at will: a prefix of the records, never an exception', (t) => {
  const garble = fc.tuple(
    fc.nat(BYTES.length - 1),
    fc.uint8Array({ minLength: 1, maxLength: 40 }),
    fc.nat(BYTES.length),
  );
  fc.assert(
    fc.property(garble, ([at, noise, cut]) => {
      const garbled = Buffer.from(BYTES);
      garbled.set(noise.subarray(0, BYTES.length - at), at);
      const found = bodies(garbled.subarray(0, cut));
      const untouched = wholeBefore(Math.min(at, cut));
      const prefix = bodies(BYTES.subarray(0, ENDS[untouched - 1] ?? 0));
      t.true(found.length >= untouched);
      t.true(Buffer.concat(found.slice(0, untouched)).equals(Buffer.concat(prefix)));
    }),
    { numRuns: 2000 },
  );
});

test('bytes that were never ours: nothing, and no exception', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => bodies(Buffer.from(noise)).length === 0),
  );
  t.is(bodies(Buffer.alloc(4096)).length, 0, 'zeros, as a file system leaves them after a power cut');
});

test('a length that nobody writes is not believed', (t) => {
  t.throws(() => frame(Buffer.alloc(MAX_RECORD_BYTES)), { instanceOf: RangeError });
  t.throws(() => frame(Buffer.alloc(0)), { instanceOf: RangeError });
  t.is(bodies(Buffer.from([0xff, 0xff, 0xff, 0x7f, 0x0d, 1, 2, 3])).length, 0);
});

test('a body that is no record, under a right checksum: null', (t) => {
  const [body] = bodies(frame(Buffer.from([0x1a, 0x7f, 1])));
  t.is(decodeEvent(body as Buffer), null);
  t.is(kindOf(Buffer.from([0x2a, 0])), 'other');
});
