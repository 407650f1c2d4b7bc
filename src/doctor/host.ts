// SPDX-License-Identifier: BSD-2-Clause
// The host itself as a station on its bridges: addresses of its own that are HAVIPs or EIPs, and answers in the place
// of guests.
import { PORT_KIND } from '../kernel/layout.gen.js';
import { formatAddress } from '../net/addresses.js';
import { warn, word, type Verdict } from './finding.js';
import { effective } from './gateways.js';
import { bridgesOf, nameOf } from './names.js';
import type { HostAddress } from '../net/host-addresses.js';
import type { MapsSight, Sight } from './sight.js';

/** By default Linux answers ARP for any address that it has, on any device. */
const ANSWERS_FOR_ALL = 0;

export function hostAddresses({
  network,
  maps,
  sysctl,
}: Pick<Sight, 'network' | 'maps' | 'sysctl'>): Verdict[] {
  const lawful = heldByHost(maps);
  const bridgeOf = new Map(
    network.subnets.flatMap(({ bridge, havips }) => havips.map(({ address }) => [address, bridge] as const)),
  );
  const eips = new Set(network.eips.map(({ address }) => address));
  return network.addresses.flatMap((own) => {
    const bridge = bridgeOf.get(own.address);
    if (bridge !== undefined && !lawful.has(own.address)) {
      const device = nameOf(network, own.ifindex);
      const answers = device === bridge || effective(sysctl, bridge, 'arp_ignore') === ANSWERS_FOR_ALL;
      return [
        ownAddress(
          'HAVIP',
          own,
          device,
          answers ? `; it answers ARP for it on ${bridge}, against its holder` : '',
        ),
      ];
    }
    return eips.has(own.address) ? [ownAddress('EIP', own, nameOf(network, own.ifindex), '')] : [];
  });
}

function ownAddress(what: string, { address, prefix }: HostAddress, device: string, harm: string): Verdict {
  const detail = `the host itself has this ${what} on ${device}: its own packets to it never leave${harm}`;
  return warn(address, detail, `ip address del ${address}/${prefix} dev ${word(device)}`);
}

/** A host may run failover software of its own. */
function heldByHost(maps: MapsSight | null): Set<string> {
  const held = (maps?.bindings ?? []).filter(
    ([, { holder }]) => maps?.targets.get(holder.port)?.kind === PORT_KIND.HOST,
  );
  return new Set(held.map(([{ address }]) => formatAddress(address)));
}

/** A bridge that answers for all of its subnet takes every guest's question, HAVIPs' included. */
export function hostAnswers({ network, sysctl }: Pick<Sight, 'network' | 'sysctl'>): Verdict[] {
  return bridgesOf(network)
    .filter(({ name }) => sysctl('net', 'ipv4', 'conf', name, 'proxy_arp_pvlan') === '1')
    .map(({ name }) => {
      const detail =
        'the host answers every ARP request here with its own MAC (proxy_arp_pvlan), those for HAVIPs included';
      return warn(`bridge ${name}`, detail, `sysctl -w net/ipv4/conf/${word(name)}/proxy_arp_pvlan=0`);
    });
}
