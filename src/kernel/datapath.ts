// SPDX-License-Identifier: BSD-2-Clause
// The loaded fast path: programs, maps and pins. Opens what is pinned and carries on from it, or loads it new; moves
// pinned state into larger maps; swaps programs under running traffic without a gap.
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { createMapRef } from 'bpf';
import { HavipError } from '../errors.js';
import {
  closeFd,
  fsIsBpffs,
  isNativeError,
  mapInfo,
  openPin,
  pin,
  settle,
  type DeclaredMap,
} from '../native/index.js';
import { catchUp } from './catch-up.js';
import { Attachments, type Programs } from './attachments.js';
import { FastPath, missingObject, PROGRAMS } from './fast-path.js';
import {
  closeTables,
  MAP_NAMES,
  MAPS,
  mapEntries,
  openTables,
  RING_NAME,
  sizeMaps,
  TAIL_NAMES,
  type Capacity,
  type MapName,
  type Tables,
} from './maps.js';
import {
  existing,
  foreignMaps,
  mapsFolder,
  names,
  removeEmptyFolder,
  removePins,
  retiredFolder,
  stagingFolder,
} from './pins.js';
import { displaceHavip, placeHavips } from './steering.js';
import { copyStripes } from './stripes.js';
import { copyEntries } from './table.js';

export interface DatapathOptions {
  readonly pinPath: string;
  readonly capacity: Capacity;
}

/** What outlives a start, where it fits. The tails do not: those of before are called until the last port has ours. */
const STATE_NAMES = [...MAP_NAMES, RING_NAME] as const;
type StateName = (typeof STATE_NAMES)[number];
type PinName = StateName | (typeof TAIL_NAMES)[number];

/** One process at a time may have it open for a pin folder; the lock is the caller's. */
export class Datapath {
  private constructor(
    readonly tables: Tables,
    /** The doorbell; ours to close. */
    readonly ringFd: number,
    readonly attachments: Attachments,
    /** The program that carries out the loader's commands; ours to close. */
    readonly commandFd: number,
    /** Whether pinned state was found and taken over. */
    readonly adopted: boolean,
  ) {}

  /** Errors: HavipError; where nothing was pinned before, nothing is left. */
  static async open(options: DatapathOptions): Promise<Datapath> {
    const { pinPath } = options;
    refuseForeign(pinPath);
    recoverInterruptedMove(pinPath);
    const adopted = existing(mapsFolder(pinPath));
    try {
      return await Datapath.load(options, adopted);
    } catch (error) {
      if (!adopted) unload(pinPath);
      throw error;
    }
  }

  private static async load({ pinPath, capacity }: DatapathOptions, adopted: boolean): Promise<Datapath> {
    const object = openObject();
    try {
      const kept = adopted ? reusePinned(object, mapsFolder(pinPath), capacity) : new Set<StateName>();
      const moving = kept.size < STATE_NAMES.length;
      sizeMaps(object, capacity, kept);
      await loadObject(object);
      const programs = programsOf(object);
      pinStaged(object, pinPath, moving ? STATE_NAMES : [], kept, adopted);
      const tables = openTables((name) => object.mapFd(name));
      const commandFd = object.programFd('havip_command');
      // Also those that are placed: a loader that decides writes `bindings` first, and may have died then.
      if (adopted) {
        for (const stray of strayHavips(tables)) displaceHavip(commandFd, stray);
        placeHavips(commandFd, boundHavips(tables));
      }
      const attachments = Attachments.adopt(pinPath, programs);
      if (adopted && moving)
        bringAfter(mapsFolder(pinPath), tables, (havips) => placeHavips(commandFd, havips));
      if (moving) promoteStaged(pinPath);
      else promoteTails(pinPath);
      return new Datapath(tables, object.mapFd(RING_NAME), attachments, commandFd, adopted);
    } finally {
      object.close();
    }
  }

  /** Lets go of everything and takes nothing down: what is pinned goes on serving. */
  close(): void {
    closeTables(this.tables);
    closeFd(this.ringFd);
    closeFd(this.commandFd);
    this.attachments.close();
  }
}

function refuseForeign(pinPath: string): void {
  const foreign = foreignMaps(pinPath);
  if (foreign.length === 0) return;
  throw new HavipError('FAILED', `${pinPath} holds maps of another version of havip: ${foreign.join(', ')}`, {
    cure: `take them down first: havip unload --pin-path ${pinPath}`,
  });
}

/** A move into larger maps that was killed half way: before the swap it never happened, after it is finished. */
function recoverInterruptedMove(pinPath: string): void {
  const maps = mapsFolder(pinPath);
  if (!existing(maps) && existing(stagingFolder(pinPath)) && existing(retiredFolder(pinPath))) {
    renameSync(stagingFolder(pinPath), maps);
  }
  removePins(stagingFolder(pinPath));
  removePins(retiredFolder(pinPath));
}

function openObject(): FastPath {
  if (!existing('/sys/kernel/btf/vmlinux')) {
    throw new HavipError('FAILED', 'this kernel has no BTF (/sys/kernel/btf/vmlinux is missing)', {
      cure: 'run a kernel built with CONFIG_DEBUG_INFO_BTF=y; every current distribution kernel is',
    });
  }
  const missing = missingObject();
  if (missing)
    throw new HavipError('FAILED', `a BPF object is missing: ${missing}`, { cure: 'build it: make' });
  return new FastPath();
}

/** Hands every pinned map that fits to the object. @returns those that do. */
function reusePinned(object: FastPath, folder: string, capacity: Capacity): Set<StateName> {
  const declared = new Map(object.maps().map((map) => [map.name, map]));
  const wanted = new Map<string, number>(mapEntries(capacity));
  const kept = new Set<StateName>();
  for (const name of STATE_NAMES) {
    const spec = declared.get(name);
    if (!spec) throw new Error(`the BPF object has no map ${name}`);
    if (reuseOne(object, join(folder, name), spec, wanted.get(name) ?? spec.maxEntries)) kept.add(name);
  }
  return kept;
}

function reuseOne(object: FastPath, path: string, spec: DeclaredMap, entries: number): boolean {
  if (!existing(path)) return false;
  const fd = openPin(path);
  try {
    const found = mapInfo(fd);
    const same =
      found.type === spec.type && found.keySize === spec.keySize && found.valueSize === spec.valueSize;
    if (!same) throw new HavipError('FAILED', `the pinned map ${path} has another layout than ours`);
    if (found.maxEntries < entries) return false;
    object.reuseMap(spec.name, fd);
    return true;
  } finally {
    closeFd(fd);
  }
}

async function loadObject(object: FastPath): Promise<void> {
  try {
    await object.loadInBackground();
  } catch (error) {
    if (!isNativeError(error)) throw error;
    if (error.code === 'EPERM') {
      throw new HavipError('PERMISSION', 'the kernel refuses to load BPF programs', {
        cause: error,
        cure: 'run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON',
      });
    }
    throw new HavipError(
      'FAILED',
      `cannot load the BPF programs: ${error.message}${tellingLines(error.log)}`,
      {
        cause: error,
      },
    );
  }
}

/** The end of the verifier's log is where it says why. */
function tellingLines(log: string | undefined): string {
  const lines = (log ?? '').split('\n').filter((line) => line && !line.startsWith('mark_precise'));
  return lines.length ? `\n${lines.slice(-12).join('\n')}` : '';
}

function programsOf(object: FastPath): Programs {
  return {
    xdp: object.programFd(PROGRAMS.xdp),
    tc: object.programFd(PROGRAMS.tc),
    'tc-egress': object.programFd(PROGRAMS['tc-egress']),
  };
}

/** Pins the tails aside, and the new set of maps, filled with what the old one holds. */
function pinStaged(
  object: FastPath,
  pinPath: string,
  state: readonly StateName[],
  kept: ReadonlySet<StateName>,
  adopted: boolean,
): void {
  const staging = stagingFolder(pinPath);
  mkdirSync(staging, { mode: 0o700 });
  for (const name of [...state, ...TAIL_NAMES]) {
    const fd = object.mapFd(name);
    try {
      if (adopted && isTable(name) && !kept.has(name) && name !== 'steering')
        copyPinned(join(mapsFolder(pinPath), name), name, fd);
      pin(fd, join(staging, name));
    } finally {
      closeFd(fd);
    }
  }
}

const isTable = (name: PinName): name is MapName => (MAP_NAMES as readonly string[]).includes(name);

function copyPinned(path: string, name: MapName, toFd: number): void {
  if (!existing(path)) return;
  const from = createMapRef(openPin(path), { transfer: true });
  const to = createMapRef(toFd, { transfer: false });
  try {
    if (MAPS[name].kind === 'striped') copyStripes(from, to);
    else copyEntries(from, to, MAPS[name].kind === 'per-cpu');
  } finally {
    from.close();
    to.close();
  }
}

/** Placed by a loader that died before it had written their rows of `bindings`: their indices are free. */
function strayHavips({ havips, bindings }: Tables): number[] {
  const bound = new Set(Array.from(bindings.entries(), ([, { havip }]) => havip));
  return Array.from(havips.entries(), ([id, { key }]) =>
    key.subnet !== 0 && !bound.has(id) ? [id] : [],
  ).flat();
}

/** Ascending. */
function boundHavips({ bindings }: Tables): number[] {
  return Array.from(bindings.entries(), ([, { havip }]) => havip).sort((a, b) => a - b);
}

/** What was decided in the old maps while they were being copied. */
function bringAfter(folder: string, tables: Tables, place: (havips: readonly number[]) => void): void {
  const old = openTables((name) => openPin(join(folder, name)));
  try {
    const late: number[] = [];
    catchUp(old, tables, (havip) => {
      late.push(havip);
      place([havip]);
    });
    if (late.length === 0) return;
    // A CPU may have been at the row of before: what it did is lost, and packets must not go by it.
    settle();
    place(late);
  } finally {
    closeTables(old);
  }
}

function promoteStaged(pinPath: string): void {
  const maps = mapsFolder(pinPath);
  if (existing(maps)) renameSync(maps, retiredFolder(pinPath));
  renameSync(stagingFolder(pinPath), maps);
  removePins(retiredFolder(pinPath));
}

/** The maps stay; those who called the tails of before are gone. */
function promoteTails(pinPath: string): void {
  settle();
  for (const name of TAIL_NAMES)
    renameSync(join(stagingFolder(pinPath), name), join(mapsFolder(pinPath), name));
  removePins(stagingFolder(pinPath));
}

/**
 * Detaches every program and removes every pin of ours below `pinPath`, and the folder if nothing else is in it.
 * @returns what was removed. Errors: FAILED where `pinPath` is on no BPF file system: nothing of ours can be there.
 */
export function unload(pinPath: string): { programs: number; maps: number } {
  if (!fsIsBpffs(pinPath)) {
    throw new HavipError('FAILED', `${pinPath} is on no BPF file system: nothing is removed there`);
  }
  const programs = Attachments.removeAll(pinPath);
  const folders = names(pinPath).filter((name) => name.startsWith('maps-v'));
  const maps = folders.reduce((sum, folder) => sum + names(join(pinPath, folder)).length, 0);
  for (const folder of folders) removePins(join(pinPath, folder));
  removeEmptyFolder(pinPath);
  return { programs, maps };
}
