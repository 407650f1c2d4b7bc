// SPDX-License-Identifier: BSD-2-Clause
// ucarp, the user-space CARP: its own protocol among the guests (IP protocol 112 too, with other contents), and a
// gratuitous ARP by the winner.
import { mkdir, writeFile } from 'node:fs/promises';
import test from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import type { Child } from '../../src/lab/process.js';
import { ADDRESSES, VIP } from '../../src/lab/topology.js';
import { requireRoot } from '../support/lab.js';
import { checkHolds, checkQuiet, counted, followed } from '../support/interop.js';
import type { Holder } from '../support/pair.js';

test.before(requireRoot);

/** Its scripts get the device and the address; `skew` decides who wins. */
async function ucarp(lab: Lab, guest: Holder, skew: number): Promise<Child> {
  const folder = `${lab.tempDir}/ucarp-${guest}`;
  await mkdir(folder, { mode: 0o700 });
  const script = async (name: string, verb: string): Promise<string> => {
    const path = `${folder}/${name}`;
    await writeFile(path, `#!/bin/sh\nexec ip address ${verb} ${VIP}/32 dev "$1"\n`, { mode: 0o700 });
    return path;
  };
  return lab.spawn(guest, [
    ...[
      'ucarp',
      '--interface=eth0',
      `--srcip=${ADDRESSES[guest]}`,
      '--vhid=7',
      '--pass=lab',
      `--addr=${VIP}`,
    ],
    ...[`--advskew=${skew}`, '--advbase=1', '--shutdown', '--nomcast'],
    ...[`--upscript=${await script('up', 'replace')}`, `--downscript=${await script('down', 'del')}`],
  ]);
}

test.serial('ucarp: the master is followed, and the standby after it has gone', async (t) => {
  const place = await followed(t);
  const { lab } = place;
  const a = await ucarp(lab, 'vm-a', 0);
  await checkHolds(t, place, 'vm-a');
  await ucarp(lab, 'vm-b', 100);
  a.kill('SIGTERM');
  await checkHolds(t, place, 'vm-b');
  t.is(
    (await counted(place, 'vm-b', 'arp-request', 'move')) +
      (await counted(place, 'vm-b', 'arp-reply', 'move')),
    1,
  );
  await checkQuiet(t, place);
});
