// SPDX-License-Identifier: BSD-2-Clause
// Neighbour advertisements and VRRP adverts through every entry: what counts, what is refused, what is only observed.
// And the re-bind in the program itself, with its move budget.
import test from 'ava';
import { POLICY_FLAGS } from '../../src/kernel/layout.gen.js';
import { addressBytes } from '../../src/net/addresses.js';
import { macBytes } from './frames.js';
import { announceRequest, HOLDER, SENDER } from './names.js';
import { bindings, ENTRIES, observe, run, world, type Entry } from './observe.js';
import { PORTS, V4, V6, type Situation } from './world.js';

const held: Situation = { held: { v6: ['other', HOLDER] } };

interface Advertised {
  flags?: number;
  hopLimit?: number;
  checksum?: number;
  code?: number;
  group?: boolean;
  option?: Buffer;
}

function advertisement(change: Advertised = {}): Buffer {
  const { flags = 0x20, hopLimit = 255, code = 0, group = true } = change;
  const option = change.option ?? Buffer.concat([Buffer.from([2, 1]), macBytes(SENDER)]);
  const message = Buffer.concat([Buffer.from([136, code, 0, 0, flags, 0, 0, 0]), addressBytes(V6), option]);
  const source = addressBytes('fe80::1');
  const destination = addressBytes(group ? 'ff02::1' : 'fe80::9');
  const pseudo = Buffer.concat([source, destination, Buffer.from([0, 0, 0, message.length, 0, 0, 0, 58])]);
  message.writeUInt16BE(change.checksum ?? checksum(Buffer.concat([pseudo, message])), 2);
  const ip = Buffer.from([0x60, 0, 0, 0, 0, message.length, 58, hopLimit]);
  const ethernet = Buffer.concat([
    macBytes('33:33:00:00:00:01'),
    macBytes(SENDER),
    Buffer.from([0x86, 0xdd]),
  ]);
  return Buffer.concat([ethernet, ip, source, destination, message]);
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const serial = (title: string, body: (t: import('ava').ExecutionContext, entry: Entry) => void): void => {
  for (const entry of ENTRIES) test.serial(`${title} (${entry})`, (t) => body(t, entry));
};

const ROWS: readonly [string, Advertised, string, string][] = [
  ['an unsolicited advertisement with Override and the option', {}, 'NA CLAIM', 'pass'],
  ['to one station', { group: false }, 'NA_ANSWER EVIDENCE', 'pass'],
  ['without Override', { flags: 0 }, 'NA_ANSWER EVIDENCE', 'pass'],
  ['without the option', { option: Buffer.alloc(0) }, 'NA_ANSWER EVIDENCE', 'pass'],
  ['through a router', { hopLimit: 254 }, 'NA REFUSED_HOP_LIMIT', 'drop'],
  ['with a wrong checksum', { checksum: 0x1234 }, 'NA REFUSED_CHECKSUM', 'drop'],
  ['with a code', { code: 1 }, 'NA REFUSED_CODE', 'drop'],
  ['Solicited, to everyone', { flags: 0x60 }, 'NA REFUSED_SOLICITED', 'drop'],
  [
    'with an option of length 0',
    { option: Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]) },
    'NA_ANSWER REFUSED_OPTION',
    'drop',
  ],
  [
    "with another's MAC",
    { option: Buffer.concat([Buffer.from([2, 1]), macBytes('02:00:00:00:00:77')]) },
    'NA REFUSED_SPOOF',
    'drop',
  ],
];
for (const [title, change, counted, verdict] of ROWS) {
  serial(title, (t, entry) => {
    world.arrange(held);
    const frame = advertisement(change);
    const seen = observe(entry, frame);
    t.deepEqual(seen.counted, { [`guest ${counted}`]: 1n });
    t.is(seen.verdict, verdict as 'pass');
    t.is(seen.frame, frame.toString('hex'), 'it leaves byte for byte');
  });
}

serial('a VRRP advert that lists a HAVIP is observed, and travels on', (t, entry) => {
  world.arrange({ held: { v4: ['other', HOLDER] } });
  const ip = Buffer.concat([
    Buffer.from([0x45, 0, 0, 40, 0, 0, 0, 0, 255, 112, 0, 0, 10, 0, 1, 2, 224, 0, 0, 18]),
    Buffer.from([0x21, 51, 100, 1, 0, 1, 0, 0]),
    addressBytes(V4).subarray(12),
    Buffer.alloc(8),
  ]);
  const ethernet = Buffer.concat([macBytes('01:00:5e:00:00:12'), macBytes(SENDER), Buffer.from([8, 0])]);
  const seen = observe(entry, Buffer.concat([ethernet, ip]));
  t.deepEqual(seen.counted, { 'guest VRRP_ADVERT OBSERVED': 1n });
  t.deepEqual(seen.frames, { 'guest PASS_ADVERT': 1n });
  const [[, advert] = []] = [...world.tables.adverts.entries()];
  t.like(advert, { vrid: 51, priority: 100, intervalCs: 100, version: 2 });
  for (const [key] of [...world.tables.adverts.entries()]) world.tables.adverts.delete(key);
});

serial('the program re-binds by itself, and keeps to the move budget', (t, entry) => {
  world.arrange({ held: { v4: ['other', HOLDER] }, flags: POLICY_FLAGS.OPEN | POLICY_FLAGS.REBIND_KERNEL });
  const results: string[] = [];
  for (let round = 0; round < 7; round++) {
    const back = round % 2 === 1;
    world.writePort({ in: back ? 'other' : 'guest' });
    const frame = announceRequest({}, { from: back ? HOLDER : SENDER });
    results.push(...observe(entry, frame).ring.map(({ result }) => result));
  }
  t.deepEqual(results, ['MOVE', 'MOVE', 'MOVE', 'MOVE', 'MOVE', 'HELD_BACK', 'WITHDRAWN']);
  run(entry, announceRequest());
  const [row] = [...world.tables.bindings.entries()].filter(([, { havip }]) => havip === 1);
  t.is(row?.[1].moves, 5);
  t.is(row?.[1].holder.port, 1, 'the guest that announced last has it');
});

const KERNEL = POLICY_FLAGS.OPEN | POLICY_FLAGS.REBIND_KERNEL;

for (const [mode, flags] of [
  ['the programs', KERNEL],
  ['the loader', POLICY_FLAGS.OPEN],
] as const) {
  serial(
    `the local holder's own announcement, sent back by an uplink, is none (${mode} decide)`,
    (t, entry) => {
      world.arrange({ held: { v4: ['guest', SENDER] }, flags });
      run(entry, announceRequest());
      const before = bindings();
      world.writePort({ in: 'uplink' });
      const { ring, counted, frames } = observe(entry, announceRequest());
      t.deepEqual(ring, []);
      t.is(counted['uplink ARP_REQUEST REFLECTED'], 1n);
      t.is(frames['uplink PASS_REFLECTED'], 1n);
      t.is(bindings(), before);
      // Another station's is a claim.
      const moved = observe(entry, announceRequest({ senderMac: HOLDER }, { from: HOLDER }));
      t.is(moved.ring[0]?.result, mode === 'the programs' ? 'MOVE' : 'CLAIM');
    },
  );
}

serial('what came in by a port that has just left binds nothing', (t, entry) => {
  world.arrange({ held: { v4: ['other', HOLDER] }, flags: KERNEL });
  const target = world.tables.targets.get(PORTS.guest.slot);
  if (!target) return t.fail();
  const before = bindings();
  for (const gone of [
    { ...target, ifindex: 0 },
    { ...target, generation: 2 },
  ]) {
    world.tables.targets.set(PORTS.guest.slot, gone);
    const { ring, verdict } = observe(entry, announceRequest());
    t.deepEqual([ring, verdict], [[], 'pass']);
  }
  world.tables.targets.set(PORTS.guest.slot, target);
  t.is(bindings(), before);
  t.is(observe(entry, announceRequest()).ring[0]?.result, 'MOVE');
});
