// SPDX-License-Identifier: BSD-2-Clause
// What a start makes of pinned state that an earlier daemon left half done, or that is to become larger. Nothing is
// attached; the maps are pinned in a BPF file system of the test's own.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { createMapRef, RawMap } from 'bpf';
import { Datapath } from '../../src/kernel/datapath.js';
import type { Key } from '../../src/kernel/layout.gen.js';
import type { Tables } from '../../src/kernel/maps.js';
import { linksFolder, mapsFolder, names, removePins } from '../../src/kernel/pins.js';
import { bucketsOf, holdersIn, placeHavips } from '../../src/kernel/steering.js';
import { U32 } from '../../src/kernel/table.js';
import { closeFd, mapInfo, openPin, pin } from '../../src/native/index.js';
import { addressBytes } from '../../src/net/addresses.js';

const test = anyTest as TestFn<{ folder: string; pinPath: string }>;

test.beforeEach((t) => {
  const folder = mkdtempSync(join(tmpdir(), 'havip-adopt-'));
  mkdirSync(join(folder, 'bpf'));
  execFileSync('mount', ['-t', 'bpf', 'bpf', join(folder, 'bpf')]);
  const pinPath = join(folder, 'bpf', 'havip');
  mkdirSync(pinPath);
  t.context = { folder, pinPath };
});

test.afterEach.always((t) => {
  execFileSync('umount', [join(t.context.folder, 'bpf')]);
  rmSync(t.context.folder, { recursive: true });
});

const NOBODY = { mac: new Uint8Array(6), port: 0 };
const HOLDER = { mac: Buffer.from('02000000000a', 'hex'), port: 3 };
const keyOf = (id: number): Key => ({ subnet: 1, address: addressBytes(`10.0.1.${id}`) });

function define({ havips }: Tables, id: number): void {
  const policy = { flags: 0, windowNs: 0n, moves: 5, serviceMac: new Uint8Array(6) };
  havips.set(id, { key: keyOf(id), ...policy });
}

function bind({ bindings }: Tables, id: number, holder = NOBODY): void {
  const row = { holder, former: NOBODY, sinceNs: 7n, havip: id, moves: 0, by: 0, reserved: 0 };
  bindings.set(keyOf(id), row);
}

/** 'index -> slot', of all that packets find. */
const steered = ({ steering }: Tables): string[] =>
  [...bucketsOf(steering)]
    .flatMap(holdersIn)
    .map(([havip, { port }]) => `${havip} -> ${port}`)
    .sort();

test.serial('words without a binding, of a loader that died in between, are taken out', async (t) => {
  const options = { pinPath: t.context.pinPath, capacity: { havips: 64, ports: 16 } };
  const first = await Datapath.open(options);
  for (const id of [1, 2, 3]) define(first.tables, id);
  placeHavips(first.commandFd, [1, 2, 3]);
  bind(first.tables, 2, HOLDER);
  placeHavips(first.commandFd, [2]);
  t.deepEqual(steered(first.tables), ['1 -> 0', '2 -> 3', '3 -> 0']);
  first.close();
  const second = await Datapath.open(options);
  t.true(second.adopted);
  t.deepEqual(steered(second.tables), ['2 -> 3']);
  second.close();
});

test.serial('a binding that was written and not steered by is, after the next start', async (t) => {
  const options = { pinPath: t.context.pinPath, capacity: { havips: 64, ports: 16 } };
  const first = await Datapath.open(options);
  define(first.tables, 1);
  placeHavips(first.commandFd, [1]);
  bind(first.tables, 1, HOLDER);
  t.deepEqual(steered(first.tables), ['1 -> 0']);
  first.close();
  const second = await Datapath.open(options);
  t.deepEqual(steered(second.tables), ['1 -> 3']);
  second.close();
});

test.serial('in larger maps everything that is bound is found', async (t) => {
  const { pinPath } = t.context;
  const first = await Datapath.open({ pinPath, capacity: { havips: 64, ports: 16 } });
  const ids = Array.from({ length: 60 }, (_, i) => i + 1);
  for (const id of ids) define(first.tables, id);
  placeHavips(first.commandFd, ids);
  for (const id of ids) bind(first.tables, id, HOLDER);
  first.close();
  const second = await Datapath.open({ pinPath, capacity: { havips: 1024, ports: 16 } });
  t.deepEqual(steered(second.tables), ids.map((id) => `${id} -> 3`).sort());
  second.close();
});

/** The map, and its program behind the first tail call of XDP. */
function xdpTail(pinPath: string): { map: number; program: number } {
  const fd = openPin(join(mapsFolder(pinPath), 'xdp_tails'));
  const tails = new RawMap(createMapRef(fd, { transfer: true }));
  try {
    return { map: mapInfo(tails.ref.fd).id, program: tails.get(U32.encode(0))?.readUInt32LE(0) ?? 0 };
  } finally {
    tails.ref.close();
  }
}

test.serial(
  'the tails are those of the programs that are attached, whether a start succeeds or not',
  async (t) => {
    const { pinPath } = t.context;
    const options = { pinPath, capacity: { havips: 64, ports: 16 } };
    const first = await Datapath.open(options);
    first.close();
    const before = xdpTail(pinPath);
    // The programs are loaded by then, and nothing is attached that could be taken over.
    const stray = join(linksFolder(pinPath), '9-xdp');
    mkdirSync(linksFolder(pinPath), { recursive: true });
    const fd = openPin(join(mapsFolder(pinPath), 'losses'));
    pin(fd, stray);
    closeFd(fd);
    await t.throwsAsync(Datapath.open(options));
    t.deepEqual(xdpTail(pinPath), before);
    removePins(stray);
    const second = await Datapath.open(options);
    second.close();
    const after = xdpTail(pinPath);
    t.true(after.map !== before.map && after.program !== before.program && after.program !== 0);
    t.deepEqual(names(pinPath).sort(), ['links', basename(mapsFolder(pinPath))]);
  },
);
