// SPDX-License-Identifier: BSD-2-Clause
// What may pass a stream of packets on from where they enter a hypervisor to a guest: this project, what one would use
// instead, and the barest program that could.
import type { Lab } from '../lab/lab.js';
import { addressOf, announceAll, startDaemon } from './host.js';
import {
  GUEST,
  hold,
  HOLDER_MAC,
  linkOf,
  openSite,
  packetLab,
  portOf,
  SPREAD,
  STALE_MAC,
  UPLINK,
  type Entry,
  type Site,
} from './packet-site.js';

interface Way {
  readonly about: string;
  /** @returns the MAC that the stream's frames are to carry. */
  readonly prepare: (lab: Lab, entry: Entry) => Promise<string>;
}

export const WAYS = {
  havip: { about: 'havip', prepare: prepareHavip },
  bare: { about: 'a bare redirect', prepare: prepareBare },
  bridge: { about: 'the Linux bridge', prepare: prepareBridge },
  nftables: { about: 'nftables netdev ingress, map and fwd', prepare: prepareNftables },
  routing: { about: 'kernel IPv4 routing', prepare: prepareRouting },
} as const satisfies Readonly<Record<string, Way>>;
export type WayName = keyof typeof WAYS;

export async function makeSite(name: WayName, entry: Entry): Promise<Site> {
  const lab = await packetLab(entry);
  return openSite(lab, entry, await WAYS[name].prepare(lab, entry));
}

const havips = (): string[] => Array.from({ length: SPREAD }, (_, i) => addressOf(i));

/** Every check and counter is on, every address is held, and the sender believes in another MAC. */
async function prepareHavip(lab: Lab, entry: Entry): Promise<string> {
  const uplink = [`uplinks: [${UPLINK}]`, `hooks: { ${UPLINK}: xdp }`];
  await startDaemon(lab, havips(), null, [], entry === 'wire' ? uplink : []);
  await announceAll(lab, GUEST.name, havips());
  return STALE_MAC;
}

async function prepareBare(lab: Lab, entry: Entry): Promise<string> {
  const program = entry === 'wire' ? (['bare', 'xdp'] as const) : (['bare_peer', 'tcx-ingress'] as const);
  await hold(lab, 'hv', program, portOf(lab, entry), lab.port(GUEST.name));
  return STALE_MAC;
}

/** At its best: it knows the guest's MAC, and so does the sender. */
async function prepareBridge(lab: Lab): Promise<string> {
  await lab.must('hv', [
    'bridge',
    'fdb',
    'replace',
    HOLDER_MAC,
    'dev',
    lab.port(GUEST.name),
    'master',
    'static',
  ]);
  return HOLDER_MAC;
}

async function prepareNftables(lab: Lab, entry: Entry): Promise<string> {
  const rows = (value: string): string =>
    havips()
      .map((address) => `${address} : ${value}`)
      .join(', ');
  const rules = `table netdev bench {
    map macs { type ipv4_addr : ether_addr; elements = { ${rows(HOLDER_MAC)} } }
    map ports { type ipv4_addr : iface_index; elements = { ${rows(`"${lab.port(GUEST.name)}"`)} } }
    chain in { type filter hook ingress device ${portOf(lab, entry)} priority 0;
      ether daddr set ip daddr map @macs fwd to ip daddr map @ports
    }
  }`;
  await lab.must('hv', ['nft', '-f', '-'], { input: rules });
  return STALE_MAC;
}

/** No bridge: the stream comes in by one NIC and goes out by another. */
async function prepareRouting(lab: Lab, entry: Entry): Promise<string> {
  const [from, to] = [portOf(lab, entry), lab.port(GUEST.name)];
  await lab.sysctl('hv', ['net.ipv4.ip_forward=1']);
  await lab.ip('hv', [
    `link set ${from} nomaster`,
    `link set ${to} nomaster`,
    `address add 192.0.2.1/30 dev ${from}`,
    `address add 192.0.2.5/30 dev ${to}`,
    `route add ${addressOf(0)}/22 via ${GUEST.address} dev ${to} onlink`,
    `neigh replace ${GUEST.address} lladdr ${HOLDER_MAC} dev ${to} nud permanent`,
  ]);
  return (await linkOf(lab, 'hv', from)).address;
}
