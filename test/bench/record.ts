// SPDX-License-Identifier: BSD-2-Clause
// `make bench-record`: writes down what the tests compare with. Of three measurements the one in the middle: the gate
// shall not be where luck was.
import { median } from '../../src/bench/figures.js';
import { kernelAndCpu } from '../../src/bench/machine.js';
import type { Entry } from '../../src/bench/packet-site.js';
import { countPrograms } from './counts.js';
import { measureGate, type Gate } from './gate.js';
import { record } from './recorded.js';

async function rate(entry: Entry): Promise<Pick<Gate, 'ratio' | 'bareNs'>> {
  const gates: Gate[] = [];
  for (let i = 0; i < 3; i++) gates.push(await measureGate(entry));
  const middle = (of: (gate: Gate) => number, digits: number): number =>
    Number(median(gates.map(of)).toFixed(digits));
  return { ratio: middle(({ ratio }) => ratio, 3), bareNs: middle(({ bareNs }) => bareNs, 0) };
}

record('counts.json', countPrograms());
record('recorded.json', { ...kernelAndCpu(), wire: await rate('wire'), guest: await rate('guest') });
