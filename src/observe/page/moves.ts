// SPDX-License-Identifier: BSD-2-Clause
// The dossiers for the timeline: each page gets those that changed since it was last told.
import type { Dossier, Stamps } from '../../holders/dossier.js';
import type { MovesPart, PageMove } from './types.js';
import { keyOf, toMs, type PageView } from './view.js';

/** What the timeline shows, and what one message carries: about 1 KB each. */
export const MOVES_SHOWN = 500;
/** Beyond so many in one interval, a page is told a smaller number than it missed. */
const EVICTIONS_KEPT = 10_000;

interface Change {
  readonly version: number;
  readonly dossier: Dossier;
}

export class MoveFeed {
  /** By id; what changed last is last. */
  private readonly changes = new Map<number, Change>();
  /** Versions of those that had to make room. */
  private evicted: number[] = [];
  private version = 0;
  private readonly unsubscribe: () => void;

  constructor(moves: PageView['moves']) {
    for (const dossier of moves.find({ last: MOVES_SHOWN })) this.take(dossier);
    this.unsubscribe = moves.subscribe((dossier) => this.take(dossier));
  }

  stop(): void {
    this.unsubscribe();
  }

  /** @param version As the last call gave it; 0: all that is kept. */
  since(version: number): { readonly version: number; readonly part: MovesPart } {
    const changed = [...this.changes.values()].filter((change) => change.version > version);
    const missed = version === 0 ? 0 : this.evicted.filter((gone) => gone > version).length;
    const moves = changed.map(({ dossier }) => toPageMove(dossier));
    return { version: this.version, part: { moves, missed } };
  }

  private take(dossier: Dossier): void {
    this.changes.delete(dossier.id);
    this.changes.set(dossier.id, { version: ++this.version, dossier });
    if (this.changes.size > MOVES_SHOWN) this.evictOldest();
  }

  private evictOldest(): void {
    for (const [id, { version }] of this.changes) {
      this.changes.delete(id);
      this.evicted.push(version);
      break;
    }
    if (this.evicted.length > 2 * EVICTIONS_KEPT) this.evicted = this.evicted.slice(-EVICTIONS_KEPT);
  }
}

const STAMPS: readonly (keyof Stamps)[] = [
  'lastToOldNs',
  'lastFromOldNs',
  'firstMissedNs',
  'lastAdvertNs',
  'resignedNs',
  'releasedNs',
  'firstSignNs',
  'announcedNs',
  'writtenNs',
  'firstToNewNs',
  'firstFromNewNs',
];

/** Times become offsets from the announcement, which a JSON number holds to the nanosecond. */
export function toPageMove(dossier: Dossier): PageMove {
  const { id, network, subnet, address, from, to, reason, releaseReason, stamps } = dossier;
  const offset = (ns: bigint): number => Number(ns - stamps.announcedNs);
  const seen = STAMPS.flatMap((name) => {
    const at = stamps[name];
    return at === null ? [] : [{ name: name.slice(0, -2), atNs: offset(at) }];
  });
  return {
    ...{ id, key: keyOf(dossier), network, subnet, address, from, to, reason, releaseReason },
    announcedMs: toMs(dossier.announcedWallNs),
    stamps: seen,
    vrrp: dossier.vrrp && { ...dossier.vrrp, intervalNs: Number(dossier.vrrp.intervalNs) },
    outageNs: maybe(dossier.outageNs),
    basis: dossier.basis,
    guestsNs: maybe(dossier.guestsNs),
    networkNs: maybe(dossier.networkNs),
    expectedGuestsNs: maybe(dossier.expectedGuestsNs),
    stages: dossier.stages.map(({ name, share, startNs, endNs }) => ({
      ...{ name, share, startNs: offset(startNs), endNs: offset(endNs) },
    })),
    ...{ advice: dossier.advice, complete: dossier.complete },
  };
}

const maybe = (ns: bigint | null): number | null => (ns === null ? null : Number(ns));
