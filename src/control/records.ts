// SPDX-License-Identifier: BSD-2-Clause
// The ring's records, decoded and told apart: claims that the loader decides and refusals, what the programs have
// decided themselves, and stations that have moved.
import type { Decision, DecisionResult } from '../holders/decisions.js';
import type { Claim } from '../holders/rules.js';
import { CAUSE, CLAIM_KIND, CLAIM_RESULT, Record as KernelRecord } from '../kernel/layout.gen.js';
import { isRefusal } from '../kernel/names.js';
import { holderOf } from './bindings.js';
import { byTime, claimOf, type ClaimRecord } from './claims.js';
import type { Numbered } from './sequencer.js';

/** One decision of the programs, as it rang. */
export interface Decided extends Decision, Numbered {
  /** Monotonic; when the binding was visible. 0n: none was written. */
  readonly doneNs: bigint;
  /** CAUSE */
  readonly cause: number;
}

export interface Heard {
  readonly claims: ClaimRecord[];
  readonly decisions: Decided[];
  /** The same MAC at another port. Shape: `havip` is the subnet's index. */
  readonly stations: Claim[];
}

const DECISIONS: Partial<Record<number, DecisionResult>> = {
  [CLAIM_RESULT.BIND]: 'bind',
  [CLAIM_RESULT.MOVE]: 'move',
  [CLAIM_RESULT.MAC_CHANGE]: 'mac-change',
  [CLAIM_RESULT.HELD_BACK]: 'held-back',
  [CLAIM_RESULT.WITHDRAWN]: 'withdrawn',
  [CLAIM_RESULT.RELEASED]: 'released',
};

/** One batch. Claims are in the order of the kernel's stamps, since two CPUs ring in any. */
export function decodeBatch(records: Buffer, count: number): Heard {
  const heard: Heard = { claims: [], decisions: [], stations: [] };
  for (let i = 0; i < count; i++) hear(KernelRecord.decode(records, i * KernelRecord.size), heard);
  if (heard.claims.length > 1) heard.claims.sort(byTime);
  return heard;
}

function hear(row: KernelRecord, { claims, decisions, stations }: Heard): void {
  if (row.seq) {
    const decided = decidedOf(row);
    if (decided) decisions.push(decided);
    return;
  }
  const claim = claimOf(row);
  if (!claim) return;
  if (row.kind === CLAIM_KIND.RARP) stations.push(claim);
  else if (row.result === CLAIM_RESULT.CLAIM || isRefusal(row.result)) {
    claims.push({ claim, result: row.result });
  }
}

/** null: nobody's, or of a result that is no decision. */
export function decidedOf(row: KernelRecord, reason?: string): Decided | null {
  const claim = claimOf(row);
  const result = DECISIONS[row.result];
  if (!claim || !result) return null;
  const { havip, seq, holder, former, moves, decidedNs, doneNs, cause } = row;
  const ordered = cause === CAUSE.COMMAND;
  const before = { holder: holderOf(holder), former: holderOf(former), moves };
  return { havip, seq, claim, result, before, decidedNs, ordered, doneNs, cause, ...(reason && { reason }) };
}
