// SPDX-License-Identifier: BSD-2-Clause
// Refused claims, told at most once a second for each (HAVIP, port, reason) with how many there were. The programs
// ring once a second; what came after the last ring is in the `refusals` map, and is told by a timer.
import type { Holder } from '../holders/rules.js';
import type { RefusalKey } from '../kernel/layout.gen.js';
import type { Tables } from '../kernel/maps.js';
import { holderOf } from './bindings.js';
import type { ClaimRecord } from './claims.js';

export interface RefusalNews {
  readonly havip: number;
  readonly by: Holder;
  /** CLAIM_RESULT */
  readonly result: number;
  readonly count: number;
  readonly tsNs: bigint;
}

/** bpf/claim.h, REFUSAL_TOLD_EVERY_NS */
const RINGS_EVERY_NS = 1_000_000_000n;

export class Refusals {
  /** What has been told of each; also what an earlier run told. */
  private readonly totals = new Map<string, bigint>();
  /** Floods that may have gone on since the last ring, and when that was. */
  private readonly active = new Map<string, { readonly key: RefusalKey; readonly rangNs: bigint }>();

  constructor(private readonly map: Tables['refusals']) {
    this.readTotals();
  }

  /**
   * The doorbell rang for one.
   * @param asleep It rang while nobody listened: the count that it began is not known any more, so it is told as one.
   */
  rang({ claim, result }: ClaimRecord, asleep = false): RefusalNews | null {
    const key = { havip: claim.havip, port: claim.by.port, result };
    if (asleep) return { havip: key.havip, by: claim.by, result, count: 1, tsNs: claim.tsNs };
    this.active.set(nameOf(key), { key, rangNs: claim.tsNs });
    return this.news(key, claim.tsNs);
  }

  /** Once a second: the rest of each flood; those that have ended are not asked for again. */
  sweep(nowNs: bigint): RefusalNews[] {
    const news: RefusalNews[] = [];
    for (const [name, { key, rangNs }] of this.active) {
      const item = this.news(key, nowNs);
      if (item) news.push(item);
      // From then on the next one rings for itself.
      else if (nowNs - rangNs >= RINGS_EVERY_NS) this.active.delete(name);
    }
    return news;
  }

  private readTotals(): void {
    this.totals.clear();
    for (const [key, row] of this.map.entries()) this.totals.set(nameOf(key), row.total);
  }

  private news(key: RefusalKey, tsNs: bigint): RefusalNews | null {
    const row = this.map.get(key);
    const by = row && holderOf(row.by);
    if (!row || !by) return null;
    const told = this.totals.get(nameOf(key)) ?? 0n;
    // An entry that made room for another and came back counts from 1 again.
    const since = row.total < told ? row.total : row.total - told;
    // The map lets its oldest go; what it has is all there is to remember.
    if (this.totals.size > 2 * this.map.maxEntries) this.readTotals();
    this.totals.set(nameOf(key), row.total);
    return since > 0n ? { havip: key.havip, by, result: key.result, count: Number(since), tsNs } : null;
  }
}

const nameOf = ({ havip, port, result }: RefusalKey): string => `${havip}/${port}/${result}`;
