// SPDX-License-Identifier: BSD-2-Clause
// The contenders of the failover suite. Each is given the same: a lab of its own with two guests on veth, the same real
// keepalived in both with the same configuration, an echo server in both, and one sender. They differ in what lies
// between the guests, and in what the sender believes; each says so in `given`.
import type { Lab } from '../lab/lab.js';
import { ADDRESSES, VIP } from '../lab/topology.js';
import { benchLab, startDaemon, type Rebind } from './host.js';
import { hasOvn, startOvn } from './ovn.js';

export interface Site {
  readonly lab: Lab;
  /** Who sends the probes. */
  readonly sender: string;
  /** Of havip's API; null: another's site. */
  readonly socket: string | null;
  /** What the sender knows when a failover begins. */
  readonly believe: () => Promise<void>;
}

export interface Contender {
  readonly key: string;
  readonly title: string;
  /** For the report: what this one is given. */
  readonly given: string;
  /** What its p99 is to stay below, by its own stamps. */
  readonly askedUs?: number;
  /** Of one that never ends it is enough to see that a few times. */
  readonly roundsAtMost?: number;
  /** Of other people's daemons: one that does not come up is left out, and the others are measured. */
  readonly mayFail?: true;
  readonly build: () => Promise<Site>;
}

const ALWAYS: readonly Contender[] = [
  havip('kernel', 100),
  havip('loader', 2000),
  {
    key: 'bridge',
    title: 'plain bridge',
    given: 'the Linux bridge; the sender has a fresh entry and follows gratuitous ARP as Linux does',
    build: () => plainSite(() => Promise.resolve()),
  },
  {
    key: 'bridge-deaf',
    title: 'plain bridge, deaf sender',
    given:
      'the Linux bridge; the sender has a fresh entry, and nftables drops gratuitous ARP that comes to it',
    roundsAtMost: 2,
    build: () => plainSite((lab) => deafen(lab, 'client')),
  },
];

const OVN: readonly Contender[] = [
  {
    key: 'ovn',
    title: 'OVN, one switch',
    given: 'OVN virtual port, userspace datapath; sender on the same logical switch, as on the plain bridge',
    mayFail: true,
    build: () => ovnSite('client'),
  },
  {
    key: 'ovn-routed',
    title: 'OVN, routed',
    given: 'OVN virtual port, userspace datapath; sender on another logical switch, behind a logical router',
    mayFail: true,
    build: () => ovnSite('client2'),
  },
];

/** All that this machine has the software for. */
export const contenders = (): readonly Contender[] => [...ALWAYS, ...(hasOvn() ? OVN : [])];

function havip(rebind: Rebind, askedUs: number): Contender {
  return {
    key: `havip-${rebind}`,
    askedUs,
    title: `havip, ${rebind} mode`,
    given: `this project, rebind: ${rebind}; the sender has a permanent entry with nobody's MAC`,
    build: async () => {
      const lab = await benchLab();
      return orClose(lab, async () => {
        const { args } = await startDaemon(lab, [VIP], rebind);
        // Permanent: nothing but the network can bring its probes to the new holder.
        const believe = (): Promise<void> => lab.staticNeighbour('client', VIP, NOBODYS_MAC);
        return { ...(await furnish(lab, 'client')), socket: args[1] ?? null, believe };
      });
    },
  };
}

const NOBODYS_MAC = '02:00:00:00:00:99';

async function plainSite(prepare: (lab: Lab) => Promise<void>): Promise<Site> {
  const lab = await benchLab();
  return orClose(lab, async () => {
    await prepare(lab);
    return furnish(lab, 'client');
  });
}

async function ovnSite(sender: 'client' | 'client2'): Promise<Site> {
  const lab = await benchLab();
  return orClose(lab, async () => {
    const routed = sender === 'client2';
    if (routed) await addRouted(lab);
    await startOvn(lab, { routed });
    return furnish(lab, sender);
  });
}

/** The bridge is only where a lab's guests begin; OVN takes them off it. */
async function addRouted(lab: Lab): Promise<void> {
  const place = { host: 'hv', bridge: 'br-web', addresses: [`${ADDRESSES.client2}/24`] };
  await lab.addGuest('client2', { ...place, gateway: ADDRESSES.routerApp });
  for (const guest of ['vm-a', 'vm-b'])
    await lab.ip(guest, [`route add default via ${ADDRESSES.router} dev eth0`]);
}

/** What every site has: see the head of this file. */
async function furnish(lab: Lab, sender: string): Promise<Site> {
  for (const guest of ['vm-a', 'vm-b']) await hush(lab, guest);
  return { lab, sender, socket: null, believe: () => lab.clearNeighbours(sender) };
}

/** Of a machine that died its kernel lives on in a lab. It must not say "port unreachable" in its place. */
async function hush(lab: Lab, guest: string): Promise<void> {
  const rules = `table ip hush {
    chain out { type filter hook output priority 0; icmp type destination-unreachable drop; }
  }`;
  await lab.must(guest, ['nft', '-f', '-'], { input: rules });
}

async function deafen(lab: Lab, guest: string): Promise<void> {
  const rules = `table arp deaf {
    chain in { type filter hook input priority 0; arp saddr ip ${VIP} arp daddr ip ${VIP} drop; }
  }`;
  await lab.must(guest, ['nft', '-f', '-'], { input: rules });
}

async function orClose<T>(lab: Lab, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    await lab.close();
    throw error;
  }
}
