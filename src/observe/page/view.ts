// SPDX-License-Identifier: BSD-2-Clause
// Where the page's facts come from, and the small translations from the worker's words to the page's.
import type { DaemonStatus, HavipQuery, HavipStatus } from '../../api/types.js';
import type { Losses } from '../../kernel/layout.gen.js';
import type { DossierMemory } from '../dossiers.js';
import type { History } from '../history.js';
import type { EventRecord } from '../messages.js';
import type { DaemonPart, PageEvent } from './types.js';

/** The worker's Source; in tests a made-up one. */
export interface PageView {
  listHavips(query: HavipQuery): Iterable<HavipStatus>;
  daemon(): DaemonStatus;
  portCounters(slot: number): readonly bigint[];
  claimCounters(slot: number): readonly bigint[];
  losses(): Losses;
  readonly history: Pick<History, 'events'>;
  readonly moves: Pick<DossierMemory, 'find' | 'subscribe'>;
}

const EVENTS_SHOWN = 100;

/** Since 1970. A double keeps a quarter of a microsecond of it. */
export const toMs = (wallNs: bigint): number => Number(wallNs / 1000n) / 1000;

export const keyOf = (one: { network: string; subnet: string; address: string }): string =>
  `${one.network}/${one.subnet}/${one.address}`;

export function daemonPart(view: PageView): DaemonPart {
  const { pid, version, startedWallNs, pinPath, metricsAddress, capacity, config, absent } = view.daemon();
  const { ringFull, claimsFull } = view.losses();
  return {
    ...{ pid, version, startedMs: toMs(startedWallNs), pinPath, metricsAddress, capacity, absent },
    config: config && {
      ...{ stale: config.stale, path: config.path, problems: config.problems },
      loadedMs: toMs(config.loadedWallNs),
    },
    losses: { ringFull: String(ringFull), claimsFull: String(claimsFull) },
  };
}

/** Newest first. */
export function pageEvents({ history }: PageView): PageEvent[] {
  return history.events.slice(-EVENTS_SHOWN).reverse().map(toPageEvent);
}

function toPageEvent(event: EventRecord): PageEvent {
  const { seq, kind, network, subnet, address, from, to, reason, count, repointNs } = event;
  return {
    ...{ seq, kind, network, subnet, address, from, to, reason, count },
    atMs: toMs(event.wallNs),
    repointNs: repointNs === null ? null : Number(repointNs),
  };
}
