// SPDX-License-Identifier: BSD-2-Clause
// Claims from the kernel: records of the ring as they come, and the `claims` map where the ring may have lost some.
import {
  CLAIM_KIND,
  CLAIM_RESULT,
  Record as KernelRecord,
  type Claim as ClaimRow,
} from '../kernel/layout.gen.js';
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

/** Decodes one batch of the ring, in the order of the kernel's stamps: two CPUs commit in any. */
export function decodeBatch(records: Buffer, count: number): ClaimRecord[] {
  const decoded: ClaimRecord[] = [];
  for (let i = 0; i < count; i++) {
    const row = KernelRecord.decode(records, i * KernelRecord.size);
    const record = isForModel(row) ? recordOf(row) : null;
    if (record) decoded.push(record);
  }
  return decoded.length < 2 ? decoded : decoded.sort(byTime);
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

/** Adverts, uses of the address, stations that moved and the programs' own decisions are nothing of the model's yet. */
function isForModel({ kind, result }: KernelRecord): boolean {
  return isRefusal(result) || (result === CLAIM_RESULT.CLAIM && kind !== CLAIM_KIND.RARP);
}

function recordOf(row: Pick<ClaimRow, 'by' | 'havip' | 'kind' | 'tsNs' | 'result'>): ClaimRecord | null {
  const by = holderOf(row.by);
  if (!by) return null;
  const onlyUnheld = row.kind === CLAIM_KIND.ARP_ANSWER || row.kind === CLAIM_KIND.NA_ANSWER;
  const claim = { havip: row.havip, by, kind: row.kind, tsNs: row.tsNs, ...(onlyUnheld && { onlyUnheld }) };
  return { claim, result: row.result };
}

function byTime(a: ClaimRecord, b: ClaimRecord): number {
  return a.claim.tsNs < b.claim.tsNs ? -1 : Number(a.claim.tsNs > b.claim.tsNs);
}
