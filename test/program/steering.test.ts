// SPDX-License-Identifier: BSD-2-Clause
// Whatever is placed in `steering` is found there, and nothing else: plain and spilled buckets, both
// families, neighbours of HAVIPs, what was taken out again.
import test from 'ava';
import type { Key } from '../../src/kernel/layout.gen.js';
import { bucketsOf, displaceHavip, hasSpilled, holdersIn } from '../../src/kernel/steering.js';
import { addressBytes } from '../../src/net/addresses.js';
import { testRun } from '../../src/native/index.js';
import { ipv4, ipv6 } from './frames.js';
import { PEER_V4, PEER_V6, SENDER, STALE } from './names.js';
import { PORTS, SUBNET, World } from './world.js';

const PASS = 2;
/** As many as there is room for: a few of the buckets spill then. */
const HAVIPS = 2048;
/** Those of `World`. */
const TAKEN = 5;

const world = new World({ havips: HAVIPS, ports: 16 });
world.arrange({});

const ipv4Of = (i: number): string => `10.${i % 7}.${(i >> 8) & 255}.${i & 255}`;
/** Near ones and far ones, and some that differ in the middle only. */
const ipv6Of = (i: number): string =>
  `fd00:${(i % 5).toString(16)}:${(i >> 4).toString(16)}::${i.toString(16)}`;
const addressOf = (i: number): string => (i % 2 ? ipv6Of(i) : ipv4Of(i));
const keyOf = (i: number): Key => ({ subnet: SUBNET.web, address: addressBytes(addressOf(i)) });
/** Says whose it is. */
const macOf = (i: number): string => `0200000${i.toString(16).padStart(5, '0')}`;

const ids = Array.from({ length: HAVIPS - TAKEN }, (_, i) => i + TAKEN);

for (const id of ids) {
  const policy = { flags: 0, windowNs: 1n, moves: 1, serviceMac: new Uint8Array(6) };
  world.tables.havips.set(id, { key: keyOf(id), ...policy });
}
bindAll(PORTS.other.slot, 1n);

/** As the loader does. */
function bindAll(port: number, sinceNs: bigint): void {
  writeBindings(port, sinceNs);
  world.steer(...ids);
}

function writeBindings(port: number, sinceNs: bigint, mac = macOf): void {
  for (const id of ids) {
    const holder = { mac: Buffer.from(mac(id), 'hex'), port };
    const row = { holder, former: holder, sinceNs, havip: id, moves: 0, by: 0, reserved: 0 };
    world.tables.bindings.set(keyOf(id), row);
  }
}

/** Where a packet to that address goes: the MAC it leaves with; null: it passes. */
function steered(address: string): string | null {
  const link = { to: STALE, from: SENDER };
  const frame = address.includes(':')
    ? ipv6(link, { source: PEER_V6, destination: address })
    : ipv4(link, { source: PEER_V4, destination: address });
  const { action, data } = testRun(world.programs.xdp, frame, { ifindex: 1 });
  return action === PASS ? null : data.subarray(0, 6).toString('hex');
}

test.serial('each of them is found, in full buckets and in those that spilled', (t) => {
  const spilled = [...bucketsOf(world.tables.steering)].filter(hasSpilled);
  t.true(spilled.length > 0 && spilled.length < HAVIPS / 20, `${spilled.length} buckets`);
  for (const id of ids) t.is(steered(addressOf(id)), macOf(id), addressOf(id));
});

test.serial('of each the first packet to a new holder is stamped, as of that binding', (t) => {
  bindAll(PORTS.tap.slot, 2n);
  for (const id of ids) {
    steered(addressOf(id));
    t.true((world.tenure(id, 2n)?.firstToNs ?? 0n) > 0n, addressOf(id));
  }
});

test.serial('where packets go by the binding itself, stamps do', (t) => {
  const mac = '020000ffffff';
  writeBindings(PORTS.other.slot, 3n, () => mac);
  const spilled = ids.filter((id) => steered(addressOf(id)) === mac);
  t.true(spilled.length > 0);
  for (const id of spilled) t.true((world.tenure(id, 3n)?.firstToNs ?? 0n) > 0n, addressOf(id));
  bindAll(PORTS.tap.slot, 4n);
});

test.serial('what is beside them is nobody’s', (t) => {
  for (const id of ids) {
    t.is(steered(ipv4Of(id).replace(/^10/, '11')), null);
    t.is(steered(ipv6Of(id).replace('fd00', 'fd01')), null);
  }
});

test.serial('what is taken out is found no more, and the rest is', (t) => {
  const [gone, kept] = [ids.filter((id) => id % 3 === 0), ids.filter((id) => id % 3 !== 0)];
  for (const id of gone) {
    displaceHavip(world.commandFd, id);
    world.tables.bindings.delete(keyOf(id));
  }
  for (const id of gone) t.is(steered(addressOf(id)), null, addressOf(id));
  for (const id of kept) t.is(steered(addressOf(id)), macOf(id), addressOf(id));
  // As a start does. Those that had spilled stay where they are: a CPU may be deciding about one, and would not know.
  const words = [...bucketsOf(world.tables.steering)].filter(hasSpilled).flatMap(holdersIn).length;
  world.steer(...kept);
  t.is([...bucketsOf(world.tables.steering)].filter(hasSpilled).flatMap(holdersIn).length, words);
  for (const id of kept) t.is(steered(addressOf(id)), macOf(id), addressOf(id));
});

test.serial('placing says since when packets go by it', (t) => {
  const beforeNs = process.hrtime.bigint();
  const placedNs = world.steer(...ids);
  t.true(placedNs > beforeNs && placedNs < process.hrtime.bigint());
  t.is(world.steer(), 0n);
});
