// SPDX-License-Identifier: BSD-2-Clause
// The model's verdict on a claim that the BPF programs let through: what it makes of the present binding. Pure; the
// frame-by-frame table before it (refused, evidence, refresh) is bpf/claim.h's.

/** Who receives a HAVIP's packets: a slot in the `targets` map, and a MAC in text form. */
export interface Holder {
  readonly port: number;
  readonly mac: string;
}

/** Where a HAVIP points, as the `bindings` map keeps it. */
export interface Binding {
  readonly holder: Holder | null;
  /** The holder before this one, or, where nobody holds it, the last: a claim by another port than its is a move. */
  readonly former: Holder | null;
  /** Monotonic; arrival of the frame that made the binding, or time of the release. */
  readonly sinceNs: bigint;
  readonly moves: number;
  /** CLAIM_KIND of the frame that made it. */
  readonly by: number;
}

export const UNHELD: Binding = { holder: null, former: null, sinceNs: 0n, moves: 0, by: 0 };

/** A frame by which a member takes a HAVIP. */
export interface Claim {
  readonly havip: number;
  readonly by: Holder;
  /** CLAIM_KIND */
  readonly kind: number;
  /** Monotonic; when the frame reached the hook. */
  readonly tsNs: bigint;
  /** An answer to one station: it finds a holder where there is none, and displaces nobody. */
  readonly onlyUnheld?: boolean;
}

export type Outcome = 'refresh' | 'bind' | 'move' | 'mac-change';

/**
 * What a claim changes (ANNOUNCEMENTS.md, "State").
 * @param uplink Whether the claimant's port is an uplink: behind one, another MAC is another station.
 */
export function judge(binding: Binding, by: Holder, uplink: boolean): Outcome {
  const last = binding.holder ?? binding.former;
  if (!last) return 'bind';
  if (last.port !== by.port) return 'move';
  if (last.mac !== by.mac && uplink) return 'move';
  if (!binding.holder) return 'bind';
  return last.mac === by.mac ? 'refresh' : 'mac-change';
}

/** The binding after `claim`, given what `judge` said of it. */
export function bound(binding: Binding, claim: Claim, outcome: Exclude<Outcome, 'refresh'>): Binding {
  return {
    holder: claim.by,
    former: binding.holder ?? binding.former,
    sinceNs: claim.tsNs,
    moves: binding.moves + (outcome === 'move' ? 1 : 0),
    by: claim.kind,
  };
}

/** The binding after its holder's port went away. */
export function released(binding: Binding, nowNs: bigint): Binding {
  return { ...binding, holder: null, former: binding.holder ?? binding.former, sinceNs: nowNs };
}
