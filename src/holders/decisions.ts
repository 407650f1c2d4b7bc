// SPDX-License-Identifier: BSD-2-Clause
// What the programs decided (`rebind: kernel`), in the model's terms: whether it would have decided so too, and what
// it makes of a binding. Pure.
import { bound, judge, released, type Binding, type Claim, type Holder } from './rules.js';

export type DecisionResult = 'bind' | 'move' | 'mac-change' | 'held-back' | 'withdrawn' | 'released';

export interface Decision {
  readonly claim: Claim;
  readonly result: DecisionResult;
  /** What it found. */
  readonly before: { readonly holder: Holder | null; readonly former: Holder | null; readonly moves: number };
  /** Monotonic; by which its move counts against the budget. */
  readonly decidedNs: bigint;
  /** By the loader's command: no budget holds that back. */
  readonly ordered: boolean;
  /** Why it was released. */
  readonly reason?: string;
}

/** What the model knows of the HAVIP. */
export interface Known {
  readonly binding: Binding;
  readonly pending: Claim | null;
  /** Whether a move was within the budget when it was decided. */
  readonly mayMove: boolean;
}

/** @param uplink Whether the claimant's port is an uplink. */
export function wouldDecide(known: Known, decision: Decision, uplink: boolean): boolean {
  const { claim, result, before, ordered } = decision;
  const { binding, pending, mayMove } = known;
  if (!sameHolder(binding.holder, before.holder) || !sameHolder(binding.former, before.former)) return false;
  if (binding.moves !== before.moves) return false;
  if (result === 'released') return before.holder !== null;
  if (result === 'withdrawn') return pending !== null;
  const outcome = judge(binding, claim.by, uplink);
  if (result === 'held-back') return outcome === 'move' && !mayMove;
  return outcome === result && (result !== 'move' || mayMove || ordered);
}

/** The binding after it. What the programs found goes before what was known. */
export function after(known: Binding, { claim, result, before }: Decision): Binding {
  const binding = { ...known, ...before };
  if (result === 'released') return released(binding, claim.tsNs);
  if (result === 'held-back' || result === 'withdrawn') return binding;
  return bound(binding, claim, result);
}

const sameHolder = (a: Holder | null, b: Holder | null): boolean => a?.port === b?.port && a?.mac === b?.mac;
