// SPDX-License-Identifier: BSD-2-Clause
// Every suite by its name on the command line, in the order in which they run.
import { benchCost } from './cost.js';
import { benchEip } from './eip.js';
import { benchFailover } from './failover.js';
import { benchIdle } from './idle.js';
import { benchKernel } from './kernel.js';
import { benchPacketRate } from './packet-rate.js';
import { benchPorts } from './ports.js';
import { benchRepoint } from './repoint.js';
import { benchScale } from './scale.js';
import type { Suite } from './suite.js';
import { benchTable } from './table.js';
import { benchTcp } from './tcp.js';

export interface NamedSuite {
  /** The question, as `--list` shows it. */
  readonly about: string;
  readonly run: Suite;
}

export const SUITES: Readonly<Record<string, NamedSuite>> = {
  'packet-rate': {
    about: 'UDP from the wire to a guest (XDP), against a bare redirect, bridge, nftables and routing',
    run: (context) => benchPacketRate('wire', context),
  },
  'packet-rate-tc': {
    about: 'UDP from guest to guest (tc), against the same',
    run: (context) => benchPacketRate('guest', context),
  },
  cost: {
    about: 'nanoseconds that the programs take for a frame, by verdict, against a program that does nothing',
    run: benchCost,
  },
  table: {
    about: 'what a packet costs with 1 to 1,000,000 HAVIPs, and what one takes of the kernel’s memory',
    run: benchTable,
  },
  ports: {
    about: 'the daemon and a packet on a host with 1, 100 and 1,000 vNICs',
    run: benchPorts,
  },
  'tcp-veth': {
    about: 'TCP between container guests, to a HAVIP and past it, against the plain bridge',
    run: (context) => benchTcp('veth', context),
  },
  'tcp-tap': {
    about: 'the same between guests on taps, as virtual machines have them',
    run: (context) => benchTcp('tap', context),
  },
  eip: { about: 'packets and TCP to an EIP, against nftables NAT', run: benchEip },
  kernel: {
    about: 'moves in kernel mode: many at once, whom they miss, and under a flood of refused claims',
    run: ({ quick }) => benchKernel({ moves: quick ? 2000 : 10_000, claims: quick ? 100_000 : 500_000 }),
  },
  repoint: {
    about: 'a move, announcement at the hook until the binding is visible: both modes, idle and under load',
    run: benchRepoint,
  },
  failover: {
    about:
      'a real keepalived fails over: outage, the guests’ time and the network’s, against bridges and OVN',
    run: benchFailover,
  },
  scale: { about: 'start, restart and memory of the daemon with 100,000 HAVIPs', run: benchScale },
  idle: {
    about: 'CPU of the daemon while nothing happens, and while it is scraped',
    run: ({ quick }) => benchIdle({ seconds: quick ? 15 : 60 }),
  },
};
