// SPDX-License-Identifier: BSD-2-Clause
// `havip doctor` in a lab: what it finds, and whether it left everything as it was.
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { Finding } from '../../src/doctor/finding.js';
import type { Lab } from '../../src/lab/lab.js';
import type { Tables } from '../../src/kernel/maps.js';
import { havip } from './daemon.js';
import { withTables } from './maps.js';

export const FOREIGN = fileURLToPath(new URL('./foreign.js', import.meta.url));

export interface Examination {
  readonly code: number;
  readonly findings: readonly Finding[];
  /** Whatever is not ok, as `state area check`. */
  readonly wrong: readonly string[];
}

export async function examine(lab: Lab, ...argv: string[]): Promise<Examination> {
  const { code, stdout, stderr } = await havip(lab, 'doctor', '--json', ...argv);
  if (stdout === '') throw new Error(stderr);
  const findings = JSON.parse(stdout) as Finding[];
  const wrong = findings.filter(({ state }) => state !== 'ok');
  return { code, findings, wrong: wrong.map(({ state, area, check }) => `${state} ${area} ${check}`) };
}

export interface Wanted {
  /** `state area check`. */
  readonly finding: string;
  readonly says: RegExp;
  /** What the cure begins with, or has. */
  readonly cure: RegExp;
  /** Others that come along. @default none */
  readonly besides?: readonly string[];
}

/** That and nothing else is wrong. */
export async function checkFinds(
  t: ExecutionContext,
  lab: Lab,
  wanted: Wanted,
  ...argv: string[]
): Promise<void> {
  const { code, findings, wrong } = await examine(lab, ...argv);
  const all = [wanted.finding, ...(wanted.besides ?? [])];
  t.deepEqual(
    [...wrong].sort(),
    all.sort(),
    JSON.stringify(
      findings.filter(({ state }) => state !== 'ok'),
      null,
      1,
    ),
  );
  t.is(code, all.some((one) => one.startsWith('fail')) ? 1 : 0);
  const found = findings.find(({ state, area, check }) => `${state} ${area} ${check}` === wanted.finding);
  t.regex(found?.detail ?? '', wanted.says);
  t.regex(found?.cure ?? '', wanted.cure);
  const { code: shell, stderr } = await lab.exec('hv', ['sh', '-n', '-c', found?.cure ?? '']);
  t.is(shell, 0, `${found?.cure}: ${stderr}`);
}

/** What the maps hold; programs that are attached, qdiscs, devices, addresses, sysctls, pins. */
export async function snapshot(lab: Lab): Promise<string> {
  const looks = [
    ['bpftool', 'net', 'show'],
    ['tc', 'qdisc', 'show'],
    ['ip', '-details', 'link', 'show'],
    ['ip', 'address', 'show'],
    ['sysctl', '-a', '--pattern', '^net\\.(ipv4|ipv6|bridge|core)\\.'],
    ['find', await lab.bpffs(), '-printf', '%p %m %U %T@\\n'],
  ];
  const seen = [await withTables(lab, contents)];
  for (const argv of looks) seen.push((await lab.exec('hv', argv)).stdout);
  // A bridge's timers run.
  return seen.join('\n').replace(/\w+_timer +[\d.]+/g, '');
}

/** Of what changes only by somebody's hand; counters and stations live. */
function contents({ bindings, targets, ports, havips, subnets, members, losses }: Tables): string {
  const rows = [bindings, targets, ports, havips, subnets, members, losses].map((table) => [
    ...table.entries(),
  ]);
  return JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
