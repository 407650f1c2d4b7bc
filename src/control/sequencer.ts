// SPDX-License-Identifier: BSD-2-Clause
// Puts the programs' decisions in order: two CPUs may ring in another order than they wrote, and a full ring loses
// some. Pure: the clock is handed in.

export interface Numbered {
  readonly havip: number;
  /** From 1, without gaps, for each HAVIP. */
  readonly seq: number;
}

interface Gap<T> {
  readonly sinceNs: bigint;
  readonly later: Map<number, T>;
}

export class Sequencer<T extends Numbered> {
  private readonly known = new Map<number, number>();
  private readonly gaps = new Map<number, Gap<T>>();

  /** All up to `seq` is known; what waited behind a gap is forgotten. */
  start(havip: number, seq: number): void {
    this.known.set(havip, seq);
    this.gaps.delete(havip);
  }

  forget(havip: number): void {
    this.known.delete(havip);
    this.gaps.delete(havip);
  }

  /** undefined: not one of ours. */
  at(havip: number): number | undefined {
    return this.known.get(havip);
  }

  /** @returns What may be taken up now, in order: nothing while one before it is missing, or where it is known. */
  take(item: T, nowNs: bigint): T[] {
    const { havip, seq } = item;
    const known = this.known.get(havip);
    if (known === undefined || seq <= known) return [];
    const gap = this.gaps.get(havip);
    if (seq === known + 1 && !gap) {
      this.known.set(havip, seq);
      return [item];
    }
    const later = gap?.later ?? new Map<number, T>();
    later.set(seq, item);
    this.gaps.set(havip, { sinceNs: gap?.sinceNs ?? nowNs, later });
    return this.inOrder(havip);
  }

  /** HAVIPs that have waited since `beforeNs` or longer for one that is missing. */
  waiting(beforeNs: bigint): number[] {
    return [...this.gaps].filter(([, { sinceNs }]) => sinceNs <= beforeNs).map(([havip]) => havip);
  }

  get hasGaps(): boolean {
    return this.gaps.size > 0;
  }

  /** Takes up all that waits, whatever is missing between. @returns in order, and how many are missing. */
  giveUp(havip: number): { readonly items: T[]; readonly missing: number } {
    const known = this.known.get(havip) ?? 0;
    const items = [...(this.gaps.get(havip)?.later.values() ?? [])].sort((a, b) => a.seq - b.seq);
    const last = items.at(-1)?.seq ?? known;
    this.start(havip, last);
    return { items, missing: last - known - items.length };
  }

  private inOrder(havip: number): T[] {
    const gap = this.gaps.get(havip);
    const items: T[] = [];
    let known = this.known.get(havip) ?? 0;
    for (let next = gap?.later.get(known + 1); next; next = gap?.later.get(known + 1)) {
      gap?.later.delete(++known);
      items.push(next);
    }
    this.known.set(havip, known);
    if (gap?.later.size === 0) this.gaps.delete(havip);
    return items;
  }
}
