// SPDX-License-Identifier: BSD-2-Clause
// Rules across values: a HAVIP against its subnet, subnets and networks against each other, the number against the
// capacity. What a single value may be is schema.ts.
import {
  broadcastAddress,
  cidrContains,
  formatCidr,
  isLinkLocalIpv6,
  lastAddress,
  networkAddress,
  sameBytes,
  specialAddress,
  type Cidr,
} from '../net/addresses.js';
import { findEipConflicts } from './eip-rules.js';
import type { Outline, OutlineCidr, OutlineHavip, OutlineNetwork, OutlineSubnet } from './outline.js';
import type { Finding, Path } from './problem.js';
import { MAX_HAVIPS } from './schema.js';

export function findConflicts(outline: Outline): Finding[] {
  const subnets = outline.networks.flatMap((network) => network.subnets);
  return [
    ...repeatedNames(outline.networks, 'networks of this file'),
    ...outline.networks.flatMap((network) => repeatedNames(network.subnets, 'subnets of this network')),
    ...sharedDomains(subnets),
    ...outline.networks.flatMap(overlappingCidrs),
    ...outline.networks.flatMap(repeatedAddresses),
    ...subnets.flatMap(misplacedHavips),
    ...capacityExceeded(outline),
    ...findEipConflicts(outline),
  ];
}

/** Calls `report` for each item whose key an earlier item has; a null key matches nothing. */
function repeats<T>(
  items: Iterable<T>,
  keyOf: (item: T) => string | null,
  report: (item: T, first: T) => void,
): void {
  const seen = new Map<string, T>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === null) continue;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, item);
    else report(item, first);
  }
}

function repeatedNames(items: readonly { name: string | null; path: Path }[], where: string): Finding[] {
  const findings: Finding[] = [];
  repeats(
    items,
    (item) => item.name,
    (item, first) => {
      const message = `name: found "${item.name}" again; allowed: a name that is unique among the ${where}`;
      findings.push({ path: [...item.path, 'name'], at: 'value', message, first: [...first.path, 'name'] });
    },
  );
  return findings;
}

/** Two subnets in one broadcast domain: a frame could not be told to be in one or the other. */
function sharedDomains(subnets: readonly OutlineSubnet[]): Finding[] {
  const findings: Finding[] = [];
  repeats(
    subnets,
    ({ bridge, vlan }) => (bridge === null || vlan === null ? null : `${bridge} ${vlan}`),
    (subnet, first) => {
      const domain = `bridge "${subnet.bridge}", ${subnet.vlan}`;
      findings.push({
        path: [...subnet.path, 'bridge'],
        at: 'value',
        message: `bridge: found ${domain} again; allowed: one subnet for each bridge and tag stack`,
        first: [...first.path, 'bridge'],
      });
    },
  );
  return findings;
}

/** A network is one address space; only link-local blocks exist once on every link. */
function overlappingCidrs(network: OutlineNetwork): Finding[] {
  const blocks = network.subnets.flatMap((subnet) => subnet.cidrs);
  const shared = blocks.filter((block) => !isLinkLocalIpv6(block.cidr.first));
  const local = network.subnets.flatMap((subnet) => overlaps(ownLinkLocals(subnet)));
  return [...overlaps(shared), ...local];
}

function ownLinkLocals(subnet: OutlineSubnet): readonly OutlineCidr[] {
  return subnet.cidrs.filter((block) => isLinkLocalIpv6(block.cidr.first));
}

/** Sorted by first address, a block overlaps an earlier one if it begins before the furthest end so far. */
function overlaps(blocks: readonly OutlineCidr[]): Finding[] {
  const findings: Finding[] = [];
  const sorted = blocks
    .map((block) => ({ block, ...rangeKeys(block.cidr) }))
    .toSorted((a, b) => compareText(a.first, b.first) || compareText(b.last, a.last));
  let widest = sorted[0];
  for (const range of sorted.slice(1)) {
    if (widest === undefined || range.first > widest.last) widest = range;
    else findings.push(overlap(range.block, widest.block));
  }
  return findings;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** First and last address as text that sorts like the addresses, the families apart. */
function rangeKeys(cidr: Cidr): { first: string; last: string } {
  const key = (bytes: Uint8Array): string => `${cidr.family} ${Buffer.from(bytes).toString('hex')}`;
  return { first: key(cidr.first), last: key(lastAddress(cidr)) };
}

function overlap(block: OutlineCidr, other: OutlineCidr): Finding {
  const message =
    `cidr: found ${formatCidr(block.cidr)}, which overlaps ${formatCidr(other.cidr)}; ` +
    'allowed: blocks of a network that are apart';
  return { path: block.path, at: 'value', message, first: other.path };
}

function havipPath(subnet: OutlineSubnet, havip: OutlineHavip): Path {
  return [...subnet.path, 'havips', havip.index, 'address'];
}

function repeatedAddresses(network: OutlineNetwork): Finding[] {
  const findings: Finding[] = [];
  const placed = network.subnets.flatMap((subnet) => subnet.havips.map((havip) => ({ subnet, havip })));
  repeats(
    placed,
    ({ havip }) => havip.address.text,
    (item, first) => {
      const message = `address: found ${item.havip.address.text} again; allowed: each address once in a network`;
      const path = havipPath(item.subnet, item.havip);
      findings.push({ path, at: 'value', message, first: havipPath(first.subnet, first.havip) });
    },
  );
  return findings;
}

function misplacedHavips(subnet: OutlineSubnet): Finding[] {
  const findings: Finding[] = [];
  for (const havip of subnet.havips) {
    const why = whyMisplaced(subnet, havip.address.bytes);
    if (why === null) continue;
    const message = `address: found ${havip.address.text}, ${why}`;
    findings.push({ path: havipPath(subnet, havip), at: 'value', message });
  }
  return findings;
}

/** Why no instance of the subnet can own the address, with what is allowed; null when one can. */
function whyMisplaced(subnet: OutlineSubnet, bytes: Uint8Array): string | null {
  const special = specialAddress(bytes);
  if (special !== null) return `which is ${ARTICLE[special]} ${special} address; allowed: a unicast address`;
  const block = subnet.cidrs.find(({ cidr }) => cidrContains(cidr, bytes));
  if (block === undefined) return subnet.isCidrComplete ? outside(subnet) : null;
  return reserved(block.cidr, bytes);
}

const ARTICLE = { unspecified: 'the', loopback: 'a', multicast: 'a', 'limited broadcast': 'the' } as const;

function outside(subnet: OutlineSubnet): string {
  const blocks = subnet.cidrs.map(({ cidr }) => formatCidr(cidr)).join(', ');
  return `which is outside its subnet; allowed: an address in ${blocks}`;
}

function reserved(cidr: Cidr, bytes: Uint8Array): string | null {
  const [network, broadcast] = [networkAddress(cidr), broadcastAddress(cidr)];
  const allowed = `of ${formatCidr(cidr)}; allowed: an address that a host can own`;
  if (network !== null && sameBytes(network, bytes)) {
    return `which is the ${cidr.family === 4 ? 'network' : "routers' anycast"} address ${allowed}`;
  }
  return broadcast !== null && sameBytes(broadcast, bytes)
    ? `which is the broadcast address ${allowed}`
    : null;
}

function capacityExceeded(outline: Outline): Finding[] {
  const { havipCount, capacityHavips } = outline;
  if (havipCount > MAX_HAVIPS) {
    const message = `networks: found ${havipCount} HAVIPs; allowed: at most ${MAX_HAVIPS}`;
    return [{ path: ['networks'], at: 'key', message }];
  }
  if (capacityHavips === null || capacityHavips >= havipCount) return [];
  const message = `capacity: found ${capacityHavips} for ${havipCount} HAVIPs; allowed: at least ${havipCount}`;
  return [{ path: ['capacity', 'havips'], at: 'value', message }];
}
