// SPDX-License-Identifier: BSD-2-Clause
// The object files of the fast path as one object: the command's, which is loaded first and makes the maps, and the
// entries' two, which take them. Apart, because the verifier then walks both entries' programs at once, and because who
// needs one of them waits for that one only.
import { fileURLToPath } from 'node:url';
import { BpfObject, closeFd, type DeclaredMap } from '../native/index.js';
import type { Hook } from './attachments.js';
import { existing } from './pins.js';

export type Entry = 'xdp' | 'tc';
const ENTRIES: readonly Entry[] = ['xdp', 'tc'];

/** What is attached at each hook. */
export const PROGRAMS: { readonly [H in Hook]: string } = {
  xdp: 'havip_xdp',
  tc: 'havip_ingress',
  'tc-egress': 'havip_egress',
};

const pathOf = (part: Entry | 'command'): string =>
  fileURLToPath(new URL(`../../bpf/${part}.o`, import.meta.url));

/** A file of an installation that is not whole; null: all are there. */
export function missingObject(): string | null {
  return [pathOf('command'), ...ENTRIES.map(pathOf)].find((path) => !existing(path)) ?? null;
}

interface Part {
  readonly object: BpfObject;
  readonly maps: ReadonlySet<string>;
  readonly programs: readonly string[];
}

function openPart(name: Entry | 'command'): Part {
  const object = new BpfObject(pathOf(name));
  return { object, maps: new Set(object.maps().map((map) => map.name)), programs: object.programs() };
}

/** Does what BpfObject does, to whichever part it concerns. Errors: BpfObject's. */
export class FastPath {
  private readonly command = openPart('command');
  private readonly entries: readonly Part[];

  /** @param entries Whose programs are wanted; without any, there are the maps and the command. */
  constructor(entries: readonly Entry[] = ENTRIES) {
    this.entries = entries.map(openPart);
  }

  setMaxEntries(map: string, entries: number): void {
    for (const { object } of this.declaring(map)) object.setMaxEntries(map, entries);
  }

  setConstant(name: string, value: Buffer): void {
    for (const { object } of this.parts()) object.setConstant(name, value);
  }

  reuseMap(map: string, fd: number): void {
    for (const { object } of this.declaring(map)) object.reuseMap(map, fd);
  }

  load(): void {
    this.loadMaps();
    for (const { object } of this.entries) object.load();
  }

  /** In threads of their own, one an entry: the wait is the longest and not the sum. */
  async loadInBackground(): Promise<void> {
    this.loadMaps();
    const loads = await Promise.allSettled(this.entries.map(({ object }) => object.loadInBackground()));
    for (const load of loads) if (load.status === 'rejected') throw load.reason;
  }

  mapFd(map: string): number {
    return this.declaring(map)[0].object.mapFd(map);
  }

  programFd(program: string): number {
    const owner = this.parts().find(({ programs }) => programs.includes(program)) ?? this.command;
    return owner.object.programFd(program);
  }

  /** Each once. */
  maps(): DeclaredMap[] {
    const all = this.parts().flatMap(({ object }) => object.maps());
    return [...new Map(all.map((map) => [map.name, map])).values()];
  }

  programs(): string[] {
    return this.parts().flatMap(({ programs }) => programs);
  }

  close(): void {
    for (const { object } of this.parts()) object.close();
  }

  private parts(): readonly Part[] {
    return [this.command, ...this.entries];
  }

  /** Where nobody does, the command says so. */
  private declaring(map: string): readonly [Part, ...Part[]] {
    const [first = this.command, ...others] = this.parts().filter(({ maps }) => maps.has(map));
    return [first, ...others];
  }

  private loadMaps(): void {
    this.command.object.load();
    for (const map of this.command.maps) {
      if (isSection(map)) continue;
      const fd = this.command.object.mapFd(map);
      try {
        for (const { object } of this.entries) object.reuseMap(map, fd);
      } finally {
        closeFd(fd);
      }
    }
  }
}

/** Each part's own, such as "xdp.rodata". */
const isSection = (map: string): boolean => map.includes('.');
