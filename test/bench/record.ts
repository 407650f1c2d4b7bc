// SPDX-License-Identifier: BSD-2-Clause
// `make bench-record`: writes down what the tests compare with. Of three measurements the one in the middle: the gate
// shall not be where luck was.
import { cpus, release } from 'node:os';
import { median } from '../../src/bench/figures.js';
import type { Entry } from '../../src/bench/packet-site.js';
import { countPrograms } from './counts.js';
import { measureGate } from './gate.js';
import { record } from './recorded.js';

async function rate(entry: Entry): Promise<number> {
  const ratios: number[] = [];
  for (let i = 0; i < 3; i++) ratios.push((await measureGate(entry)).ratio);
  return Number(median(ratios).toFixed(3));
}

record('counts.json', countPrograms());
const machine = { kernel: release(), cpu: cpus()[0]?.model.trim() ?? '' };
record('recorded.json', { ...machine, wire: await rate('wire'), guest: await rate('guest') });
