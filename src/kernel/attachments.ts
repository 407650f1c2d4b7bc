// SPDX-License-Identifier: BSD-2-Clause
// Programs on devices, each held by a pin of its own so that it outlives this process: a bpf_link where the kernel
// has one (XDP; TCX from 6.6 on), else a filter in clsact, whose program is pinned as the record that it is ours.
import { release } from 'node:os';
import { join } from 'node:path';
import { HavipError } from '../errors.js';
import {
  closeFd,
  isNativeError,
  linkCreate,
  linkDetach,
  linkInfo,
  linkUpdate,
  openPin,
  pin,
  programFdById,
  programInfo,
  tcAttach,
  tcDetach,
  tcQuery,
  type Direction,
  type LinkHook,
} from '../native/index.js';
import { linkName, linksFolder, names, removeEmptyFolder, removePins } from './pins.js';

export type Hook = 'xdp' | 'tc' | 'tc-egress';

/** Descriptors of the loaded programs; owned by whoever adopts them. */
export type Programs = { readonly [H in Hook]: number };

const LINK_HOOKS: { readonly [H in Hook]: LinkHook } = {
  xdp: 'xdp',
  tc: 'tcx-ingress',
  'tc-egress': 'tcx-egress',
};

/** Ours among other filters of a clsact qdisc. */
export const FILTER_HANDLE = 0x4a1;
export const FILTER_PRIORITY = 0x4a1;

export interface PinnedName {
  readonly ifindex: number;
  readonly hook: Hook;
  /** 'shared': the clsact qdisc was there before us. */
  readonly clsact: 'own' | 'shared' | null;
}

/** bpf_link for tc is in 6.6 and later; HAVIP_TCX=0 tries the older way on a newer kernel. */
export function kernelHasTcx(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return process.env.HAVIP_TCX !== '0' && (major > 6 || (major === 6 && minor >= 6));
}

export class Attachments {
  private readonly attached = new Map<number, Hook>();

  private constructor(
    private readonly folder: string,
    private readonly programs: Programs,
  ) {}

  /** Puts `programs` in the place of those that are pinned as attached; forgets devices that are gone. */
  static adopt(pinPath: string, programs: Programs): Attachments {
    const attachments = new Attachments(linksFolder(pinPath), programs);
    for (const file of names(attachments.folder)) attachments.adoptOne(file);
    return attachments;
  }

  /** Detaches whatever is pinned below `pinPath`. @returns how many. */
  static removeAll(pinPath: string): number {
    const folder = linksFolder(pinPath);
    const files = names(folder).filter(parseName);
    for (const file of files) removeOne(folder, file);
    removeEmptyFolder(folder);
    return files.length;
  }

  /** By ifindex; a device has one hook. */
  hooks(): ReadonlyMap<number, Hook> {
    return this.attached;
  }

  /** Errors: FAILED with the cure where something else is attached; an absent device is the caller's to expect (ENODEV). */
  attach(ifindex: number, hook: Hook, name: string): void {
    try {
      if (hook === 'xdp' || kernelHasTcx()) this.attachLink(ifindex, hook);
      else this.attachFilter(ifindex, hook);
    } catch (error) {
      throw attachError(error, name, hook);
    }
    this.attached.set(ifindex, hook);
  }

  /** Harmless where the device has gone. */
  detach(ifindex: number): void {
    for (const file of names(this.folder))
      if (parseName(file)?.ifindex === ifindex) removeOne(this.folder, file);
    this.attached.delete(ifindex);
  }

  close(): void {
    for (const fd of Object.values(this.programs)) closeFd(fd);
  }

  private attachLink(ifindex: number, hook: Hook): void {
    const fd = linkCreate(this.programs[hook], ifindex, LINK_HOOKS[hook]);
    try {
      const path = join(this.folder, linkName(ifindex, hook));
      removePins(path); // a device of the past that had the same ifindex
      pin(fd, path);
    } finally {
      closeFd(fd);
    }
  }

  private attachFilter(ifindex: number, hook: Hook): void {
    const made = tcAttach(this.programs[hook], ifindex, direction(hook), FILTER_HANDLE, FILTER_PRIORITY);
    const path = join(this.folder, `${linkName(ifindex, hook)}-clsact-${made ? 'own' : 'shared'}`);
    removePins(path);
    pin(this.programs[hook], path);
  }

  private adoptOne(file: string): void {
    const pinned = parseName(file);
    if (!pinned) return;
    const alive = pinned.clsact ? this.adoptFilter(file, pinned) : this.adoptLink(file, pinned.hook);
    if (alive) this.attached.set(pinned.ifindex, pinned.hook);
    else removePins(join(this.folder, file));
  }

  private adoptLink(file: string, hook: Hook): boolean {
    const fd = openPin(join(this.folder, file));
    try {
      if (linkInfo(fd).ifindex === 0) return false;
      linkUpdate(fd, this.programs[hook]);
      return true;
    } catch (error) {
      if (isNativeError(error) && error.code === 'ENOLINK') return false; // it went just now
      throw error;
    } finally {
      closeFd(fd);
    }
  }

  private adoptFilter(file: string, { ifindex, hook }: PinnedName): boolean {
    const path = join(this.folder, file);
    if (!filterIsOurs(path, ifindex, hook)) return false;
    tcAttach(this.programs[hook], ifindex, direction(hook), FILTER_HANDLE, FILTER_PRIORITY);
    removePins(path);
    pin(this.programs[hook], path);
    return true;
  }
}

/** What is attached to a device by us; the caller closes `fd`. null: nothing. */
export function attachedProgram(pinPath: string, ifindex: number): { fd: number; hook: Hook } | null {
  const folder = linksFolder(pinPath);
  for (const file of names(folder)) {
    const pinned = parseName(file);
    if (pinned?.ifindex !== ifindex) continue;
    const fd = openPin(join(folder, file));
    // A filter's pin is the program itself.
    if (pinned.clsact) return { fd, hook: pinned.hook };
    try {
      return { fd: programFdById(linkInfo(fd).programId), hook: pinned.hook };
    } finally {
      closeFd(fd);
    }
  }
  return null;
}

function removeOne(folder: string, file: string): void {
  const pinned = parseName(file);
  const path = join(folder, file);
  if (pinned?.clsact) {
    const { ifindex, hook } = pinned;
    if (filterIsOurs(path, ifindex, hook)) {
      tcDetach(ifindex, direction(hook), FILTER_HANDLE, FILTER_PRIORITY, pinned.clsact === 'own');
    }
  } else if (pinned) {
    detachLink(path);
  }
  removePins(path);
}

/** Detaches now: the last pin would do it too, but only after a grace period. */
function detachLink(path: string): void {
  const fd = openPin(path);
  try {
    if (linkInfo(fd).ifindex !== 0) linkDetach(fd);
  } catch (error) {
    if (!isNativeError(error) || error.code !== 'ENOLINK') throw error;
  } finally {
    closeFd(fd);
  }
}

/** An ifindex may have passed to another device: the filter there must run the very program that we pinned. */
function filterIsOurs(path: string, ifindex: number, hook: Hook): boolean {
  const fd = openPin(path);
  try {
    return programInfo(fd).id === tcQuery(ifindex, direction(hook), FILTER_HANDLE, FILTER_PRIORITY);
  } finally {
    closeFd(fd);
  }
}

export const direction = (hook: Hook): Direction => (hook === 'tc-egress' ? 'egress' : 'ingress');

/** 12-xdp, 12-tc, 12-tc-egress, 12-tc-clsact-own */
export function parseName(file: string): PinnedName | null {
  const match = /^(\d+)-(xdp|tc-egress|tc)(?:-clsact-(own|shared))?$/.exec(file);
  if (!match) return null;
  const [, ifindex, hook, clsact] = match;
  return {
    ifindex: Number(ifindex),
    hook: hook as Hook,
    clsact: (clsact as 'own' | 'shared' | undefined) ?? null,
  };
}

function attachError(error: unknown, name: string, hook: Hook): unknown {
  if (!isNativeError(error)) return error;
  const what = `cannot attach to ${name} (${hook})`;
  if (error.code === 'EBUSY' || error.code === 'EEXIST') {
    return new HavipError('FAILED', `${what}: another program is attached there`, {
      cause: error,
      cure: `see which: bpftool net show dev ${name}; detach it, or choose another hook for ${name} under hooks:`,
    });
  }
  if (error.code === 'EOPNOTSUPP') {
    return new HavipError('FAILED', `${what}: the driver has no native XDP`, {
      cause: error,
      cure: `set hooks: { ${name}: tc } in the configuration`,
    });
  }
  return error;
}
