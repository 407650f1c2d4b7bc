// SPDX-License-Identifier: BSD-2-Clause
// Random and mutated frames: whatever comes, every entry does the same, counts exactly one reason, and changes at most
// the six bytes of the destination MAC. A failure prints its seed; HAVIP_SEED runs it again.
import test from 'ava';
import fc from 'fast-check';
import { POLICY_FLAGS } from '../../src/kernel/layout.gen.js';
import { addressBytes } from '../../src/net/addresses.js';
import { BROADCAST, ethernet, ipv4, ipv6, macBytes } from './frames.js';
import {
  answer,
  announceReply,
  announceRequest,
  HOLDER,
  packet4,
  packet6,
  PEER_V4,
  probe,
  question,
  SENDER,
  STALE,
  tagged,
} from './names.js';
import { bindings, ENTRIES, observe, runsIn, world, type Observation } from './observe.js';
import { V4, V6, type Situation } from './world.js';

const seed = Number(process.env.HAVIP_SEED ?? Date.now() % 2 ** 31);
const RUNS = 250;
const SHORTEST = 14;

const BASES = [
  packet4(),
  packet6(),
  packet4(HOLDER, tagged(100)),
  packet4(STALE, tagged(100, 7)),
  packet4(BROADCAST, tagged(0)),
  announceRequest(),
  announceReply({}, tagged(100)),
  announceRequest({}, tagged(0, 100)),
  answer(),
  question(),
  probe({}, tagged(100, 7)),
  ipv4({ to: STALE, from: HOLDER }, { source: V4, destination: PEER_V4 }),
  ipv6({ to: STALE, from: SENDER }, { source: V6, destination: V6, options: Buffer.alloc(16) }),
];

const held = {
  v4: ['other', HOLDER],
  v6: ['uplink', HOLDER],
  tagged: ['guest', SENDER],
  double: ['small', HOLDER],
} as const;
const SITUATIONS: readonly Situation[] = [
  { held },
  { held, in: 'uplink' },
  { held, in: 'host', flags: POLICY_FLAGS.OPEN | POLICY_FLAGS.GUARD_MONITOR },
  { held, flags: 0, members: ['other'] },
  { held, in: 'other', flags: POLICY_FLAGS.GUARD_MONITOR, members: ['uplink'] },
  { flags: POLICY_FLAGS.OPEN | POLICY_FLAGS.UNHELD_DROP },
  { held: { v4: ['gone', HOLDER], v6: ['host', HOLDER] }, untagged: 0 },
  { held: { v4: ['host', HOLDER], v6: ['host', HOLDER], tagged: ['tap', STALE] } },
];

const bytes = (maxLength: number) =>
  fc.uint8Array({ minLength: 0, maxLength }).map((array) => Buffer.from(array));

/** Anything at all. */
const noise = bytes(200).map((tail) =>
  Buffer.concat([macBytes(STALE), macBytes(SENDER), tail, Buffer.alloc(2)]),
);

/** The ethertypes that are looked into, before bytes that mean nothing. */
const hollow = fc
  .tuple(fc.constantFrom(0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x8847), bytes(80))
  .map(([type, payload]) => ethernet({ to: STALE, from: SENDER }, type, payload));

/** A good frame with some bytes changed, most of them in its headers, and perhaps cut or with something behind it. */
const mutated = fc
  .tuple(
    fc.constantFrom(...BASES),
    fc.array(fc.tuple(fc.nat(70), fc.constantFrom(0, 1, 2, 4, 6, 8, 0x40, 0x81, 0xa8, 0xdd, 0xff)), {
      maxLength: 4,
    }),
    fc.option(fc.integer({ min: SHORTEST, max: 80 }), { freq: 3 }),
    bytes(40),
  )
  .map(([base, changes, length, tail]) => {
    const frame = Buffer.concat([base, tail]);
    for (const [at, value] of changes) if (at < frame.length) frame.writeUInt8(value, at);
    return length === null ? frame : frame.subarray(0, length);
  });

const frames = fc.oneof({ arbitrary: mutated, weight: 6 }, hollow, noise);
const situations = fc.constantFrom(...SITUATIONS);
const ADDRESSES = [addressBytes(V4).slice(12), addressBytes(V6)].map((bytes) => Buffer.from(bytes));

function seenBy(situation: Situation, frame: Buffer): Observation[] {
  return ENTRIES.filter((entry) => runsIn(entry, frame)).map((entry) => {
    world.arrange(situation);
    return observe(entry, frame);
  });
}

const holds = (title: string, property: (situation: Situation, frame: Buffer) => void): void => {
  test.serial(title, (t) => {
    t.log(`HAVIP_SEED=${seed}`);
    t.notThrows(() => fc.assert(fc.property(situations, frames, property), { seed, numRuns: RUNS }));
  });
};

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

const textOf = (seen: Observation): string =>
  JSON.stringify(seen, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

holds('every entry does the same to any frame', (situation, frame) => {
  const [first, ...rest] = seenBy(situation, frame).map(textOf);
  for (const other of rest) must(first === other, `${first}\n${other}`);
});

holds("any frame leaves with its bytes, but for a delivered one's destination MAC", (situation, frame) => {
  for (const seen of seenBy(situation, frame)) {
    const was = frame.toString('hex');
    const delivered = Object.keys(seen.frames).some((name) => /REWRITE|REDIRECT/.test(name));
    must(seen.frame.slice(12) === was.slice(12), `more than the MAC was changed: ${seen.frame}`);
    must(delivered || seen.frame === was, `changed though not delivered: ${seen.frame}`);
  }
});

holds('any frame is counted under exactly one reason, and ends as that reason says', (situation, frame) => {
  for (const seen of seenBy(situation, frame)) {
    const [name = ''] = Object.keys(seen.frames);
    must(Object.values(seen.frames).join() === '1', `counted ${JSON.stringify(Object.keys(seen.frames))}`);
    const [, word = ''] = / (PASS|REWRITE|REDIRECT|DROP)_/.exec(name) ?? [];
    const wanted = { PASS: 'pass', REWRITE: 'pass', REDIRECT: 'redirect', DROP: 'drop' }[word];
    must(seen.verdict === wanted, `${name} ended in ${seen.verdict}`);
  }
});

holds("a frame in which no HAVIP's address stands passes, and is nobody's claim", (situation, frame) => {
  fc.pre(!ADDRESSES.some((address) => frame.includes(address)));
  for (const { verdict, traffic, counted, ring } of seenBy(situation, frame)) {
    must(verdict === 'pass', verdict);
    must(Object.keys({ ...traffic, ...counted }).length + ring.length === 0, 'something was counted');
  }
});

holds("no frame changes a binding: that is the loader's", (situation, frame) => {
  world.arrange(situation);
  const before = bindings();
  for (const seen of seenBy(situation, frame))
    must(seen.bindings === before, `${seen.bindings} after ${before}`);
});
