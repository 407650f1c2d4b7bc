// SPDX-License-Identifier: BSD-2-Clause
// Claims that the loader decides: the ring rings for them, and the `claims` map has those of which it may not have.
import { CLAIM_KIND, type Claim as ClaimRow } from '../kernel/layout.gen.js';
import type { Tables } from '../kernel/maps.js';
import { isRefusal } from '../kernel/names.js';
import type { Claim } from '../holders/rules.js';
import { holderOf } from './bindings.js';

/** What the ring says: a claim for the model, or a refusal to be told. */
export interface ClaimRecord {
  readonly claim: Claim;
  /** CLAIM_RESULT */
  readonly result: number;
}

/**
 * Of several claims for one HAVIP only the newest: it wins anyway, and a storm of them costs one decision. Refusals
 * are all kept. Claims that do not count must be gone before, or one of them hides an older one that does.
 */
export function newestClaims(records: readonly ClaimRecord[]): readonly ClaimRecord[] {
  if (records.length < 2) return records;
  const newest = new Map<number, ClaimRecord>();
  for (const record of records.toSorted(byTime)) {
    const { havip, onlyUnheld } = record.claim;
    if (isRefusal(record.result) || (onlyUnheld && newest.has(havip))) continue;
    newest.set(havip, record);
  }
  return records.filter((record) => isRefusal(record.result) || newest.get(record.claim.havip) === record);
}

/** The newest claim of every (HAVIP, port), oldest first, read in slices that let the event loop breathe. */
export async function readClaims(claims: Tables['claims']): Promise<ClaimRecord[]> {
  const found: ClaimRecord[] = [];
  let read = 0;
  for (const [, row] of claims.entries()) {
    const record = recordOf(row);
    if (record) found.push(record);
    if (++read % 4096 === 0) await new Promise(setImmediate);
  }
  return found.sort(byTime);
}

function recordOf(row: ClaimRow): ClaimRecord | null {
  const claim = claimOf(row);
  return claim && { claim, result: row.result };
}

/** null: nobody's. */
export function claimOf(row: Pick<ClaimRow, 'by' | 'havip' | 'kind' | 'tsNs'>): Claim | null {
  const by = holderOf(row.by);
  if (!by) return null;
  const onlyUnheld = row.kind === CLAIM_KIND.ARP_ANSWER || row.kind === CLAIM_KIND.NA_ANSWER;
  return { havip: row.havip, by, kind: row.kind, tsNs: row.tsNs, ...(onlyUnheld && { onlyUnheld }) };
}

/** Older first. */
export function byTime(a: ClaimRecord, b: ClaimRecord): number {
  return a.claim.tsNs < b.claim.tsNs ? -1 : Number(a.claim.tsNs > b.claim.tsNs);
}
