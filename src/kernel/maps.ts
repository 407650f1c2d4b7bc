// SPDX-License-Identifier: BSD-2-Clause
// Every map of bpf/maps.h and bpf/table.h by name, with its layouts and its size: the one list that loading,
// adopting, reading and dumping go by.
import {
  Advert,
  Binding,
  Bucket,
  Claim,
  ClaimCounters,
  ClaimKey,
  Domain,
  Eip,
  EipKey,
  Flow,
  FlowKey,
  Guest,
  Holder,
  Inside,
  Key,
  LIMITS,
  Losses,
  Member,
  NearPort,
  Place,
  Policy,
  Port,
  PortCounters,
  Public,
  Refusal,
  RefusalKey,
  Sightings,
  Sizes,
  Speaker,
  Stamps,
  State,
  Station,
  Stationed,
  StationKey,
  Subnet,
  Target,
  Trace,
  Traffic,
  type Layout,
} from './layout.gen.js';
import type { FastPath } from './fast-path.js';
import { stripes, StripedTable } from './stripes.js';
import { PerCpuTable, Table, U32, U8 } from './table.js';

/** How many of what the maps have room for. Unit: entries. */
export interface Capacity {
  readonly havips: number;
  /** Slot 0 is nobody's, so one less than this many ports. */
  readonly ports: number;
}

/** Subnet index 0 is nobody's. */
export const SUBNETS_MAX = LIMITS.SUBNETS;

/** How a map's entries survive a move into maps of another size. */
type Kind = 'table' | 'per-cpu' | 'striped';

interface MapSpec<K, V> {
  readonly kind: Kind;
  readonly key: Layout<K>;
  readonly value: Layout<V>;
  /** undefined: as declared in the object. */
  readonly entries?: (capacity: Capacity) => number;
}

const table = <K, V>(
  key: Layout<K>,
  value: Layout<V>,
  entries?: (capacity: Capacity) => number,
): MapSpec<K, V> & { kind: 'table' } => ({ kind: 'table', key, value, ...(entries && { entries }) });

const striped = <V>(
  value: Layout<V>,
  rows: (capacity: Capacity) => number,
): MapSpec<number, V> & { kind: 'striped' } => ({
  ...{ kind: 'striped', key: U32, value },
  entries: (capacity) => rows(capacity) * stripes(),
});

const perCpu = <V>(
  value: Layout<V>,
  entries?: (capacity: Capacity) => number,
): MapSpec<number, V> & { kind: 'per-cpu' } => ({
  kind: 'per-cpu',
  key: U32,
  value,
  ...(entries && { entries }),
});

/** A bucket has four words: when the map is full, a third of them are taken, and about one bucket in eighty has spilled. */
const bucketsFor = (havips: number): number => Math.ceil((havips * 3) / 4);
const byPort = (capacity: Capacity): number => capacity.ports;
/** And the row of `havip trace`. */
const byPortAndOne = (capacity: Capacity): number => capacity.ports + 1;
const byHavip = (capacity: Capacity): number => capacity.havips;
const byUse = ({ havips }: Capacity): number => Math.max(4096, havips);
const bySubnet = (): number => SUBNETS_MAX;

export const MAPS = {
  bindings: table(Key, Binding, byHavip),
  steering: table(U32, Bucket, ({ havips }) => bucketsFor(havips)),
  ports: table(U32, Port, byPortAndOne),
  near_ports: table(U32, NearPort),
  targets: table(U32, Target, byPort),
  redirects: table(U32, U32, byPort),
  subnets: table(U32, Subnet, bySubnet),
  domains: table(Domain, Place, bySubnet),
  eips: table(EipKey, Eip, ({ havips }) => 2 * havips),
  publics: table(Key, Public, byHavip),
  insides: table(Inside, U8, () => 4 * SUBNETS_MAX),
  flows: table(FlowKey, Flow),
  unresolved: table(EipKey, U32),
  havips: table(U32, Policy, byHavip),
  members: table(Member, U8, ({ havips, ports }) => Math.max(4 * havips, 4 * ports)),
  states: table(U32, State, byHavip),
  claims: table(ClaimKey, Claim, ({ havips, ports }) => 4 * havips + 64 * ports),
  refusals: table(RefusalKey, Refusal, ({ havips }) => Math.max(4096, havips)),
  own_macs: table(U32, Holder, byPort),
  adverts: table(ClaimKey, Advert, byUse),
  speakers: table(ClaimKey, Speaker, byUse),
  stationed: table(StationKey, Stationed, byUse),
  guests: table(StationKey, Guest, ({ ports }) => Math.max(4096, 16 * ports)),
  stations: table(U32, Station),
  sightings: table(U32, Sightings, byHavip),
  stamps: perCpu(Stamps),
  havip_counters: striped(Traffic, byHavip),
  port_counters: perCpu(PortCounters, byPort),
  claim_counters: perCpu(ClaimCounters, byPort),
  traces: table(U32, Trace),
  losses: perCpu(Losses),
} as const;

export type MapName = keyof typeof MAPS;
export const MAP_NAMES = Object.keys(MAPS) as MapName[];

/** The doorbell: not a table, so it stands beside them. */
export const RING_NAME = 'events';
/** Programs behind tail calls, those of one load; the kernel empties one that is neither open nor pinned. */
export const TAIL_NAMES = ['xdp_tails', 'tc_tails'] as const;

type TableOf<S> = S extends { kind: 'per-cpu'; value: Layout<infer V> }
  ? PerCpuTable<V>
  : S extends { kind: 'striped'; value: Layout<infer V> }
    ? StripedTable<V>
    : S extends { key: Layout<infer K>; value: Layout<infer V> }
      ? Table<K, V>
      : never;

export type Tables = { readonly [N in MapName]: TableOf<(typeof MAPS)[N]> };

/** @param open Gives a descriptor for a map by name; the tables own what it returns. */
export function openTables(open: (name: MapName) => number): Tables {
  const opened = MAP_NAMES.map((name) => [name, openTable(name, open(name))] as const);
  return Object.fromEntries(opened) as unknown as Tables;
}

/** One of them; for commands that read a single map. */
export function openTable(
  name: MapName,
  fd: number,
): Table<unknown, unknown> | PerCpuTable<unknown> | StripedTable<unknown> {
  const { kind, key, value } = MAPS[name] as MapSpec<unknown, unknown>;
  if (kind === 'per-cpu') return new PerCpuTable(fd, value);
  return kind === 'striped' ? new StripedTable(fd, value) : new Table(fd, key, value);
}

export function closeTables(tables: Tables): void {
  for (const name of MAP_NAMES) tables[name].close();
}

/** Before the load: of a new object all, of one that takes pinned maps over those that are not `kept`. */
export function sizeMaps(object: FastPath, capacity: Capacity, kept: ReadonlySet<string> = new Set()): void {
  for (const [name, entries] of mapEntries(capacity))
    if (!kept.has(name)) object.setMaxEntries(name, entries);
  const sizes = new Map(object.maps().map(({ name, maxEntries }) => [name, maxEntries]));
  const sizeOf = (name: MapName): number => sizes.get(name) ?? 0;
  const havips = sizeOf('havip_counters') / stripes();
  object.setConstant('sizes', Sizes.encode({ buckets: sizeOf('steering'), havips }));
}

/** Entries that each map gets for `capacity`; maps that are not named keep what the object declares. */
export function mapEntries(capacity: Capacity): [MapName, number][] {
  return MAP_NAMES.flatMap((name): [MapName, number][] => {
    const spec = MAPS[name] as MapSpec<unknown, unknown>;
    return spec.entries ? [[name, spec.entries(capacity)]] : [];
  });
}
