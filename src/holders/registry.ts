// SPDX-License-Identifier: BSD-2-Clause
// Who holds what: takes claims and leaving ports, and answers with the bindings to write and the events to tell.
// Pure: knows no fd, no clock and no netlink; times and port names are handed in.
import { MoveBudget, type Damping } from './damping.js';
import { bound, judge, released, UNHELD, type Binding, type Claim, type Holder } from './rules.js';

export type EventKind = 'bind' | 'move' | 'mac-change' | 'release' | 'flap' | 'flap-end';

/** A change of a binding, or of a HAVIP's state, to be told. */
export interface HolderEvent {
  readonly kind: EventKind;
  readonly havip: number;
  readonly tsNs: bigint;
  readonly from: Holder | null;
  readonly to: Holder | null;
  /** The frame's form, or why it was released. */
  readonly reason: string;
}

/** What came of one claim or release. `binding` is to be written before anything is told. */
export interface Change {
  readonly havip: number;
  readonly binding: Binding | null;
  readonly events: readonly HolderEvent[];
}

export interface RegistryPorts {
  /** Whether the slot is an uplink's; behind one, another MAC is another station. */
  isUplink(slot: number): boolean;
}

interface Entry {
  binding: Binding;
  damping: Damping;
  /** The newest claim that was taken up, so that a replayed ring changes nothing. */
  lastNs: bigint;
  budget: MoveBudget | null;
  /** The newest claimant past the budget: applied when the window opens. */
  pending: Claim | null;
}

export class Registry {
  private readonly entries = new Map<number, Entry>();
  private readonly heldBy = new Map<number, Set<number>>();
  private readonly waiting = new Map<number, bigint>();
  private readonly flapping = new Set<number>();
  private flappingChanged = false;

  constructor(
    private readonly ports: RegistryPorts,
    private readonly kindName: (kind: number) => string,
  ) {}

  /**
   * A HAVIP that the operator wants; with what the kernel already has of it.
   * @param notBeforeNs Claims of that time and before are about another HAVIP that had its index.
   */
  define(havip: number, damping: Damping, binding: Binding = UNHELD, notBeforeNs = binding.sinceNs): void {
    const known = this.entries.get(havip);
    if (known) {
      known.damping = damping;
      return;
    }
    const entry = { binding, damping, lastNs: notBeforeNs, budget: null, pending: null };
    this.entries.set(havip, entry);
    this.index(havip, null, binding.holder);
  }

  undefine(havip: number): void {
    const entry = this.entries.get(havip);
    if (!entry) return;
    this.index(havip, entry.binding.holder, null);
    this.entries.delete(havip);
    this.waiting.delete(havip);
    this.setFlapping(havip, false);
  }

  binding(havip: number): Binding | undefined {
    return this.entries.get(havip)?.binding;
  }

  /** Who waits for the move budget's window to open. */
  pending(havip: number): Holder | null {
    return this.entries.get(havip)?.pending?.by ?? null;
  }

  /** That claimant may not hold it any more. */
  dropPending(havip: number): void {
    const entry = this.entries.get(havip);
    if (entry) entry.pending = null;
  }

  isFlapping(havip: number): boolean {
    return this.flapping.has(havip);
  }

  /** All that are flapping, if that has changed since the last call; else null. */
  flappingNews(): readonly number[] | null {
    if (!this.flappingChanged) return null;
    this.flappingChanged = false;
    return [...this.flapping];
  }

  /** HAVIPs whose holder is at this slot. */
  heldAt(slot: number): readonly number[] {
    return [...(this.heldBy.get(slot) ?? [])];
  }

  /**
   * A claim that the fast path let through.
   * @param free It is history, read at a start: it costs nothing of the move budget.
   * @returns null where nothing changes: a refresh, an older claim than the last, or a HAVIP that is gone.
   */
  claim(claim: Claim, nowNs: bigint, free = false): Change | null {
    const entry = this.entries.get(claim.havip);
    if (!entry || claim.tsNs <= entry.lastNs) return null;
    // Somebody has announced since this answer was let through.
    if (claim.onlyUnheld && entry.binding.holder) return null;
    entry.lastNs = claim.tsNs;
    entry.pending = null;
    const outcome = judge(entry.binding, claim.by, this.ports.isUplink(claim.by.port));
    if (outcome === 'refresh') return null;
    if (free) return this.rebind(entry, claim, outcome);
    if (outcome === 'move' && !this.mayMove(entry, nowNs)) return this.hold(entry, claim);
    return this.apply(entry, claim, outcome, nowNs);
  }

  /** The holder's port went down, away, or out of the members: the binding is released at once. */
  release(slot: number, reason: string, nowNs: bigint): Change[] {
    for (const [havip] of this.waiting) {
      const entry = this.entries.get(havip);
      if (entry?.pending?.by.port === slot) entry.pending = null;
    }
    return this.heldAt(slot).flatMap((havip) => this.releaseOne(havip, reason, nowNs) ?? []);
  }

  releaseOne(havip: number, reason: string, nowNs: bigint): Change | null {
    const entry = this.entries.get(havip);
    const from = entry?.binding.holder;
    if (!entry || !from) return null;
    this.index(havip, from, null);
    entry.binding = released(entry.binding, nowNs);
    const event: HolderEvent = { kind: 'release', havip, tsNs: nowNs, from, to: null, reason };
    return { havip, binding: entry.binding, events: [event] };
  }

  /** When `due` has something to do next; null: nothing waits. */
  nextDueNs(): bigint | null {
    let next: bigint | null = null;
    for (const dueNs of this.waiting.values()) if (next === null || dueNs < next) next = dueNs;
    return next;
  }

  /** Windows that have opened: applies the newest claimant that was held back, or ends the flapping. */
  due(nowNs: bigint): Change[] {
    const changes: Change[] = [];
    for (const [havip, dueNs] of this.waiting) {
      const entry = this.entries.get(havip);
      if (!entry || dueNs > nowNs) continue;
      changes.push(this.windowOpened(havip, entry, nowNs));
    }
    return changes;
  }

  private windowOpened(havip: number, entry: Entry, nowNs: bigint): Change {
    const { pending } = entry;
    entry.pending = null;
    if (!pending) {
      this.waiting.delete(havip);
      this.setFlapping(havip, false);
      const { holder } = entry.binding;
      const event: HolderEvent = {
        kind: 'flap-end',
        havip,
        tsNs: nowNs,
        from: null,
        to: holder,
        reason: 'quiet',
      };
      return { havip, binding: null, events: [event] };
    }
    const outcome = judge(entry.binding, pending.by, this.ports.isUplink(pending.by.port));
    const change =
      outcome === 'refresh'
        ? { havip, binding: null, events: [] }
        : this.apply(entry, pending, outcome, nowNs);
    this.waiting.set(havip, nowNs + BigInt(entry.damping.windowMs) * 1_000_000n);
    return change;
  }

  private mayMove(entry: Entry, nowNs: bigint): boolean {
    return entry.budget?.allows(entry.damping, nowNs) ?? true;
  }

  private hold(entry: Entry, claim: Claim): Change {
    const { havip, tsNs } = claim;
    entry.pending = claim;
    this.waiting.set(havip, entry.budget?.opensNs(entry.damping) ?? 0n);
    const known = this.flapping.has(havip);
    this.setFlapping(havip, true);
    const { holder } = entry.binding;
    const event: HolderEvent = {
      kind: 'flap',
      havip,
      tsNs,
      from: holder,
      to: claim.by,
      reason: 'move-budget',
    };
    return { havip, binding: null, events: known ? [] : [event] };
  }

  private apply(entry: Entry, claim: Claim, outcome: 'bind' | 'move' | 'mac-change', nowNs: bigint): Change {
    if (outcome === 'move') {
      entry.budget ??= new MoveBudget();
      entry.budget.spend(entry.damping, nowNs);
    }
    return this.rebind(entry, claim, outcome);
  }

  private rebind(entry: Entry, claim: Claim, outcome: 'bind' | 'move' | 'mac-change'): Change {
    const { havip, tsNs } = claim;
    const before = entry.binding;
    entry.binding = bound(before, claim, outcome);
    this.index(havip, before.holder, claim.by);
    const from = outcome === 'bind' ? null : (before.holder ?? before.former);
    const event: HolderEvent = {
      kind: outcome,
      havip,
      tsNs,
      from,
      to: claim.by,
      reason: this.kindName(claim.kind),
    };
    return { havip, binding: entry.binding, events: [event] };
  }

  private setFlapping(havip: number, flapping: boolean): void {
    if (this.flapping.has(havip) === flapping) return;
    this.flappingChanged = true;
    if (flapping) this.flapping.add(havip);
    else this.flapping.delete(havip);
  }

  private index(havip: number, from: Holder | null, to: Holder | null): void {
    if (from?.port === to?.port) return;
    if (from) this.heldBy.get(from.port)?.delete(havip);
    if (!to) return;
    const held = this.heldBy.get(to.port) ?? new Set();
    this.heldBy.set(to.port, held.add(havip));
  }
}
