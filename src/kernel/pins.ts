// SPDX-License-Identifier: BSD-2-Clause
// Names in the pin folder, and the checks that make it safe to trust: on a bpffs, ours, writable by nobody else.
//
//   PIN/maps-v1/NAME       every map          PIN/links/IFINDEX-HOOK   every attached program
//
// bpffs forbids dots in names, so links are named by ifindex.
import { mkdirSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HavipError } from '../errors.js';
import { fsIsBpffs, isNativeError, lockFolder, lockOwner } from '../native/index.js';
import { LIMITS } from './layout.gen.js';

const MAPS_PREFIX = 'maps-v';

export const mapsFolder = (pinPath: string): string => join(pinPath, `${MAPS_PREFIX}${LIMITS.ABI_VERSION}`);
/** Where larger maps are filled before they take the place of the present ones. */
export const stagingFolder = (pinPath: string): string => `${mapsFolder(pinPath)}-new`;
export const retiredFolder = (pinPath: string): string => `${mapsFolder(pinPath)}-old`;
export const linksFolder = (pinPath: string): string => join(pinPath, 'links');
export const linkName = (ifindex: number, hook: string): string => `${ifindex}-${hook}`;

/** Makes the pin folder where it is missing. Errors: FAILED with the cure, where it cannot be trusted. */
export function preparePinFolder(pinPath: string): void {
  const parent = existing(pinPath) ? pinPath : dirname(pinPath);
  if (!existing(parent) || !fsIsBpffs(parent)) {
    throw new HavipError('FAILED', `no BPF file system at ${parent}: nothing can be pinned there`, {
      cure: `mount -t bpf bpf ${existing(parent) ? parent : '/sys/fs/bpf'}   (or choose another folder with --pin-path)`,
    });
  }
  mkdirSync(pinPath, { recursive: true, mode: 0o700 });
  refuseStrangers(pinPath);
  mkdirSync(linksFolder(pinPath), { recursive: true, mode: 0o700 });
}

/** A folder that others may write lets them delete our pins, and so our programs. */
function refuseStrangers(pinPath: string): void {
  const { uid, mode } = statSync(pinPath);
  const self = process.geteuid?.() ?? uid;
  if (uid !== self && uid !== 0) {
    throw new HavipError('FAILED', `the pin folder ${pinPath} belongs to user ${uid}, not to us (${self})`, {
      cure: 'choose a folder of our own with --pin-path',
    });
  }
  if (mode & 0o022) {
    throw new HavipError(
      'FAILED',
      `the pin folder ${pinPath} is writable by others (mode ${(mode & 0o777).toString(8)})`,
      {
        cure: `chmod 700 ${pinPath}`,
      },
    );
  }
}

/** Whether any version of ours has pinned something here. */
export function hasPins(pinPath: string): boolean {
  return (
    names(pinPath).some((name) => name.startsWith(MAPS_PREFIX)) || names(linksFolder(pinPath)).length > 0
  );
}

/** Pinned map folders of another ABI than ours. */
export function foreignMaps(pinPath: string): string[] {
  const ours = `${MAPS_PREFIX}${LIMITS.ABI_VERSION}`;
  return names(pinPath).filter(
    (name) => name.startsWith(MAPS_PREFIX) && name.replace(/-(new|old)$/, '') !== ours,
  );
}

/** File names in a folder; none where it does not exist. */
export function names(folder: string): string[] {
  return existing(folder) ? readdirSync(folder).sort() : [];
}

/** Unpins: what nothing else holds goes with its last pin. */
export function removePins(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

export function existing(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Leaves a folder that holds somebody else's pins, or that is the root of its file system. */
export function removeEmptyFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EBUSY' && code !== 'ENOENT') throw error;
  }
}

/** One process at a time works on a pin folder. @returns the lock; closing it releases. Errors: FAILED, naming the pid. */
export function lockPinFolder(pinPath: string): number {
  try {
    return lockFolder(pinPath);
  } catch (error) {
    if (!isNativeError(error) || !['EAGAIN', 'EWOULDBLOCK'].includes(error.code)) throw error;
    const pid = lockOwner(pinPath);
    const owner = pid ? `process ${pid}` : 'another process';
    throw new HavipError('FAILED', `havip is running already on ${pinPath}: ${owner}`, {
      cause: error,
      cure: pid ? `stop it first: kill ${pid}   (or choose another folder with --pin-path)` : undefined,
    });
  }
}
