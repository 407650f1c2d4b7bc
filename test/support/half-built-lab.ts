// SPDX-License-Identifier: BSD-2-Clause
// A process for lab.test.ts: builds a lab, during which it is interrupted; or, with `kept`, builds one, leaves
// it there and ends. Usage: PREFIX [kept]
import { setTimeout as sleep } from 'node:timers/promises';
import { Lab, withLab } from '../../src/lab/lab.js';
import { standardLab, VIP } from '../../src/lab/topology.js';

const [, , prefix = '', mode] = process.argv;
if (mode === 'kept') await keep();
else await withLab({ prefix }, build);

async function build(lab: Lab): Promise<void> {
  await lab.bpffs();
  await lab.addNamespace('early');
  lab.spawn('early', ['sleep', '60']);
  console.log('building');
  await standardLab(lab, { kind: 'tap' });
  console.log('built');
  await sleep(60_000);
}

async function keep(): Promise<void> {
  const lab = await Lab.create({ prefix, kept: true });
  await standardLab(lab, { kind: 'tap', routed: false });
  await lab.keepalived('vm-a', { vrid: 51, vip: VIP, priority: 150, advertIntervalS: 0.2 });
}
