// SPDX-License-Identifier: BSD-2-Clause
// The doctor on what the pinned maps say, against devices, daemon and configuration, of hosts that are made up.
import test from 'ava';
import type { Sight } from '../../src/doctor/sight.js';
import { havip, subnet } from './configs.js';
import { finds } from './doctor-finds.js';
import * as seen from './sights.js';
import { VIP } from './sights.js';

test(
  'events lost, claims lost',
  finds,
  { maps: seen.maps({ losses: { ringFull: 3n, claimsFull: 2n } }) },
  ['warn maps ring', 'warn maps claims'],
  /3 events.*\n.*2 claims/,
);
test(
  'a map near full, and one that is',
  finds,
  {
    maps: seen.maps({
      fill: [
        { map: 'claims', used: 90, room: 100 },
        { map: 'eips', used: 8, room: 8 },
      ],
    }),
  },
  ['warn maps room', 'fail maps room'],
  /90 of 100.*\n.*next is refused/,
);
test(
  'slots near used up',
  finds,
  { maps: seen.maps({ targetSlots: 4 }) },
  ['fail maps room'],
  /capacity\.ports/,
);
test(
  'a daemon on other maps',
  finds,
  { daemon: seen.daemon({ process: { ...seen.PROCESS, mapIds: new Set([10, 12]) } }) },
  ['fail maps daemon'],
  /not opened 11/,
);

const targetsWith = (slot: number, change: object): Partial<Sight> => {
  const { targets } = seen.maps();
  const before = targets.get(slot) ?? seen.target(slot, '', 0);
  return { maps: seen.maps({ targets: new Map([...targets, [slot, { ...before, ...change }]]) }) };
};
test(
  'a target whose MTU is not the device’s',
  finds,
  targetsWith(3, { mtu: 1400 }),
  ['fail maps ports'],
  /tap2: MTU 1400 in the map, 1500/,
);
test(
  'a target of another generation',
  finds,
  targetsWith(3, { generation: 2 }),
  ['fail maps ports'],
  /tap2: generation 1 against 2/,
);
test(
  'a target whose device has gone',
  finds,
  targetsWith(3, { ifindex: 33 }),
  ['fail maps ports', 'fail maps redirects'],
  /tap2 \(slot 3\): its device has gone/,
);
test(
  'a target whose ifindex has passed on',
  finds,
  targetsWith(3, { name: Buffer.from('tap9\0') }),
  ['fail maps ports'],
  /its ifindex is tap2's/,
);
test(
  'a devmap slot that is empty',
  finds,
  {
    maps: seen.maps({
      redirects: new Map([
        [1, 1],
        [2, 2],
        [3, 3],
      ]),
    }),
  },
  ['fail maps redirects'],
  /eth1 \(slot 4: empty\)/,
);
const unslotted = seen
  .maps()
  .bindings.map(([key, row]) => [key, { ...row, holder: { ...row.holder, port: 9 } }] as const);
test(
  'a binding to no port',
  finds,
  { maps: seen.maps({ bindings: unslotted }) },
  ['fail maps bindings'],
  /10\.0\.1\.50 \(slot 9\)/,
);

const moved = seen.maps().ports.get(2);
test(
  'a port that programs take for another',
  finds,
  { maps: seen.maps({ nearPorts: new Map(moved && [[2, { ...moved, slot: 3 }]]) }) },
  ['fail maps ports'],
  /ifindex 2: near_ports says otherwise/,
);

test(
  'packets that are steered past a binding',
  finds,
  { maps: seen.maps({ steered: new Map() }) },
  ['fail maps steering'],
  /elsewhere than the bindings say: 10\.0\.1\.50/,
);

const file = (...havips: Parameters<typeof havip>[]): Sight['config'] =>
  seen.config({
    subnets: [
      subnet(
        'web',
        havips.map((args) => havip(...args)),
        { uplinks: ['eth1'] },
      ),
    ],
  });
test(
  'a HAVIP of the file that is not served',
  finds,
  { config: file([VIP], ['10.0.1.51']) },
  ['warn maps policies'],
  /not served: 10\.0\.1\.51/,
);
test(
  'a HAVIP under other rules',
  finds,
  { config: file([VIP, { unheld: 'drop' }]) },
  ['warn maps policies'],
  /other rules than the file’s: 10\.0\.1\.50/,
);
test(
  'a HAVIP that the file does not name, without a daemon',
  finds,
  { config: file(), daemon: seen.daemon(seen.NO_DAEMON) },
  ['warn daemon process', 'warn maps policies'],
  /not in the file: 10\.0\.1\.50/,
);
const eip = (address: string, target: string) => ({
  network: 'blue',
  address,
  havip: target,
  egress: 'any' as const,
});
test(
  'EIPs that are not the file’s',
  finds,
  {
    config: seen.config({ eips: [eip('203.0.113.1', VIP), eip('203.0.113.2', '10.0.1.51')] }),
    maps: seen.maps({
      eips: ['203.0.113.2', '203.0.113.3'].map((address) => ({
        address,
        havip: seen.KEY,
      })),
    }),
    daemon: seen.daemon(seen.NO_DAEMON),
  },
  ['warn daemon process', 'warn maps EIPs'],
  /not served: 203\.0\.113\.1; led elsewhere: 203\.0\.113\.2 to 10\.0\.1\.50.*; served and not in the file: 203\.0\.113\.3/,
);
