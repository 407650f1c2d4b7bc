// SPDX-License-Identifier: BSD-2-Clause
// A lab with the real daemon in its hypervisor namespace, as the benchmarks need it.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { announcement } from '../lab/frames.js';
import { tool, type Lab } from '../lab/lab.js';
import type { Child } from '../lab/process.js';
import { standardLab, type StandardLabOptions } from '../lab/topology.js';
import { newLab } from './labs.js';

export const HAVIP = fileURLToPath(new URL('../cli/main.js', import.meta.url));

export async function benchLab(options: StandardLabOptions = {}): Promise<Lab> {
  const lab = await newLab();
  try {
    await standardLab(lab, { routed: false, ...options });
    return lab;
  } catch (error) {
    await lab.close();
    throw error;
  }
}

export interface BenchDaemon {
  readonly child: Child;
  readonly pinPath: string;
  /** What commands find it by. */
  readonly args: readonly string[];
  /** From the start of the process until holders are followed. Unit: ms. */
  readonly startMs: number;
  readonly metrics: string;
}

/** What is measured are moves, not the budget that limits them. */
const BUDGET = 'damping: { moves: 16, window: 100ms }';

export type Rebind = 'kernel' | 'loader';

/**
 * @param havips Addresses of subnet 10.0.0.0/8 on br-web.
 * @param rebind null: every option is left to its default.
 * @param subnetLines More of the subnet's configuration, such as `uplinks: [up0]`.
 */
export async function startDaemon(
  lab: Lab,
  havips: readonly string[],
  rebind: Rebind | null = 'kernel',
  members: readonly string[] = [],
  subnetLines: readonly string[] = [],
): Promise<BenchDaemon> {
  const only = members.length ? `, members: [${members.join(', ')}]` : '';
  const options = havips.map(
    (address) =>
      `          - { address: ${address}${rebind ? `, rebind: ${rebind}${only}, ${BUDGET}` : ''} }`,
  );
  return runDaemon(lab, networksText(options, subnetLines));
}

/**
 * @param networks That part of the configuration, YAML or JSON.
 * @param more Of the rest, YAML.
 */
export async function runDaemon(lab: Lab, networks: string, more = ''): Promise<BenchDaemon> {
  const pinPath = `${await lab.bpffs()}/havip`;
  const socket = `${lab.tempDir}/havip.sock`;
  const file = configFile(lab);
  // Not the host's own state folder: several daemons may run here at once, and nothing is to stay.
  const places = `pinPath: ${pinPath}\nstatePath: ${lab.tempDir}/state\napi: { socket: ${socket} }\n`;
  await writeFile(file, `${places}metrics: { listen: "127.0.0.1:0" }\n${more}\nnetworks: ${networks}\n`);
  const started = performance.now();
  const child = lab.spawn('hv', [process.execPath, HAVIP, 'run', '--config', file]);
  const [line] = await child.waitFor(/"metrics":"[^"]+".*"msg":"(loaded|took over)/, { timeoutMs: 60_000 });
  const metrics = /"metrics":"([^"]+)"/.exec(line)?.[1] ?? '';
  return { child, pinPath, args: ['--socket', socket], startMs: performance.now() - started, metrics };
}

/** Of the lab's daemon. */
export const configFile = (lab: Lab): string => `${lab.tempDir}/havip.yaml`;

/** Series by their names, labels included. */
export async function scrape(lab: Lab, { metrics }: BenchDaemon): Promise<Map<string, number>> {
  const text = await lab.must('hv', ['curl', '-sS', `http://${metrics}/metrics`]);
  const lines = [...text.matchAll(/^([^#\n].*) (\S+)$/gm)];
  return new Map(lines.map(([, name = '', value]) => [name, Number(value)]));
}

function networksText(havips: readonly string[], subnetLines: readonly string[]): string {
  return `
  - name: bench
    subnets:
      - name: web
        cidr: 10.0.0.0/8
        bridge: br-web
${subnetLines.map((line) => `        ${line}\n`).join('')}        havips:
${havips.join('\n')}`;
}

/** The i-th address of 10.128.0.0/9, which no guest of the lab uses. */
export const addressOf = (i: number): string => `10.${128 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;

/** Resident memory of a process. Unit: MB (10^6 bytes). */
export async function residentMb(lab: Lab, child: Child): Promise<number> {
  const text = await lab.must('hv', ['cat', `/proc/${child.pid}/status`]);
  return (Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1]) * 1024) / 1e6;
}

/** Announces each once, so far apart. @returns what the sender says of the last. */
export async function announceAll(
  lab: Lab,
  guest: string,
  addresses: readonly string[],
  everyUs = 200,
): Promise<string> {
  const mac = lab.mac(guest);
  const frames = addresses.map((address) => announcement(address, mac, 'request'));
  const said = await lab.must(guest, [tool('frame-tool'), 'send', 'eth0', String(everyUs)], {
    input: `${frames.join('\n')}\n`,
    timeoutMs: 30_000 + (addresses.length * everyUs) / 1000,
  });
  return said.trimEnd().split('\n').at(-1) ?? '';
}

/** Cables p0, p0x and so on, both ends in the hypervisor's namespace, the first on br-web: what so many guests are to it. */
export async function addCables(lab: Lab, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, i) => `p${i}`);
  await lab.ip('hv', [
    ...names.map((name) => `link add ${name} type veth peer name ${name}x`),
    ...names.flatMap((name) => [
      `link set ${name} master br-web`,
      `link set ${name} up`,
      `link set ${name}x up`,
    ]),
  ]);
}

/** Time on a CPU so far, all threads. Unit: ms. */
export async function cpuMs(lab: Lab, child: Child): Promise<number> {
  const text = await lab.must('hv', ['cat', `/proc/${child.pid}/stat`]);
  const [utime = 0, stime = 0] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  // The kernel tells user space ticks of 10 ms (USER_HZ).
  return (utime + stime) * 10;
}

/** Keeps a command on one CPU, the last that this process may run on: interrupts prefer the first. */
export function pinned(): string[] {
  const [, list = '0'] = /^Cpus_allowed_list:\s+(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return ['taskset', '-c', /\d+$/.exec(list)?.[0] ?? '0'];
}
