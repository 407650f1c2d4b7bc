// SPDX-License-Identifier: BSD-2-Clause
// Offloads that matter: what a NIC takes off a frame before XDP, what a guest still owes when XDP gets it, and what is
// merged and cannot be sent on.
import type { SubnetConfig } from '../config/types.js';
import type { WantedPort } from '../control/plan.js';
import { PORT_KIND } from '../kernel/layout.gen.js';
import { warn, word, type Verdict } from './finding.js';
import type { Sight } from './sight.js';

export function offloads({ network }: Pick<Sight, 'network'>): Verdict[] {
  const { plan, subnets, devices } = network;
  return [...plan.ports.values()].flatMap((port) => {
    const active = network.offloads.get(port.ifindex) ?? new Set<string>();
    const kind = devices.get(port.ifindex)?.link.kind ?? '';
    return [
      ...strippedTags(port, active, subnets),
      ...owedChecksums(port, kind),
      ...mergedSegments(port, active),
    ];
  });
}

function strippedTags(
  port: WantedPort,
  active: ReadonlySet<string>,
  subnets: readonly SubnetConfig[],
): Verdict[] {
  const tagged = subnets.some(({ bridge, vlan }) => bridge === port.bridge.name && vlan.outer !== 0);
  if (port.hook !== 'xdp' || !tagged || !active.has('rx-vlan-hw-parse')) return [];
  const detail =
    'the NIC takes VLAN tags off before XDP (rxvlan): frames of tagged subnets count as untagged';
  return [warn(`port ${port.name}`, detail, `ethtool -K ${word(port.name)} rxvlan off`)];
}

/** What the guest's own offload is cannot be seen from here, so that it is said whenever XDP is forced. */
function owedChecksums({ name, hook, kind }: WantedPort, deviceKind: string): Verdict[] {
  if (hook !== 'xdp' || kind !== PORT_KIND.VNIC || !['veth', 'tun'].includes(deviceKind)) return [];
  const detail =
    'xdp is forced on a vNIC: frames whose checksum the guest leaves to its NIC lose it when redirected; ping works, TCP does not';
  return [warn(`port ${name}`, detail, '# in the guest: ethtool -K eth0 tx off; or set hooks to auto')];
}

function mergedSegments({ name, kind }: WantedPort, active: ReadonlySet<string>): Verdict[] {
  if (!active.has('rx-lro') || (kind !== PORT_KIND.GATEWAY && kind !== PORT_KIND.UPLINK)) return [];
  const detail =
    'merges received segments for good (LRO): what is forwarded from here is too long to be sent on';
  return [warn(`port ${name}`, detail, `ethtool -K ${word(name)} lro off`)];
}
