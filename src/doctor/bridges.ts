// SPDX-License-Identifier: BSD-2-Clause
// Bridges: what their settings and those of their ports do to announcements, adverts and the entries that redirected
// frames keep alive.
import type { WantedPort } from '../control/plan.js';
import type { PortSettings } from '../net/devices.js';
import { ok, some, warn, word, type Verdict } from './finding.js';
import { bridgesOf, type ServedBridge } from './names.js';
import type { NetworkSight, Sight } from './sight.js';

interface BridgePort {
  readonly wanted: WantedPort;
  readonly settings: PortSettings;
}

function portsOf({ devices }: NetworkSight, { ports }: ServedBridge): BridgePort[] {
  return ports.flatMap((wanted) => {
    const settings = devices.get(wanted.ifindex)?.port;
    return settings ? [{ wanted, settings }] : [];
  });
}

/** What a flag of a port does when it is other than usual; `cure` sets it back. */
interface Flag {
  readonly name: string;
  readonly isOdd: (port: BridgePort) => boolean;
  readonly means: string;
  readonly cure: string;
}

const FLAGS: readonly Flag[] = [
  {
    name: 'hairpin on',
    isOdd: ({ settings }) => settings.hairpin,
    means: 'what comes in there is sent back there: guests hear their own announcements and adverts',
    cure: 'hairpin off',
  },
  {
    name: 'isolated on',
    isOdd: ({ settings }) => settings.isolated,
    means:
      'such guests do not hear each other’s adverts (two masters), and redirected frames pass the isolation',
    cure: 'isolated off',
  },
  {
    name: 'locked on',
    isOdd: ({ settings }) => settings.locked,
    means:
      'the bridge drops strangers’ frames, but frames to a HAVIP and announcements go by havip before it looks',
    cure: 'locked off',
  },
  {
    name: 'neigh_suppress on',
    isOdd: ({ settings }) => settings.neighSuppress,
    means: 'announcements are not flooded to there: hosts and guests behind it do not learn of a failover',
    cure: 'neigh_suppress off',
  },
  {
    name: 'learning off',
    isOdd: ({ settings }) => !settings.learning,
    means:
      'the bridge knows none of its MACs: answers to them are flooded to every port, whatever havip keeps alive',
    cure: 'learning on',
  },
  {
    name: 'flood off',
    isOdd: ({ settings }) => !settings.unicastFlood,
    means: 'a MAC that the bridge has not learned yet is not reached there: rewritten frames to it are lost',
    cure: 'flood on',
  },
  {
    name: 'bcast_flood off',
    isOdd: ({ settings }) => !settings.broadcastFlood,
    means: 'ARP announcements and questions do not reach it',
    cure: 'bcast_flood on',
  },
];

export function bridgePorts({ network }: Pick<Sight, 'network'>): Verdict[] {
  return bridgesOf(network).flatMap((bridge) => {
    const ports = portsOf(network, bridge);
    const verdicts = FLAGS.flatMap((flag) => oddPorts(flag, bridge, ports));
    return verdicts.length ? verdicts : [ok(`ports of ${bridge.name}`, 'no flag that hides announcements')];
  });
}

function oddPorts(
  { name, isOdd, means, cure }: Flag,
  bridge: ServedBridge,
  ports: readonly BridgePort[],
): Verdict[] {
  const odd = ports.filter(isOdd).map(({ wanted }) => wanted.name);
  if (odd.length === 0) return [];
  const cures = odd.map((port) => `bridge link set dev ${word(port)} ${cure}`).join('; ');
  return [warn(`${name} on ${bridge.name}`, `${some(odd)}: ${means}`, cures)];
}

/** VRRP's adverts are multicast that nobody need have joined: a port without this flag gets none of them. */
export function multicastFlood({ network }: Pick<Sight, 'network'>): Verdict[] {
  return bridgesOf(network).flatMap((bridge) => {
    const deaf = portsOf(network, bridge).filter(({ settings }) => !settings.multicastFlood);
    if (deaf.length === 0) return [];
    const names = deaf.map(({ wanted }) => wanted.name);
    const detail = `${some(names)}: VRRP adverts (224.0.0.18, ff02::12) are not flooded to there: two masters`;
    const cure = names.map((name) => `bridge link set dev ${word(name)} mcast_flood on`).join('; ');
    return [warn(`mcast_flood off on ${bridge.name}`, detail, cure)];
  });
}

/**
 * Measured (Linux 6.18): 224.0.0.x is flooded whatever is snooped, since IGMP leaves it out; so is everything while no
 * querier is heard. With one, ff02::12 and the groups that solicitations go to reach only ports that have joined by MLD.
 */
export function snooping({ network }: Pick<Sight, 'network'>): Verdict[] {
  return bridgesOf(network).flatMap(({ name, device }) => {
    if (device.bridge?.snooping !== true) return [];
    const check = `snooping on ${name}`;
    if (!device.bridge.ipv6Querier) {
      return [ok(check, 'on, without an IPv6 querier: all multicast is flooded, VRRP included')];
    }
    if (!hasIpv6(network, name))
      return [ok(check, 'on: 224.0.0.18 is always flooded, and no HAVIP here is IPv6')];
    const detail =
      'on, with an IPv6 querier: adverts to ff02::12 and solicitations reach only ports whose MLD reports it has heard, others become master too; 224.0.0.18 is always flooded';
    return [warn(check, detail, `ip link set ${word(name)} type bridge mcast_snooping 0`)];
  });
}

/** Also where only the maps are known, which do not tell a subnet's blocks. */
function hasIpv6({ subnets }: NetworkSight, bridge: string): boolean {
  const here = subnets.filter((subnet) => subnet.bridge === bridge);
  return here.some(
    ({ havips, cidrs }) => cidrs.length === 0 || havips.some(({ address }) => address.includes(':')),
  );
}

export function bridgeStp({ network }: Pick<Sight, 'network'>): Verdict[] {
  return bridgesOf(network).flatMap((bridge) => [...blockedPorts(network, bridge), ...shortAgeing(bridge)]);
}

function blockedPorts(network: NetworkSight, bridge: ServedBridge): Verdict[] {
  const held = portsOf(network, bridge).filter(
    ({ wanted, settings }) => wanted.up && settings.state !== 'forwarding',
  );
  if (held.length === 0) return [];
  const names = held.map(({ wanted, settings }) => `${wanted.name} ${settings.state}`);
  const detail = `${some(names)}: the bridge passes nothing there, while havip hears announcements and redirects all the same`;
  return [
    warn(
      `STP on ${bridge.name}`,
      detail,
      `bridge -d link show master ${word(bridge.name)}   # passing while STP settles`,
    ),
  ];
}

/** While STP changes ways entries live for the forward delay; ours are kept alive four times an ageing time. */
function shortAgeing({ name, device, ports }: ServedBridge): Verdict[] {
  const { bridge } = device;
  if (!bridge?.stp || !bridge.topologyChange) return [];
  const every = Math.max(0, ...ports.map(({ learnEveryMs }) => learnEveryMs));
  if (every < bridge.forwardDelayMs) return [];
  const detail = `STP changes ways: entries age after ${bridge.forwardDelayMs / 1000} s, and senders of redirected frames show themselves every ${every / 1000} s: answers may be flooded to every guest`;
  const cure = `ip link set ${word(name)} type bridge ageing_time ${Math.round(bridge.forwardDelayMs / 10)}`;
  return [warn(`ageing on ${name}`, detail, cure)];
}

/** A redirect neither adds nor removes a tag, and knows nothing of what a port may carry. */
export function vlanFiltering({ network }: Pick<Sight, 'network'>): Verdict[] {
  return bridgesOf(network)
    .filter(({ device }) => device.bridge?.vlanFiltering === true)
    .flatMap((bridge) => {
      const stacks = network.subnets
        .filter((subnet) => subnet.bridge === bridge.name)
        .map(({ vlan }) => vlan);
      const verdicts = [
        ...(stacks.some(({ outer }) => outer === 0) ? mixedAccess(network, bridge) : []),
        ...stacks.flatMap(({ outer }) => (outer === 0 ? [] : strippedTag(network, bridge, outer))),
      ];
      return verdicts.length
        ? verdicts
        : [ok(`VLANs on ${bridge.name}`, 'filtered, and in keeping with `vlan`')];
    });
}

function mixedAccess({ vlans }: NetworkSight, { name, ports }: ServedBridge): Verdict[] {
  const byPvid = new Map<number, string[]>();
  for (const port of ports) {
    const pvid = vlans.get(port.ifindex)?.find((vlan) => vlan.pvid)?.id;
    if (pvid !== undefined) byPvid.set(pvid, [...(byPvid.get(pvid) ?? []), port.name]);
  }
  if (byPvid.size < 2) return [];
  const groups = [...byPvid].map(([pvid, names]) => `VLAN ${pvid}: ${some(names, 2)}`);
  const detail = `untagged ports are of several VLANs (${some(groups)}), to havip one broadcast domain: a HAVIP crosses them`;
  const cure = `bridge vlan show   # one bridge for each, or tagged ports and vlan: [ID] in the configuration`;
  return [warn(`VLANs on ${name}`, detail, cure)];
}

function strippedTag({ vlans }: NetworkSight, { name, ports }: ServedBridge, id: number): Verdict[] {
  const of = (port: WantedPort) => vlans.get(port.ifindex)?.find((vlan) => vlan.id === id);
  const carriers = ports.filter((port) => of(port) !== undefined);
  const check = `VLAN ${id} on ${name}`;
  if (carriers.length === 0) {
    const cure = `bridge vlan add dev PORT vid ${id}   # on each port of it`;
    return [warn(check, `no port carries it: its subnet is never met here`, cure)];
  }
  const access = carriers.filter((port) => of(port)?.untagged === true || of(port)?.pvid === true);
  if (access.length === 0) return [];
  const names = access.map((port) => port.name);
  const detail = `${some(names)} carry it untagged: their frames are not of \`vlan: [${id}]\`, and a redirect adds no tag`;
  const cure = names.map((port) => `bridge vlan add dev ${word(port)} vid ${id}`).join('; ');
  return [warn(check, detail, `${cure}   # tagged, and the guest tags`)];
}

/** br_netfilter sends bridged frames through the host's IP rules; redirected ones go around them. */
export function bridgeFilters({ network, sysctl }: Pick<Sight, 'network' | 'sysctl'>): Verdict[] {
  const bridges = bridgesOf(network);
  const tables = ['iptables', 'ip6tables', 'arptables'].filter(
    (table) => sysctl('net', 'bridge', `bridge-nf-call-${table}`) === '1',
  );
  const own = bridges.filter(({ device }) => device.bridge?.netfilter === true).map(({ name }) => name);
  if (bridges.length === 0 || (tables.length === 0 && own.length === 0)) return [];
  const where = tables.length ? tables.join(', ') : `on ${some(own)}`;
  const detail = `bridged frames pass the host’s rules (br_netfilter: ${where}), frames to a HAVIP go around them`;
  const cure = tables.length
    ? `sysctl -w ${tables.map((table) => `net.bridge.bridge-nf-call-${table}=0`).join(' ')}`
    : own
        .map(
          (name) =>
            `ip link set ${word(name)} type bridge nf_call_iptables 0 nf_call_ip6tables 0 nf_call_arptables 0`,
        )
        .join('; ');
  return [warn('br_netfilter', detail, `${cure}   # unless rules there are meant for guests`)];
}
