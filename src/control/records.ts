// SPDX-License-Identifier: BSD-2-Clause
// The ring's records, decoded and told apart: claims that the loader decides and refusals, what the programs have
// decided themselves, and what was observed: adverts, answers, stations that have moved.
import type { Decision, DecisionResult } from '../holders/decisions.js';
import type { Advert } from '../holders/alarms.js';
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
  /** Replies to one station: of other members, or of the holder while the network asks. */
  readonly answers: Claim[];
  readonly adverts: Advert[];
}

const NS_PER_CS = 10_000_000n;

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
  const heard: Heard = { claims: [], decisions: [], stations: [], answers: [], adverts: [] };
  for (let i = 0; i < count; i++) hear(KernelRecord.decode(records, i * KernelRecord.size), heard);
  if (heard.claims.length > 1) heard.claims.sort(byTime);
  return heard;
}

function hear(row: KernelRecord, heard: Heard): void {
  if (row.seq) {
    const decided = decidedOf(row);
    if (decided) heard.decisions.push(decided);
    return;
  }
  const claim = claimOf(row);
  const { result } = row;
  if (!claim) return;
  if (row.kind === CLAIM_KIND.RARP) heard.stations.push(claim);
  else if (result === CLAIM_RESULT.OBSERVED) heard.adverts.push(advertOf(row, claim));
  else if (result === CLAIM_RESULT.EVIDENCE || result === CLAIM_RESULT.LIVENESS) heard.answers.push(claim);
  else if (result === CLAIM_RESULT.CLAIM || isRefusal(result)) heard.claims.push({ claim, result });
}

function advertOf({ vrid, priority, intervalCs }: KernelRecord, { havip, by, tsNs }: Claim): Advert {
  return { havip, by, tsNs, vrid, priority, intervalNs: BigInt(intervalCs) * NS_PER_CS };
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
