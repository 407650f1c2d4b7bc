// SPDX-License-Identifier: BSD-2-Clause
// Events, dossiers and headers <-> the bodies of records. Pure.
import { havip } from '../api/havip.gen.js';
import { fromWireDossier, toWireDossier } from '../api/wire-dossier.js';
import { decoded, fromWire64, fromWireEvent, toWire64, toWireEvent } from '../api/wire.js';
import type { Dossier } from '../holders/dossier.js';
import type { EventRecord } from '../observe/messages.js';
import { frame } from './frames.js';

/** Of the files; a reader takes no other. */
export const FORMAT = 1;

export interface Header {
  readonly format: number;
  readonly version: string;
  readonly host: string;
  readonly daemonStartedWallNs: bigint;
  readonly wallNs: bigint;
  readonly monotonicToWallNs: bigint;
  readonly bootId: string;
}

export type RecordKind = 'header' | 'event' | 'dossier' | 'other';

/** By the tag that a body opens with, which spares decoding what nobody asked for. */
const KIND_BY_TAG: Readonly<Record<number, RecordKind>> = {
  [(2 << 3) | 2]: 'header',
  [(3 << 3) | 2]: 'event',
  [(4 << 3) | 2]: 'dossier',
};

export const kindOf = (body: Uint8Array): RecordKind => KIND_BY_TAG[body[0] ?? 0] ?? 'other';

type Message = havip.history.Record.$Properties;

const encode = (message: Message): Buffer => frame(havip.history.Record.encode(message).finish());
export const encodeEvent = (event: EventRecord): Buffer => encode({ event: toWireEvent(event) });
export const encodeDossier = (dossier: Dossier): Buffer => encode({ dossier: toWireDossier(dossier) });

export function encodeHeader(header: Header): Buffer {
  const { daemonStartedWallNs, wallNs, monotonicToWallNs, ...rest } = header;
  return encode({
    header: {
      ...rest,
      daemonStartedWallNs: toWire64(daemonStartedWallNs),
      wallNs: toWire64(wallNs),
      monotonicToWallNs: toWire64(monotonicToWallNs),
    },
  });
}

/** null: the body is of another kind, or none that this version understands. */
export function decodeEvent(body: Uint8Array): EventRecord | null {
  const event = decode(body)?.event;
  return event ? fromWireEvent(event) : null;
}

/** As decodeEvent. */
export function decodeDossier(body: Uint8Array): Dossier | null {
  const dossier = decode(body)?.dossier;
  return dossier ? fromWireDossier(dossier) : null;
}

/** As decodeEvent. */
export function decodeHeader(body: Uint8Array): Header | null {
  const header = decode(body)?.header;
  if (!header) return null;
  const { format, version, host, daemonStartedWallNs, wallNs, monotonicToWallNs, bootId } = decoded(header);
  return {
    ...{ format, version, host, bootId },
    daemonStartedWallNs: fromWire64(daemonStartedWallNs),
    wallNs: fromWire64(wallNs),
    monotonicToWallNs: fromWire64(monotonicToWallNs),
  };
}

/** A right checksum over something else than a record: written by no version of ours. */
function decode(body: Uint8Array): Message | null {
  try {
    return havip.history.Record.decode(body);
  } catch {
    return null;
  }
}
