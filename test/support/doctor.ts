// SPDX-License-Identifier: BSD-2-Clause
// `havip doctor` in a lab: what it finds, and whether it left everything as it was.
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { Finding } from '../../src/doctor/finding.js';
import type { Lab } from '../../src/lab/lab.js';
import { havip } from './daemon.js';

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

/** Maps, links, programs that are attached, sysctls, qdiscs, devices, addresses, pins. */
export async function snapshot(lab: Lab): Promise<string> {
  const looks = [
    ['bpftool', 'map', 'show'],
    ['bpftool', 'link', 'show'],
    ['bpftool', 'net', 'show'],
    ['tc', 'qdisc', 'show'],
    ['ip', '-details', 'link', 'show'],
    ['ip', 'address', 'show'],
    ['sysctl', '-a', '--pattern', '^net\\.(ipv4|ipv6|bridge|core)\\.'],
    ['find', await lab.bpffs(), '-printf', '%p %m %U %T@\\n'],
  ];
  const seen = [];
  for (const argv of looks) seen.push((await lab.exec('hv', argv)).stdout);
  return unrelated(seen.join('\n'));
}

/** Other tests' maps and links come and go, timers run. */
function unrelated(text: string): string {
  return text
    .split('\n')
    .filter(
      (line) =>
        !/timer|bytes_|pids|memlock|^\s+btf_id|^\d+: |neigh\.default|\b(hello|gc|tcn|topology)\w*/.test(line),
    )
    .join('\n');
}
