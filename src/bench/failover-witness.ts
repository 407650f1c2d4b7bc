// SPDX-License-Identifier: BSD-2-Clause
// The witness at a guest's NIC: a process of the lab, and what it wrote.
import { readFile } from 'node:fs/promises';
import { tool, type Lab } from '../lab/lab.js';
import type { Sight } from './failover-story.js';

export interface Witness {
  readonly pid: number;
  /** Whether the stream's probes come to this NIC, now or within that time. */
  flows(withinMs: number): Promise<boolean>;
  stop(): Promise<readonly Sight[]>;
}

export async function startWitness(lab: Lab, guest: string, vip: string, port: number): Promise<Witness> {
  const file = `${lab.tempDir}/witness-${guest}`;
  const child = lab.spawn(guest, [tool('witness'), 'eth0', vip, String(port), file]);
  await child.waitFor(/^ready$/);
  return {
    pid: child.pid,
    flows: (timeoutMs) =>
      child.waitFor(/^flows /, { timeoutMs }).then(
        () => true,
        () => false,
      ),
    stop: async () => {
      await child.stop();
      return parseSights(await readFile(file, 'utf8'));
    },
  };
}

/** Lines "KIND NS SEQ". */
export function parseSights(text: string): Sight[] {
  return [...text.matchAll(/^(advert|announce|probe|answer) (\d+) (\d+)$/gm)].map(([, kind, ns, seq]) => ({
    kind: kind as Sight['kind'],
    atNs: BigInt(ns ?? 0),
    seq: Number(seq),
  }));
}
