// SPDX-License-Identifier: BSD-2-Clause
// Rules across values that concern EIPs and gateways: an EIP and its HAVIP, EIPs among each other, a device's two roles.
import { cidrContains, formatCidr, specialAddress } from '../net/addresses.js';
import type { Outline, OutlineEip, OutlineNetwork, OutlineSubnet } from './outline.js';
import type { Finding, Path } from './problem.js';

export function findEipConflicts({ networks }: Outline): Finding[] {
  return [
    ...repeatedEips(networks),
    ...networks.flatMap(misplacedEips),
    ...networks.flatMap(unlikeEgress),
    ...twoRoles(networks),
  ];
}

const refuse = (path: Path, message: string, first?: Path): Finding => ({
  path,
  at: 'value',
  message,
  ...(first && { first }),
});

/** Whoever asks for an EIP from outside names no network. */
function repeatedEips(networks: readonly OutlineNetwork[]): Finding[] {
  const seen = new Map<string, OutlineEip>();
  return networks
    .flatMap(({ eips }) => eips)
    .flatMap((eip) => {
      const first = seen.get(eip.address.text);
      seen.set(eip.address.text, first ?? eip);
      if (!first) return [];
      const message = `address: found the EIP ${eip.address.text} again; allowed: each EIP once in a file`;
      return [refuse([...eip.path, 'address'], message, [...first.path, 'address'])];
    });
}

function misplacedEips(network: OutlineNetwork): Finding[] {
  if (network.eips.length === 0) return [];
  const homes = new Map(
    network.subnets.flatMap((subnet) => subnet.havips.map(({ address }) => [address.text, subnet] as const)),
  );
  return network.eips.flatMap((eip) => misplaced(eip, network, homes) ?? []);
}

function misplaced(
  { address, havip, path }: OutlineEip,
  network: OutlineNetwork,
  homes: ReadonlyMap<string, OutlineSubnet>,
): Finding | null {
  const at = [...path, 'address'];
  if (address.family !== 4) return refuse(at, `address: found ${address.text}; allowed: an IPv4 address`);
  if (specialAddress(address.bytes) !== null)
    return refuse(at, `address: found ${address.text}, which no host can own; allowed: a unicast address`);
  const block = network.subnets
    .flatMap(({ cidrs }) => cidrs)
    .find(({ cidr }) => cidrContains(cidr, address.bytes));
  if (block) {
    const inside = `which is inside the subnet ${formatCidr(block.cidr)}`;
    const message = `address: found ${address.text}, ${inside}; allowed: an address outside the network's subnets`;
    return refuse(at, message, block.path);
  }
  if (havip === null) return null;
  return whyNotBehind(havip.text, havip.family, homes.get(havip.text), [...path, 'havip']);
}

function whyNotBehind(
  havip: string,
  family: number,
  home: OutlineSubnet | undefined,
  path: Path,
): Finding | null {
  if (!home) return refuse(path, `havip: found ${havip}; allowed: the address of a HAVIP of this network`);
  if (family !== 4) return refuse(path, `havip: found ${havip}; allowed: an IPv4 HAVIP`);
  if (home.vlan === null || home.vlan === 'untagged') return null;
  const why = `which is in a tagged subnet (${home.vlan})`;
  return refuse(path, `havip: found ${havip}, ${why}; allowed: a HAVIP of an untagged subnet`);
}

/** It is asked of the sender, who leaves as one of them. */
function unlikeEgress({ eips }: OutlineNetwork): Finding[] {
  const firsts = new Map<string, OutlineEip>();
  return eips.flatMap((eip) => {
    if (eip.havip === null) return [];
    const first = firsts.get(eip.havip.text);
    firsts.set(eip.havip.text, first ?? eip);
    if (!first || first.egress === eip.egress) return [];
    const message = `egress: found ${eip.egress}; allowed: the same for every EIP of ${eip.havip.text}`;
    return [refuse(eip.path, message, first.path)];
  });
}

/** A gateway routes and is no port of a bridge; an uplink is one. */
function twoRoles(networks: readonly OutlineNetwork[]): Finding[] {
  const uplinks = networks.flatMap(({ subnets }) => subnets.flatMap((subnet) => subnet.uplinks));
  const gateways = new Map(uplinks.filter(({ isGateway }) => isGateway).map((one) => [one.name, one]));
  return uplinks
    .filter(({ name, isGateway }) => !isGateway && gateways.has(name))
    .map(({ name, path }) => {
      const message = `uplinks: found ${name} as a port of the bridge and as a gateway; allowed: one of the two`;
      return refuse(path, message, gateways.get(name)?.path);
    });
}
