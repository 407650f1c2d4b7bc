// SPDX-License-Identifier: BSD-2-Clause
// The moves that this page knows, and words for their parts.
import type { MovesPart, PageMove, PageStage } from '../observe/page/types.js';

/** More than the daemon tells at once. */
const MOVES_KEPT = 1000;

export type Share = PageStage['share'];

export const SHARE_WORDS: Readonly<Record<Share, string>> = {
  guests: 'guests',
  network: 'network',
  traffic: 'no traffic',
};

export const SHARE_MEANINGS: Readonly<Record<Share, string>> = {
  guests: 'noticing, electing, announcing, beginning to answer',
  network: 'from the announcement until the binding was written',
  traffic: 'nobody sent anything',
};

export const STAGE_WORDS: Readonly<Record<string, string>> = {
  notice: 'to notice',
  'take-over': 'to take over',
  're-point': 'to re-point',
  wait: 'to wait for a packet',
  answer: 'to answer',
};

export const STAMP_WORDS: Readonly<Record<string, string>> = {
  lastToOld: 'last packet delivered to the old holder',
  lastFromOld: 'last packet from the old holder',
  firstMissed: 'first packet that nobody answered',
  lastAdvert: 'last VRRP advert of the old holder',
  resigned: 'its goodbye (VRRP priority 0)',
  released: 'its port went: binding released',
  firstSign: 'first sign of the new holder',
  announced: 'the announcement',
  written: 'the binding was written',
  firstToNew: 'first packet delivered to the new holder',
  firstFromNew: 'first packet from the new holder',
};

/** Of what is drawn: the stages, else the announcement alone. Since 1970, ms. */
export function extentOf(move: PageMove): { readonly startMs: number; readonly endMs: number } {
  const start = move.stages[0]?.startNs ?? 0;
  const end = move.stages.at(-1)?.endNs ?? 0;
  return { startMs: move.announcedMs + start / 1e6, endMs: move.announcedMs + end / 1e6 };
}

/** Whose time most of it was; null: no stages. */
export function mainShare({ stages }: PageMove): Share | null {
  const sums = new Map<Share, number>();
  for (const { share, startNs, endNs } of stages) sums.set(share, (sums.get(share) ?? 0) + endNs - startNs);
  return [...sums].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}

export const trafficNs = ({ stages }: PageMove): number =>
  stages
    .filter(({ share }) => share === 'traffic')
    .reduce((sum, { startNs, endNs }) => sum + endNs - startNs, 0);

export class Moves {
  private readonly kept = new Map<number, PageMove>();
  /** In the order of their announcements. */
  list: readonly PageMove[] = [];

  /** Another daemon counts from 1 again: what the former one told is not its business. */
  clear(): void {
    this.kept.clear();
    this.list = [];
  }

  add({ moves }: MovesPart): void {
    for (const move of moves) this.kept.set(move.id, move);
    this.list = [...this.kept.values()].sort((a, b) => a.announcedMs - b.announcedMs).slice(-MOVES_KEPT);
    if (this.kept.size > MOVES_KEPT) {
      const ids = new Set(this.list.map(({ id }) => id));
      for (const id of this.kept.keys()) if (!ids.has(id)) this.kept.delete(id);
    }
  }

  get(id: number): PageMove | undefined {
    return this.kept.get(id);
  }
}
