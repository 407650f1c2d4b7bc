// SPDX-License-Identifier: BSD-2-Clause
// What happened to a HAVIP, to be told.
import type { Decision } from './decisions.js';
import type { Holder } from './rules.js';

export type EventKind =
  | 'bind'
  | 'move'
  | 'mac-change'
  | 'release'
  | 'flap'
  | 'flap-end'
  | 'split-brain'
  | 'split-brain-end'
  | 'dual-active'
  | 'disagreement';

/** A change of a binding, or of a HAVIP's state. */
export interface HolderEvent {
  readonly kind: EventKind;
  readonly havip: number;
  readonly tsNs: bigint;
  readonly from: Holder | null;
  readonly to: Holder | null;
  /** The frame's form, or why it was released. */
  readonly reason: string;
  /** When the binding was visible to every CPU; absent: none was written, or nobody knows. */
  readonly writtenNs?: bigint;
}

/** null: it changed nothing that is told. @param kindName The frame's form by CLAIM_KIND. */
export function eventOf(decision: Decision, kindName: (kind: number) => string): HolderEvent | null {
  const { claim, result, before, reason } = decision;
  const { havip, tsNs, by, kind } = claim;
  const event = { havip, tsNs, from: before.holder ?? before.former, to: by };
  switch (result) {
    case 'withdrawn':
      return null;
    case 'released':
      return { ...event, kind: 'release', from: before.holder, to: null, reason: reason ?? 'released' };
    case 'held-back':
      return { ...event, kind: 'flap', from: before.holder, reason: 'move-budget' };
    case 'bind':
      return { ...event, kind: result, from: null, reason: kindName(kind) };
    default:
      return { ...event, kind: result, reason: kindName(kind) };
  }
}
