// SPDX-License-Identifier: BSD-2-Clause
// HAVIPs that the loader decides (`rebind: loader`): claims from the ring or the `claims` map -> the registry -> the
// binding in the map.
import type { HolderEvent } from '../holders/events.js';
import type { Change, Registry } from '../holders/registry.js';
import type { Claim } from '../holders/rules.js';
import type { Tables } from '../kernel/maps.js';
import { isRefusal } from '../kernel/names.js';
import { holderRow, toRow } from './bindings.js';
import { newestClaims, type ClaimRecord } from './claims.js';
import type { Commander } from './commander.js';
import type { Definitions } from './definitions.js';
import type { RefusalNews, Refusals } from './refusals.js';

export interface LoaderHoldersOptions {
  readonly tables: Pick<Tables, 'bindings' | 'stationed'>;
  readonly commander: Pick<Commander, 'place'>;
  readonly definitions: Definitions;
  readonly registry: Registry;
  readonly refusals: Refusals;
  readonly counts: (claim: Claim) => boolean;
  readonly tell: (event: HolderEvent, repointNs: bigint | null, count: number) => void;
  readonly tellRefusal: (news: RefusalNews) => void;
}

export class LoaderHolders {
  constructor(private readonly options: LoaderHoldersOptions) {}

  /** @param slept They rang while nobody listened: of each HAVIP the newest, which costs nothing of its move budget. */
  take(records: readonly ClaimRecord[], slept = false): void {
    const { registry, counts } = this.options;
    const counting = records.filter(({ claim, result }) => isRefusal(result) || counts(claim));
    for (const record of newestClaims(counting)) {
      const { claim } = record;
      if (isRefusal(record.result)) this.refused(record, slept);
      else this.commit(registry.claim(claim, process.hrtime.bigint(), slept), slept ? null : claim.tsNs);
    }
  }

  /**
   * The map first: what is told has happened.
   * @param arrivedNs When the frame that caused it reached the hook; null: no frame did, or it had to wait its turn.
   */
  commit(change: Change | null, arrivedNs: bigint | null): void {
    const { definitions, tables, commander, tell } = this.options;
    const havip = change && definitions.havip(change.havip);
    if (!havip) return;
    const { binding } = change;
    let writtenNs: bigint | null = null;
    if (binding) {
      tables.bindings.set(definitions.keyOf(havip), toRow(havip.id, binding));
      // As the program has it: until this thread has its turn again, packets go to the new holder for a while.
      writtenNs = commander.place([havip.id]);
      if (binding.holder) {
        const { mac, port } = holderRow(binding.holder);
        // Where a RARP is to look for it.
        tables.stationed.set(
          { subnet: havip.subnet.id, mac, reserved: 0 },
          { port, reserved: 0, toldNs: 0n },
        );
      }
    }
    const repointNs = writtenNs !== null && arrivedNs !== null ? writtenNs - arrivedNs : null;
    for (const event of change.events)
      tell({ ...event, ...(writtenNs !== null && { writtenNs }) }, repointNs, 1);
  }

  /** Empties the move budget and binds whoever it held back. */
  clear(havip: number): void {
    const { registry, tell } = this.options;
    const nowNs = process.hrtime.bigint();
    this.commit(registry.applyPending(havip, nowNs), null);
    for (const event of registry.clear(havip, nowNs)) tell(event, null, 1);
  }

  private refused(record: ClaimRecord, slept: boolean): void {
    const news = this.options.refusals.rang(record, slept);
    if (news) this.options.tellRefusal(news);
  }
}
