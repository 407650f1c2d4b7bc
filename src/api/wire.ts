// SPDX-License-Identifier: BSD-2-Clause
// Plain data <-> protobuf messages. The one place where 64-bit numbers cross: protobufjs writes a bigint as 0
// without a word, and reads one as a pair of 32-bit halves.
import { havip } from './havip.gen.js';
import type { EventKind, EventParty, EventRecord } from '../observe/messages.js';
import type { EipName, HavipName } from '../observe/orders.js';
import type {
  EventDelivery,
  HavipNews,
  HavipOrigin,
  HavipState,
  HavipStatus,
  StatusHolder,
} from './types.js';

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
    origin: row.origin,
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
    origin: row.origin as HavipOrigin,
  };
}

export function toWireHavipNews({ havips, gone, ...marks }: HavipNews): v1.HavipNews.$Properties {
  return { ...marks, havips: havips.map(toWireHavip), gone: [...gone] };
}

export function fromWireHavipNews(message: v1.HavipNews.$Properties): HavipNews {
  const { snapshotBegins, havips, gone, snapshotOver } = decoded(message);
  return { snapshotBegins, havips: havips.map(fromWireHavip), gone: gone.map(fromWireName), snapshotOver };
}

export function fromWireName(message: v1.HavipName.$Properties): HavipName {
  const { network, subnet, address } = decoded(message);
  return { network, subnet, address };
}

function fromWireHolder(message: v1.Holder.$Properties): StatusHolder {
  const { port, mac, location, sinceNs, sinceWallNs, by } = decoded(message);
  const since = { sinceNs: fromWire64(sinceNs), sinceWallNs: fromWire64(sinceWallNs) };
  return { port, mac, location: location as StatusHolder['location'], ...since, by };
}

export function fromWireEip(message: v1.EipName.$Properties): EipName {
  const { network, address } = decoded(message);
  return { network, address };
}

export function toWireEvents(delivery: EventDelivery, epoch: bigint): v1.EventBatch.$Properties {
  const { events, lost, restarted } = delivery;
  return {
    events: events.map(toWireEvent),
    lost: toWire64(lost),
    restarted,
    epoch: toWire64(epoch),
  };
}

export function fromWireEvents(message: v1.EventBatch.$Properties): EventDelivery & { epoch: bigint } {
  const { events, lost, restarted, epoch } = decoded(message);
  return {
    events: events.map(fromWireEvent),
    lost: fromWire64(lost),
    restarted,
    epoch: fromWire64(epoch),
  };
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
