// SPDX-License-Identifier: BSD-2-Clause
// What a lab leaves on the machine, found without its help, and how it is taken away. Everything of a lab
// can be told by its prefix: the names of namespaces, the folder, and HAVIP_LAB in its processes' environment.
import { lstat, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from './process.js';

const NETNS_DIR = '/run/netns';
const GRACE_MS = 1000;

/** In the environment of every process that a lab starts, and of what those start. */
export const LAB_VARIABLE = 'HAVIP_LAB';

export interface Leftovers {
  /** Full names, prefix included. */
  readonly namespaces: string[];
  readonly pids: number[];
  readonly mounts: string[];
  readonly folders: string[];
}

export function labFolder(prefix: string): string {
  return join(tmpdir(), `havip-lab-${prefix}`);
}

export function namespacePath(namespace: string): string {
  return join(NETNS_DIR, namespace);
}

export async function leftovers(prefix: string): Promise<Leftovers> {
  const folder = labFolder(prefix);
  const namespaces = await namespacesOf(prefix);
  return {
    namespaces,
    pids: await pidsOf(prefix, namespaces),
    mounts: await mountsUnder(folder),
    folders: (await isFolder(folder)) ? [folder] : [],
  };
}

export function isClean(left: Leftovers): boolean {
  return Object.values(left).every((list: readonly unknown[]) => list.length === 0);
}

/**
 * Ends the processes of a lab, unmounts, deletes its namespaces and its folder. What is absent is no error.
 * Returns what is still there afterwards, which should be nothing.
 */
export async function removeLab(prefix: string): Promise<Leftovers> {
  const { namespaces } = await leftovers(prefix);
  await endProcesses(() => pidsOf(prefix, namespaces));
  for (const mount of await mountsUnder(labFolder(prefix))) await quietly(['umount', '-l', mount]);
  for (const namespace of namespaces) await quietly(['ip', 'netns', 'del', namespace]);
  // Never through a mount that would not go: a bpffs below is another's pins.
  if ((await mountsUnder(labFolder(prefix))).length === 0) {
    await rm(labFolder(prefix), { recursive: true, force: true });
  }
  return leftovers(prefix);
}

/** Prefixes of all labs on this machine, by their folders. */
export async function labPrefixes(): Promise<string[]> {
  const names = await readdir(tmpdir());
  return names.filter((name) => name.startsWith('havip-lab-')).map((name) => name.slice('havip-lab-'.length));
}

/** SIGTERM to each, SIGKILL to what is left after a second. `find` is asked again, since processes fork. */
async function endProcesses(find: () => Promise<number[]>): Promise<void> {
  let pids = await find();
  for (const pid of pids) signal(pid, 'SIGTERM');
  for (const end = Date.now() + GRACE_MS; pids.length > 0 && Date.now() < end; pids = await find()) {
    await sleep(20);
  }
  for (let round = 0; pids.length > 0 && round < 50; round += 1) {
    for (const pid of pids) signal(pid, 'SIGKILL');
    await sleep(20);
    pids = await find();
  }
}

/** Sends a signal to one process; that it ended meanwhile is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function namespacesOf(prefix: string): Promise<string[]> {
  const names = await readdir(NETNS_DIR).catch(() => []);
  return names.filter((name) => name.startsWith(`${prefix}-`)).sort();
}

async function pidsOf(prefix: string, namespaces: readonly string[]): Promise<number[]> {
  const found = new Set(await pidsByEnvironment(`${LAB_VARIABLE}=${prefix}`));
  for (const namespace of namespaces) for (const pid of await pidsInside(namespace)) found.add(pid);
  found.delete(process.pid);
  return [...found];
}

/** Processes whose network namespace this is. */
export async function pidsInside(namespace: string): Promise<number[]> {
  const { stdout } = await new Child(['ip', 'netns', 'pids', namespace]).finished();
  return stdout.split('\n').filter(Boolean).map(Number);
}

async function pidsByEnvironment(entry: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const matches = await Promise.all(
    pids.map(async (pid) => {
      // Empty for a zombie; gone or not ours: none of the lab's.
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      return environment.split('\0').includes(entry);
    }),
  );
  return pids.filter((_, index) => matches[index]).map(Number);
}

async function mountsUnder(folder: string): Promise<string[]> {
  const table = await readFile('/proc/self/mounts', 'utf8');
  const points = table.split('\n').map((line) => line.split(' ')[1] ?? '');
  return points.filter((point) => point.startsWith(`${folder}/`)).reverse();
}

async function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (stat) => stat.isDirectory(),
    () => false,
  );
}

async function quietly(argv: readonly string[]): Promise<void> {
  await new Child(argv).finished();
}
