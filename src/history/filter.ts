// SPDX-License-Identifier: BSD-2-Clause
// Which events somebody asks for. Pure; the same for what is on disk and for what happens now.
import type { EventKind, EventRecord } from '../observe/messages.js';

/** A missing field does not narrow. */
export interface HistoryFilter {
  /** Wall clock, since 1970; the first instant that counts, and the last. */
  readonly sinceNs?: bigint;
  readonly untilNs?: bigint;
  /** Canonical. */
  readonly address?: string;
  readonly kinds?: ReadonlySet<EventKind>;
  /** Only greater numbers, and only up to this one. */
  readonly afterSeq?: number;
  readonly upToSeq?: number;
}

export function matches(event: EventRecord, filter: HistoryFilter): boolean {
  const { sinceNs, untilNs, address, kinds, afterSeq = 0, upToSeq = Infinity } = filter;
  if (event.seq <= afterSeq || event.seq > upToSeq) return false;
  if (sinceNs !== undefined && event.wallNs < sinceNs) return false;
  if (untilNs !== undefined && event.wallNs > untilNs) return false;
  if (address !== undefined && event.address !== address) return false;
  return kinds === undefined || kinds.has(event.kind);
}
