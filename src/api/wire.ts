// SPDX-License-Identifier: BSD-2-Clause
// Plain data <-> protobuf messages. The one place where 64-bit numbers cross: protobufjs writes a bigint as 0
// without a word, and reads one as a pair of 32-bit halves.
import { havip } from './havip.gen.js';
import type {
  AbsentRecord,
  ConfigRecord,
  EventKind,
  EventParty,
  EventRecord,
  PortRecord,
} from '../observe/messages.js';
import type { HistoryHealth } from '../history/writer.js';
import type { DaemonStatus, EventDelivery, HavipState, HavipStatus, StatusHolder } from './types.js';

import v1 = havip.v1;

/** A uint64 field as protobufjs types it: a number where it is small, else two halves. */
export type Wire64 = NonNullable<v1.Holder.$Properties['sinceNs']>;

/** A message as `decode` leaves it: every scalar has its default. Nested messages may still be missing. */
export type Decoded<T> = { readonly [K in keyof T]-?: Exclude<T[K], null | undefined> };
export const decoded = <T>(message: T): Decoded<T> => message as Decoded<T>;

/** @param value 0n to 2^64 - 1. */
export function toWire64(value: bigint): Wire64 {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  const halves = { low: Number(value & 0xffff_ffffn), high: Number(value >> 32n), unsigned: true };
  // The writer reads nothing but `low` and `high`; the class around them is not needed.
  return halves as unknown as Wire64;
}

export function fromWire64(value: Wire64): bigint {
  if (typeof value === 'number') return BigInt(value);
  return (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
}

export function toWireHavip(row: HavipStatus): v1.HavipStatus.$Properties {
  return {
    network: row.network,
    subnet: row.subnet,
    address: row.address,
    state: row.state,
    holder: row.holder && toWireHolder(row.holder),
    moves: row.moves,
    packets: toWire64(row.packets),
    bytes: toWire64(row.bytes),
    savedPackets: toWire64(row.savedPackets),
    unheldPackets: toWire64(row.unheldPackets),
  };
}

function toWireHolder(holder: StatusHolder): v1.Holder.$Properties {
  const { sinceNs, sinceWallNs, ...texts } = holder;
  return { ...texts, sinceNs: toWire64(sinceNs), sinceWallNs: toWire64(sinceWallNs) };
}

export function fromWireHavip(message: v1.HavipStatus.$Properties): HavipStatus {
  const row = decoded(message);
  return {
    network: row.network,
    subnet: row.subnet,
    address: row.address,
    state: row.state as HavipState,
    holder: message.holder ? fromWireHolder(message.holder) : null,
    moves: Number(fromWire64(row.moves)),
    packets: fromWire64(row.packets),
    bytes: fromWire64(row.bytes),
    savedPackets: fromWire64(row.savedPackets),
    unheldPackets: fromWire64(row.unheldPackets),
  };
}

function fromWireHolder(message: v1.Holder.$Properties): StatusHolder {
  const { port, mac, location, sinceNs, sinceWallNs, by } = decoded(message);
  const since = { sinceNs: fromWire64(sinceNs), sinceWallNs: fromWire64(sinceWallNs) };
  return { port, mac, location: location as StatusHolder['location'], ...since, by };
}

export function toWireEvents(delivery: EventDelivery): v1.EventBatch.$Properties {
  return { events: delivery.events.map(toWireEvent), lost: toWire64(delivery.lost) };
}

export function fromWireEvents(message: v1.EventBatch.$Properties): EventDelivery {
  const { events, lost } = decoded(message);
  return { events: events.map(fromWireEvent), lost: fromWire64(lost) };
}

export function toWireEvent(event: EventRecord): v1.Event.$Properties {
  const { timeNs, wallNs, repointNs, ...rest } = event;
  const times = { timeNs: toWire64(timeNs), wallNs: toWire64(wallNs) };
  return { ...rest, ...times, repointNs: repointNs === null ? null : toWire64(repointNs) };
}

export function fromWireEvent(message: v1.Event.$Properties): EventRecord {
  const { seq, kind, timeNs, wallNs, network, subnet, address, reason, count } = decoded(message);
  return {
    seq: Number(fromWire64(seq)),
    kind: kind as EventKind,
    timeNs: fromWire64(timeNs),
    wallNs: fromWire64(wallNs),
    network,
    subnet,
    address,
    from: fromWireParty(message.from),
    to: fromWireParty(message.to),
    reason,
    count: Number(fromWire64(count)),
    // The only optional scalar: absence is not 0.
    repointNs: message.repointNs == null ? null : fromWire64(message.repointNs),
  };
}

export function fromWireParty(message: v1.Party.$Properties | null | undefined): EventParty | null {
  if (!message) return null;
  const { port, mac } = decoded(message);
  return { port, mac };
}

export function toWireDaemon(daemon: DaemonStatus): v1.Daemon.$Properties {
  const { startedWallNs, metricsAddress, webAddress, ports, absent, config, history, ...rest } = daemon;
  return {
    ...rest,
    startedWallNs: toWire64(startedWallNs),
    metricsAddress: metricsAddress ?? '',
    webAddress: webAddress ?? '',
    ports: ports.map((port) => ({ ...port, failure: port.failure ?? '' })),
    absent: [...absent],
    config: config && toWireConfig(config),
    history: history ? { ...history, failure: history.failure ?? '' } : null,
  };
}

function toWireConfig(config: ConfigRecord): v1.Configuration.$Properties {
  const { stale, path, loadedWallNs, problems } = config;
  return { stale, path: path ?? '', loadedWallNs: toWire64(loadedWallNs), problems: [...problems] };
}

export function fromWireDaemon(message: v1.Daemon.$Properties): DaemonStatus {
  const { pid, version, startedWallNs, abi, pinPath, metricsAddress, webAddress, ports, absent, capacity } =
    decoded(message);
  return {
    pid,
    version,
    startedWallNs: fromWire64(startedWallNs),
    abi,
    pinPath,
    metricsAddress: metricsAddress || null,
    webAddress: webAddress || null,
    ports: ports.map(fromWirePort),
    absent: absent.map(fromWireAbsent),
    config: message.config ? fromWireConfig(message.config) : null,
    capacity: { havips: capacity.havips ?? 0, ports: capacity.ports ?? 0 },
    ...(message.history && { history: fromWireHistory(message.history) }),
  };
}

function fromWireHistory(message: v1.HistoryHealth.$Properties): HistoryHealth {
  const { path, failure, lost } = decoded(message);
  return { path, failure: failure || null, lost: Number(fromWire64(lost)) };
}

function fromWirePort(message: v1.Port.$Properties): PortRecord {
  const { slot, name, bridge, kind, hook, up, takesXdp, failure } = decoded(message);
  const words = { kind: kind as PortRecord['kind'], hook: hook as PortRecord['hook'] };
  return { slot, name, bridge, ...words, up, takesXdp, failure: failure || null };
}

function fromWireAbsent(message: v1.Absent.$Properties): AbsentRecord {
  const { kind, name } = decoded(message);
  return { kind: kind as AbsentRecord['kind'], name };
}

function fromWireConfig(message: v1.Configuration.$Properties): ConfigRecord {
  const { stale, path, loadedWallNs, problems } = decoded(message);
  return { stale, path: path || null, loadedWallNs: fromWire64(loadedWallNs), problems };
}
