// SPDX-License-Identifier: BSD-2-Clause
// Where figures were measured: a figure without its machine says nothing.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { libbpfVersion } from '../native/index.js';
import { packageVersion } from '../version.js';
import { BENCH_OBJECT } from './objects.js';

export interface Machine {
  /** RFC 3339. */
  readonly date: string;
  readonly kernel: string;
  readonly cpu: string;
  readonly cpus: number;
  /** Unit: bytes. */
  readonly memory: number;
  readonly versions: {
    readonly havip: string;
    readonly node: string;
    /** null: the object does not say. */
    readonly clang: string | null;
    readonly libbpf: string;
  };
  /** With "-dirty" where the tree is changed; null: not built in a repository. */
  readonly commit: string | null;
}

/** What decides how a program is compiled and how fast it can be. */
export const kernelAndCpu = (): Pick<Machine, 'kernel' | 'cpu'> => ({
  kernel: release(),
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
});

export async function thisMachine(): Promise<Machine> {
  return {
    date: new Date().toISOString(),
    ...kernelAndCpu(),
    cpus: cpus().length,
    memory: totalmem(),
    versions: {
      havip: packageVersion(),
      node: process.versions.node,
      clang: compiler(),
      libbpf: libbpfVersion().replace(/^v/, ''),
    },
    commit: await commit(),
  };
}

/** As it signed its debug information: what compiled these programs, whatever this machine has now. */
export function compiler(): string | null {
  return /clang version ([\d.]+)/.exec(readFileSync(BENCH_OBJECT, 'latin1'))?.[1] ?? null;
}

async function commit(): Promise<string | null> {
  const cwd = fileURLToPath(new URL('../../..', import.meta.url));
  try {
    const { stdout } = await promisify(execFile)('git', ['describe', '--always', '--dirty', '--abbrev=12'], {
      cwd,
    });
    return stdout.trim();
  } catch {
    return null;
  }
}

/** One line for people. */
export function machineText({ kernel, cpu, cpus: count, versions, commit: at }: Machine): string {
  const { havip, node, clang, libbpf } = versions;
  const build = at === null ? havip : `${havip} (${at})`;
  return `Linux ${kernel}, ${count} x ${cpu}; havip ${build}, Node ${node}, clang ${clang ?? '?'}, libbpf ${libbpf}`;
}
