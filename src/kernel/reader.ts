// SPDX-License-Identifier: BSD-2-Clause
// A read-only view of the pinned maps in domain words: indices and slots become names, per-CPU values become sums.
// Synchronous, and milliseconds long on a full host: never call it from the control thread.
import { join } from 'node:path';
import { HavipError } from '../errors.js';
import { addressBytes, formatAddress, formatMac } from '../net/addresses.js';
import { openPin } from '../native/index.js';
import { type Binding, type Holder, type Key, type Losses, type Target, type Traffic } from './layout.gen.js';
import { openTables, type MapName, type Tables } from './maps.js';
import {
  CLAIM_KIND_NAMES,
  CLAIM_RESULT_NAMES,
  fieldText,
  PORT_KIND_NAMES,
  REASONS,
  type PortKind,
} from './names.js';
import { existing, foreignMaps, mapsFolder } from './pins.js';

/** Who holds a HAVIP. Shape: `port` is the interface's name, `slot-N` for one that has just left. */
export interface HavipHolder {
  readonly port: string;
  readonly slot: number;
  readonly mac: string;
  readonly kind: PortKind;
}

/** One HAVIP as the data plane has it. Source: `bindings`, joined with `subnets`, `targets`, `havip_counters`. */
export interface HavipRow {
  /** Index in the `havips` map. */
  readonly havip: number;
  readonly network: string;
  readonly subnet: string;
  readonly address: string;
  /** null: nobody. */
  readonly holder: HavipHolder | null;
  /** Monotonic ns of the frame that made the binding, or of the release. 0n: never held. */
  readonly sinceNs: bigint;
  /** The form of that frame, `arp-request` for instance; `none` where there was none. */
  readonly by: string;
  readonly moves: number;
  /** Delivered to the holder, since the HAVIP was made. */
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly saved: bigint;
  readonly unheld: bigint;
  /** The first EIP in front of it; null: none. */
  readonly eip: string | null;
  /** Packets that left as an EIP, sent by the holder, and by others (LVS real servers). */
  readonly fromHolder: bigint;
  readonly fromOthers: bigint;
}

/** What narrows a look-up by address: it is unique in its network only. */
export interface HavipFilter {
  readonly network?: string;
  readonly subnet?: string;
}

/**
 * Opens every pinned map.
 * Errors: NOT_RUNNING where nothing (or another version's maps) is pinned, PERMISSION without CAP_BPF.
 */
export function openPinnedTables(pinPath: string): Tables {
  try {
    requirePins(pinPath);
    return openTables((name) => openPin(join(mapsFolder(pinPath), name)));
  } catch (thrown) {
    throw pinError(pinPath, thrown);
  }
}

/** Opens the descriptor of one pinned map; the caller owns it. Errors: as `openPinnedTables`. */
export function openPinnedMap(pinPath: string, name: MapName): number {
  try {
    requirePins(pinPath);
    return openPin(join(mapsFolder(pinPath), name));
  } catch (thrown) {
    throw pinError(pinPath, thrown);
  }
}

function requirePins(pinPath: string): void {
  if (existing(mapsFolder(pinPath))) return;
  const foreign = foreignMaps(pinPath)[0];
  const message = foreign
    ? `${pinPath} holds the maps of another version of havip (${foreign})`
    : `nothing is pinned at ${pinPath}: havip is not loaded`;
  const cure = 'start it: havip run --config FILE   (or name its place with --pin-path)';
  throw new HavipError('NOT_RUNNING', message, { cure });
}

function pinError(pinPath: string, thrown: unknown): HavipError {
  if (thrown instanceof HavipError) return thrown;
  const cause = HavipError.from(thrown);
  if (cause.code === 'PERMISSION') {
    const cure = 'run as root, or with CAP_BPF, CAP_NET_ADMIN and access to the folder';
    return new HavipError('PERMISSION', `may not read the maps pinned at ${pinPath}`, {
      cure,
      cause: thrown,
    });
  }
  return new HavipError('FAILED', `cannot open the maps pinned at ${pinPath}: ${cause.message}`, {
    cause: thrown,
  });
}

/** What subnets and slots are called. Shape: by index in `subnets` and `targets`; free ones are missing. */
export interface Names {
  readonly subnets: ReadonlyMap<number, { readonly network: string; readonly name: string }>;
  readonly ports: ReadonlyMap<number, { readonly name: string; readonly kind: PortKind }>;
}

export function readNames(tables: Pick<Tables, 'subnets' | 'targets'>): Names {
  return { subnets: readSubnets(tables.subnets), ports: readPorts(tables.targets) };
}

function readSubnets(subnets: Tables['subnets']): Names['subnets'] {
  const found = new Map<number, { network: string; name: string }>();
  for (const [index, subnet] of subnets.entries()) {
    if (subnet.used) found.set(index, { network: fieldText(subnet.network), name: fieldText(subnet.name) });
  }
  return found;
}

function readPorts(targets: Tables['targets']): Names['ports'] {
  const found = new Map<number, { name: string; kind: PortKind }>();
  for (const [slot, target] of targets.entries()) {
    if (target.ifindex) found.set(slot, { name: fieldText(target.name), kind: kindOf(target) });
  }
  return found;
}

const kindOf = (target: Target): PortKind => PORT_KIND_NAMES[target.kind] ?? 'vnic';

/** Every HAVIP, in the map's order. Not a snapshot, but each row is whole. */
export function* eachHavip(tables: Tables): Generator<HavipRow> {
  const names = readNames(tables);
  const traffic = readTraffic(tables.havip_counters);
  const eips = new Map<number, Uint8Array>();
  for (const [, { havip, eip }] of tables.publics.entries()) eips.set(havip, eip);
  for (const [key, binding] of tables.bindings.entries())
    yield toRow(names, key, binding, traffic(binding.havip), eips.get(binding.havip));
}

export function readHavips(tables: Tables): HavipRow[] {
  return [...eachHavip(tables)];
}

/**
 * The HAVIPs of one address: none, one, or one a network.
 * Errors: RangeError when `address` is no IP address.
 */
export function readHavip(tables: Tables, address: string, filter: HavipFilter = {}): HavipRow[] {
  const bytes = addressBytes(address);
  const names = readNames(tables);
  return [...names.subnets].flatMap(([subnet, { network, name }]) => {
    if (network !== (filter.network ?? network) || name !== (filter.subnet ?? name)) return [];
    const key = { subnet, address: bytes };
    const binding = tables.bindings.get(key);
    if (!binding) return [];
    const traffic = sumTraffic(tables.havip_counters.get(binding.havip));
    return [toRow(names, key, binding, traffic, tables.publics.get(key)?.eip)];
  });
}

/** Those of these names, in their order; null: there is none. Names are read once for all of them. */
export function readNamed(
  tables: Tables,
  wanted: readonly Pick<HavipRow, 'network' | 'subnet' | 'address'>[],
): (HavipRow | null)[] {
  const names = readNames(tables);
  const subnets = new Map([...names.subnets].map(([id, { network, name }]) => [`${network}/${name}`, id]));
  return wanted.map(({ network, subnet, address }) => {
    const id = subnets.get(`${network}/${subnet}`);
    if (id === undefined) return null;
    const key = { subnet: id, address: addressBytes(address) };
    const binding = tables.bindings.get(key);
    if (!binding) return null;
    const traffic = sumTraffic(tables.havip_counters.get(binding.havip));
    return toRow(names, key, binding, traffic, tables.publics.get(key)?.eip);
  });
}

/** What the HAVIPs of these indices are called; those that are gone are left out. */
export function readNamesOf(
  tables: Tables,
  havips: readonly number[],
): Pick<HavipRow, 'network' | 'subnet' | 'address'>[] {
  if (havips.length === 0) return [];
  const subnets = readSubnets(tables.subnets);
  return havips.flatMap((havip) => {
    const key = tables.havips.get(havip)?.key;
    const subnet = key && subnets.get(key.subnet);
    return subnet ? [{ ...subnetName(subnet), address: formatAddress(key.address) }] : [];
  });
}

const subnetName = ({ network, name }: { network: string; name: string }) => ({ network, subnet: name });

function toRow(
  names: Names,
  key: Key,
  binding: Binding,
  traffic: Counts,
  eip: Uint8Array | undefined,
): HavipRow {
  const subnet = names.subnets.get(key.subnet);
  return {
    havip: binding.havip,
    network: subnet?.network ?? '',
    subnet: subnet?.name ?? `subnet-${key.subnet}`,
    address: formatAddress(key.address),
    holder: toHolder(names, binding.holder),
    sinceNs: binding.sinceNs,
    by: CLAIM_KIND_NAMES[binding.by] ?? `kind-${binding.by}`,
    moves: binding.moves,
    ...traffic,
    eip: eip ? eip.join('.') : null,
  };
}

/** null: the empty holder. */
export function toHolder(names: Names, holder: Holder): HavipHolder | null {
  if (holder.port === 0) return null;
  const port = names.ports.get(holder.port);
  const name = port?.name ?? `slot-${holder.port}`;
  return { port: name, slot: holder.port, mac: formatMac(holder.mac), kind: port?.kind ?? 'vnic' };
}

/** Without what only the programs need. */
export type Counts = Omit<Traffic, 'stamped' | 'reserved'>;

export function sumTraffic(perCpu: readonly Traffic[]): Counts {
  const sum: Counts = { packets: 0n, bytes: 0n, saved: 0n, unheld: 0n, fromHolder: 0n, fromOthers: 0n };
  for (const { packets, bytes, saved, unheld, fromHolder, fromOthers } of perCpu) {
    sum.packets += packets;
    sum.bytes += bytes;
    sum.saved += saved;
    sum.unheld += unheld;
    sum.fromHolder += fromHolder;
    sum.fromOthers += fromOthers;
  }
  return sum;
}

/** All counters at once, since a call for each of 100,000 takes twice as long. */
function readTraffic(counters: Tables['havip_counters']): (havip: number) => Counts {
  const sumOf = counters.sums();
  return (havip) => sumTraffic(sumOf(havip));
}

/** Frames of one port by enum havip_reason, summed over the CPUs. Shape: as long as `REASONS`. */
export function readPortCounters(tables: Tables, slot: number): bigint[] {
  return tables.port_counters.sum(slot)?.frames ?? new Array<bigint>(REASONS.length).fill(0n);
}

/** Claims of one port. Shape: [kind][result], flat, by enum havip_claim_kind and havip_claim_result. */
export function readClaimCounters(tables: Tables, slot: number): bigint[] {
  const length = CLAIM_KIND_NAMES.length * CLAIM_RESULT_NAMES.length;
  return tables.claim_counters.sum(slot)?.claims ?? new Array<bigint>(length).fill(0n);
}

/** What could not be recorded since the maps were made. */
export function readLosses(tables: Pick<Tables, 'losses'>): Losses {
  return tables.losses.sum(0) ?? { ringFull: 0n, claimsFull: 0n };
}
