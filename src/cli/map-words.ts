// SPDX-License-Identifier: BSD-2-Clause
// The pinned maps in words: how each map's keys and values read, with indices and slots resolved to names. One
// entry of DECODERS a map; bpf/maps.h says the same in comments.
import {
  LIMITS,
  POLICY_FLAGS,
  PUBLIC_FLAGS,
  TARGET_FLAGS,
  type Holder,
  type Port,
} from '../kernel/layout.gen.js';
import type { MapName, Tables } from '../kernel/maps.js';
import {
  CLAIM_KIND_NAMES,
  CLAIM_RESULT_NAMES,
  fieldText,
  kebab,
  PORT_KIND_NAMES,
  REASONS,
} from '../kernel/names.js';
import { readNames, sumTraffic, toHolder, type Names } from '../kernel/reader.js';
import { hasSpilled, holdersIn } from '../kernel/steering.js';
import { formatAddress, formatMac } from '../net/addresses.js';
import type { Json } from './json.js';

export type Words = Readonly<Record<string, Json>>;

/** One entry. `empty`: an array's element that nothing was written to. */
export interface Entry {
  readonly key: Words;
  readonly value: Words;
  readonly empty: boolean;
}

/** What turns numbers into names. */
export class Dictionary {
  readonly names: Names;

  constructor(private readonly tables: Tables) {
    this.names = readNames(tables);
  }

  subnet(index: number): string {
    const subnet = this.names.subnets.get(index);
    return subnet ? `${subnet.network}/${subnet.name}` : `subnet-${index}`;
  }

  port(slot: number): string {
    return this.names.ports.get(slot)?.name ?? (slot ? `slot-${slot}` : '-');
  }

  /** A HAVIP by its index; free indices have no address. */
  havip(index: number): Words {
    const policy = this.tables.havips.get(index);
    if (!policy?.key.subnet) return { havip: index };
    return {
      havip: index,
      subnet: this.subnet(policy.key.subnet),
      address: formatAddress(policy.key.address),
    };
  }

  slot(slot: number): Words {
    return { slot, port: this.port(slot) };
  }

  /** null: nobody. */
  holder(holder: Holder): Json {
    const found = toHolder(this.names, holder);
    return found && { port: found.port, mac: found.mac };
  }
}

type Decode = (tables: Tables, words: Dictionary) => Iterable<Entry>;

/** The decoder of a table from how one of its entries reads. `isEmpty`: for arrays, whose elements always exist. */
function decoder<K, V>(
  entriesOf: (tables: Tables) => Iterable<readonly [K, V]>,
  key: (words: Dictionary, key: K) => Words,
  value: (words: Dictionary, value: V) => Words,
  isEmpty: (value: V) => boolean = () => false,
): Decode {
  return function* (tables, words) {
    for (const [k, v] of entriesOf(tables))
      yield { key: key(words, k), value: value(words, v), empty: isEmpty(v) };
  };
}

const byHavip = (words: Dictionary, index: number): Words => words.havip(index);
const bySlot = (words: Dictionary, slot: number): Words => words.slot(slot);
const byHavipAndPort = (words: Dictionary, { havip, port }: { havip: number; port: number }): Words => ({
  ...words.havip(havip),
  ...words.slot(port),
});

const flagNames = (flags: number, all: Readonly<Record<string, number>>): Json =>
  Object.entries(all).flatMap(([name, bit]) => (flags & bit ? [kebab(name)] : []));

const nameOf = (names: readonly string[], number: number | bigint): string =>
  names[Number(number)] ?? String(number);

/** Devmaps have no batch calls. */
function* eachRedirect({ redirects }: Tables): Generator<readonly [number, number]> {
  for (let slot = 0; slot < redirects.maxEntries; slot++) yield [slot, redirects.get(slot) ?? 0];
}

/** Only what is not zero: most of a port's counters always are. */
function counts(values: readonly bigint[], nameAt: (index: number) => string): Words {
  return Object.fromEntries(values.flatMap((value, index) => (value ? [[nameAt(index), value]] : [])));
}

const reasonAt = (index: number): string => `${REASONS[index]?.verdict}-${REASONS[index]?.reason}`;
const claimAt = (index: number): string =>
  `${nameOf(CLAIM_KIND_NAMES, Math.floor(index / CLAIM_RESULT_NAMES.length))}/${nameOf(CLAIM_RESULT_NAMES, index % CLAIM_RESULT_NAMES.length)}`;

const portWords = (words: Dictionary, { slot, subnet, bridge, kind, learnEveryNs }: Port): Words => ({
  ...words.slot(slot),
  subnet: subnet ? words.subnet(subnet) : null,
  bridge,
  kind: nameOf(PORT_KIND_NAMES, kind),
  learnEveryNs,
});

const quadText = (bytes: Uint8Array): string => [...bytes].join('.');
const fromNetworkOrder = (port: number): number => ((port & 0xff) << 8) | (port >> 8);

const allZero = (values: readonly bigint[]): boolean => values.every((value) => value === 0n);

export const DECODERS: Readonly<Record<MapName, Decode>> = {
  bindings: decoder(
    (tables) => tables.bindings.entries(),
    (words, { subnet, address }) => ({ subnet: words.subnet(subnet), address: formatAddress(address) }),
    (words, { holder, former, sinceNs, havip, moves, by }) => ({
      holder: words.holder(holder),
      former: words.holder(former),
      sinceNs,
      havip,
      moves,
      by: nameOf(CLAIM_KIND_NAMES, by),
    }),
  ),
  steering: decoder(
    (tables) => tables.steering.entries(),
    (_, bucket) => ({ bucket }),
    (words, row) => ({
      havips: holdersIn(row).map(([havip, holder]) => ({
        ...words.havip(havip),
        holder: words.holder(holder),
      })),
      spilled: hasSpilled(row),
    }),
    ({ words }) => allZero(words),
  ),
  ports: decoder(
    (tables) => tables.ports.entries(),
    (_, ifindex) => ({ ifindex }),
    portWords,
  ),
  near_ports: decoder(
    (tables) => tables.near_ports.entries(),
    (_, row) => ({ row }),
    (words, { ifindex, port }) => ({ ifindex, ...portWords(words, port) }),
    ({ ifindex }) => ifindex === 0,
  ),
  targets: decoder(
    (tables) => tables.targets.entries(),
    bySlot,
    (_, { name, mac, ifindex, mtu, kind, flags, generation, bridge }) => ({
      name: fieldText(name),
      ifindex,
      mac: formatMac(mac),
      mtu,
      kind: nameOf(PORT_KIND_NAMES, kind),
      flags: flagNames(flags, TARGET_FLAGS),
      generation,
      bridge,
    }),
    ({ ifindex }) => ifindex === 0,
  ),
  redirects: decoder(
    eachRedirect,
    bySlot,
    (_, ifindex) => ({ ifindex }),
    (ifindex) => ifindex === 0,
  ),
  subnets: decoder(
    (tables) => tables.subnets.entries(),
    (_, index) => ({ index }),
    (_, { network, name }) => ({ network: fieldText(network), name: fieldText(name) }),
    ({ used }) => used === 0,
  ),
  domains: decoder(
    (tables) => tables.domains.entries(),
    (_, { bridge, outer, inner }) => ({ bridge, outer, inner }),
    (words, { subnet }) => ({ subnet: words.subnet(subnet) }),
  ),
  eips: decoder(
    (tables) => tables.eips.entries(),
    (_, { address }) => ({ address: quadText(address) }),
    (words, { havip, network, flags }) => ({
      subnet: words.subnet(havip.subnet),
      havip: formatAddress(havip.address),
      network,
      flags: flagNames(flags, PUBLIC_FLAGS),
    }),
  ),
  publics: decoder(
    (tables) => tables.publics.entries(),
    (words, { subnet, address }) => ({ subnet: words.subnet(subnet), address: formatAddress(address) }),
    (_, { eip, network, flags }) => ({ eip: quadText(eip), network, flags: flagNames(flags, PUBLIC_FLAGS) }),
  ),
  insides: decoder(
    (tables) => tables.insides.entries(),
    (_, { prefix, network, address }) => ({
      network: Buffer.from(Uint32Array.of(network).buffer).readUInt32BE(),
      block: `${quadText(address)}/${prefix - 32}`,
    }),
    () => ({}),
  ),
  flows: decoder(
    (tables) => tables.flows.entries(),
    (words, { havip, remote, remotePort, ownPort, protocol }) => ({
      ...words.havip(havip),
      remote: quadText(remote),
      remotePort: fromNetworkOrder(remotePort),
      ownPort: fromNetworkOrder(ownPort),
      protocol: protocol === LIMITS.FLOW_FRAGMENT ? 'fragment' : protocol,
    }),
    (_, { eip }) => ({ eip: quadText(eip) }),
  ),
  unresolved: decoder(
    (tables) => tables.unresolved.entries(),
    (_, { address }) => ({ nextHop: quadText(address) }),
    (_, ifindex) => ({ ifindex }),
  ),
  havips: decoder(
    (tables) => tables.havips.entries(),
    (_, index) => ({ havip: index }),
    (words, { key, flags }) => ({
      subnet: words.subnet(key.subnet),
      address: formatAddress(key.address),
      flags: flagNames(flags, POLICY_FLAGS),
    }),
    ({ key }) => key.subnet === 0,
  ),
  members: decoder(
    (tables) => tables.members.entries(),
    byHavipAndPort,
    () => ({ mayClaim: true }),
  ),
  states: decoder(
    (tables) => tables.states.entries(),
    byHavip,
    (words, { newest }) => ({ newest: words.holder(newest) }),
    ({ newest }) => newest.port === 0,
  ),
  own_macs: decoder(
    (tables) => tables.own_macs.entries(),
    bySlot,
    (_, { mac }) => ({ mac: formatMac(mac) }),
    ({ port }) => port === 0,
  ),
  adverts: decoder(
    (tables) => tables.adverts.entries(),
    byHavipAndPort,
    (words, { by, intervalCs, masterPriority, ...row }) => ({
      ...row,
      by: words.holder(by),
      intervalMs: intervalCs * 10,
      masterPriority: Number(masterPriority),
    }),
  ),
  speakers: decoder(
    (tables) => tables.speakers.entries(),
    byHavipAndPort,
    (_, { tsNs, count, probedNs }) => ({ tsNs, count, probedNs }),
  ),
  stationed: decoder(
    (tables) => tables.stationed.entries(),
    (words, { subnet, mac }) => ({ subnet: words.subnet(subnet), mac: formatMac(mac) }),
    (words, { port }) => words.slot(port),
  ),
  guests: decoder(
    (tables) => tables.guests.entries(),
    (words, { subnet, mac }) => ({ subnet: words.subnet(subnet), mac: formatMac(mac) }),
    (words, { port, generation }) => ({ ...words.slot(port), generation }),
  ),
  traces: decoder(
    (tables) => tables.traces.entries(),
    () => ({}),
    (words, { reason, subnet, havip, found, holder }) => ({
      reason: reasonAt(reason),
      subnet: words.subnet(subnet),
      ...(found && words.havip(havip)),
      holder: words.holder(holder),
    }),
  ),
  claims: decoder(
    (tables) => tables.claims.entries(),
    byHavipAndPort,
    (words, { tsNs, by, kind, result }) => ({
      tsNs,
      by: words.holder(by),
      kind: nameOf(CLAIM_KIND_NAMES, kind),
      result: nameOf(CLAIM_RESULT_NAMES, result),
    }),
  ),
  refusals: decoder(
    (tables) => tables.refusals.entries(),
    (words, key) => ({ ...byHavipAndPort(words, key), result: nameOf(CLAIM_RESULT_NAMES, key.result) }),
    (words, { total, toldNs, by, kind }) => ({
      total,
      toldNs,
      by: words.holder(by),
      kind: nameOf(CLAIM_KIND_NAMES, kind),
    }),
  ),
  stations: decoder(
    (tables) => tables.stations.entries(),
    (_, hash) => ({ hash }),
    (words, { who, seenNs }) => ({ port: words.port(who.port), mac: formatMac(who.mac), seenNs }),
    ({ seenNs }) => seenNs === 0n,
  ),
  sightings: decoder(
    (tables) => tables.sightings.entries(),
    byHavip,
    (_, { one, other }) => ({ tenures: [{ ...one }, { ...other }].filter(({ sinceNs }) => sinceNs) }),
    ({ one, other }) => !one.sinceNs && !other.sinceNs,
  ),
  stamps: decoder(
    ({ stamps }) => mapped(stamps.entries(), (cpus) => cpus.map(({ left }) => left)),
    () => ({}),
    (_, left) => ({ left }),
  ),
  havip_counters: decoder(
    ({ havip_counters: table }) => mapped(table.entries(), sumTraffic),
    byHavip,
    (_, traffic) => ({ ...traffic }),
    (traffic) => allZero(Object.values(traffic)),
  ),
  port_counters: decoder(
    ({ port_counters: table }) => table.sums(),
    bySlot,
    (_, { frames }) => counts(frames, reasonAt),
    ({ frames }) => allZero(frames),
  ),
  claim_counters: decoder(
    ({ claim_counters: table }) => table.sums(),
    bySlot,
    (_, { claims }) => counts(claims, claimAt),
    ({ claims }) => allZero(claims),
  ),
  losses: decoder(
    ({ losses: table }) => table.sums(),
    () => ({}),
    (_, losses) => ({ ...losses }),
  ),
};

function* mapped<K, V, W>(
  entries: Iterable<readonly [K, V]>,
  to: (value: V) => W,
): Generator<readonly [K, W]> {
  for (const [key, value] of entries) yield [key, to(value)];
}
