// SPDX-License-Identifier: BSD-2-Clause
// Looks at the pin folder, at the process that works on it, and asks the daemon how it is.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ApiClient } from '../api/client.js';
import type { DaemonStatus } from '../api/types.js';
import { HavipError } from '../errors.js';
import { existing, foreignMaps, hasPins } from '../kernel/pins.js';
import { fsIsBpffs, lockOwner } from '../native/index.js';
import { packageVersion } from '../version.js';
import { effectiveCapabilities } from './look-kernel.js';
import type { DaemonSight, PinsSight, ProcessSight } from './sight.js';

/** A daemon that takes longer is stuck, and the rest of the host should be told of all the same. */
const ANSWER_MS = 1500;

/** Errors: PERMISSION where the folder may not be looked into. */
export function lookAtPins(path: string): PinsSight {
  const exists = existing(path);
  const nearest = nearestFolder(path);
  const used = exists && hasPins(path);
  const at = nearest === null ? null : statSync(nearest);
  return {
    path,
    nearest,
    bpffs: nearest !== null && fsIsBpffs(nearest),
    exists,
    uid: at?.uid ?? 0,
    mode: at?.mode ?? 0,
    parentMode: nearest === null ? 0 : statSync(dirname(nearest)).mode,
    used,
    foreign: exists ? foreignMaps(path) : [],
  };
}

/** The folder or the one that it would be made in. */
function nearestFolder(path: string): string | null {
  return [path, dirname(path)].find(existing) ?? null;
}

export async function lookAtDaemon(pinPath: string, socket: string): Promise<DaemonSight> {
  const pid = existing(pinPath) ? lockOwner(pinPath) : 0;
  const process = pid === 0 ? null : lookAtProcess(pid);
  return { socket, process, ownVersion: packageVersion(), ...(await askDaemon(socket)) };
}

/** null: it has just ended. */
function lookAtProcess(pid: number): ProcessSight | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return {
      pid,
      uid: Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1]),
      state: /^State:\s+(\S)/m.exec(status)?.[1] ?? '?',
      capabilities: effectiveCapabilities(status),
      mapIds: openMaps(pid),
    };
  } catch {
    return null;
  }
}

function openMaps(pid: number): Set<number> | null {
  const folder = `/proc/${pid}/fdinfo`;
  try {
    return new Set(readdirSync(folder).flatMap((fd) => mapIdOf(`${folder}/${fd}`) ?? []));
  } catch {
    return null;
  }
}

function mapIdOf(path: string): number | undefined {
  try {
    const id = /^map_id:\s+(\d+)$/m.exec(readFileSync(path, 'utf8'))?.[1];
    return id === undefined ? undefined : Number(id);
  } catch {
    return undefined; // closed meanwhile
  }
}

async function askDaemon(socket: string): Promise<Pick<DaemonSight, 'status' | 'error'>> {
  try {
    const client = await ApiClient.connect(socket);
    try {
      return { status: await inTime(client.daemon(), socket), error: null };
    } finally {
      client.close();
    }
  } catch (thrown) {
    const { message, code } = HavipError.from(thrown);
    return { status: null, error: { message, permission: code === 'PERMISSION' } };
  }
}

function inTime(answer: Promise<DaemonStatus>, socket: string): Promise<DaemonStatus> {
  const late = new HavipError('FAILED', `no answer at ${socket} within ${ANSWER_MS / 1000} s`);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late), ANSWER_MS);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
