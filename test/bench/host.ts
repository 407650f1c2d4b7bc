// SPDX-License-Identifier: BSD-2-Clause
// A lab with the real daemon in its hypervisor namespace, as the benchmarks need it.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Lab } from '../../src/lab/lab.js';
import type { Child } from '../../src/lab/process.js';
import { standardLab, type StandardLabOptions } from '../../src/lab/topology.js';

export const HAVIP = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

let labs = 0;

export async function benchLab(options: StandardLabOptions = {}): Promise<Lab> {
  const lab = await Lab.create({ prefix: `hb${process.pid}x${++labs}` });
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
  readonly args: readonly string[];
  /** From the start of the process until holders are followed. Unit: ms. */
  readonly startMs: number;
  readonly metrics: string;
}

/** @param havips Addresses of subnet 10.0.0.0/8 on br-web. */
export async function startDaemon(lab: Lab, havips: readonly string[]): Promise<BenchDaemon> {
  const pins = `${await lab.bpffs()}/havip`;
  const socket = `${lab.tempDir}/havip.sock`;
  const file = `${lab.tempDir}/havip.yaml`;
  await writeFile(file, configText(pins, socket, havips));
  const started = performance.now();
  const child = lab.spawn('hv', [process.execPath, HAVIP, 'run', '--config', file]);
  const [line] = await child.waitFor(/"metrics":"[^"]+".*"msg":"(loaded|took over)/, { timeoutMs: 60_000 });
  const metrics = /"metrics":"([^"]+)"/.exec(line)?.[1] ?? '';
  return { child, args: ['--socket', socket], startMs: performance.now() - started, metrics };
}

function configText(pins: string, socket: string, havips: readonly string[]): string {
  const rows = havips.map((address) => `          - address: ${address}`).join('\n');
  return `pinPath: ${pins}
api: { socket: ${socket} }
metrics: { listen: "127.0.0.1:0" }
networks:
  - name: bench
    subnets:
      - name: web
        cidr: 10.0.0.0/8
        bridge: br-web
        havips:
${rows}
`;
}

/** The i-th address of 10.128.0.0/9, which no guest of the lab uses. */
export const addressOf = (i: number): string => `10.${128 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;

/** Resident memory of a process. Unit: MB (10^6 bytes). */
export async function residentMb(lab: Lab, child: Child): Promise<number> {
  const text = await lab.must('hv', ['cat', `/proc/${child.pid}/status`]);
  return (Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1]) * 1024) / 1e6;
}
