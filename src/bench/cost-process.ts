// SPDX-License-Identifier: BSD-2-Clause
// The helper process of the cost suites, from outside: rounds of test runs in which the programs take turns.
import { fileURLToPath } from 'node:url';
import type { Lab } from '../lab/lab.js';
import type { Child } from '../lab/process.js';
import { pinned } from './host.js';
import { SPARE_DEVICES, type CostProgram, type CostRun, type ProgramCounts } from './cost-types.js';

const SCRIPT = fileURLToPath(new URL('./cost-run.js', import.meta.url));
/** Those of which every suite has a round. */
export const PROGRAMS = ['empty', 'bare', 'own'] as const;

export interface CostProcess {
  readonly child: Child;
  /** Of the program of each run. */
  readonly counts: readonly ProgramCounts[];
}

export async function costProcess(lab: Lab, pinPath: string, runs: readonly CostRun[]): Promise<CostProcess> {
  await lab.ip(
    'hv',
    SPARE_DEVICES.map((name) => `link add ${name} type veth peer name ${name}-peer`),
  );
  // A CPU's first packet to each holder is always stamped (bpf/sightings.h): another CPU would be another measurement.
  const argv = [...pinned(), process.execPath, SCRIPT, pinPath, JSON.stringify(runs)];
  const child = lab.spawn('hv', argv, { stdin: true });
  const [, counts = '[]'] = await child.waitFor(/^ready (.*)$/);
  return { child, counts: JSON.parse(counts) as ProgramCounts[] };
}

/** Of one run, the mean; and what the last one returned. */
export interface Took {
  readonly ns: number;
  readonly action: number;
}

export async function costOf(
  { child }: CostProcess,
  at: number,
  program: CostProgram,
  runs: number,
): Promise<Took> {
  const from = child.lines.length;
  child.write(`${at} ${program} ${runs}\n`);
  const [, ns, action] = await child.waitFor(/^took (\S+) action (-?\d+)$/, { from });
  return { ns: Number(ns), action: Number(action) };
}

/** One of each program, who goes first by the round. Unit: nanoseconds. */
export async function costRound<T extends CostProgram>(
  helper: CostProcess,
  at: number,
  round: number,
  runs: number,
  programs: readonly T[],
): Promise<Readonly<Record<T, number>>> {
  const took: [T, number][] = [];
  const first = round % programs.length;
  for (const program of [...programs.slice(first), ...programs.slice(0, first)])
    took.push([program, (await costOf(helper, at, program, runs)).ns]);
  return Object.fromEntries(took) as Record<T, number>;
}
