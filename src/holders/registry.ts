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

/** One decision of the programs. Shape: `before` is what it found; `decidedNs` when its move counts as spent. */
export interface Decision {
  readonly claim: Claim;
  readonly result: 'bind' | 'move' | 'mac-change' | 'held-back' | 'withdrawn' | 'released';
  readonly before: { readonly holder: Holder | null; readonly former: Holder | null; readonly moves: number };
  readonly decidedNs: bigint;
  /** Why it was released. */
  readonly reason?: string;
}

/** A decision in an operator's terms; null: nothing that changed anything. */
export function eventOf(decision: Decision, kindName: (kind: number) => string): HolderEvent | null {
  const { claim, result, before, reason } = decision;
  const { havip, tsNs, by, kind } = claim;
  const last = before.holder ?? before.former;
  switch (result) {
    case 'withdrawn':
      return null;
    case 'released':
      return { kind: 'release', havip, tsNs, from: before.holder, to: null, reason: reason ?? 'released' };
    case 'held-back':
      return { kind: 'flap', havip, tsNs, from: before.holder, to: by, reason: 'move-budget' };
    default:
      return {
        kind: result,
        havip,
        tsNs,
        from: result === 'bind' ? null : last,
        to: by,
        reason: kindName(kind),
      };
  }
}

const sameHolder = (a: Holder | null, b: Holder | null): boolean => a?.port === b?.port && a?.mac === b?.mac;

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

  /**
   * A decision that the programs made and wrote (`rebind: kernel`). It is taken over as it is; the model only says
   * whether it would have decided so too.
   * @returns the event to tell, and whether the model agrees.
   */
  follow(decision: Decision): { readonly event: HolderEvent | null; readonly agrees: boolean } {
    const { claim, result, before, decidedNs } = decision;
    const entry = this.entries.get(claim.havip);
    if (!entry) return { event: eventOf(decision, this.kindName), agrees: true };
    const agrees = this.wouldDecide(entry, decision);
    entry.lastNs = claim.tsNs > entry.lastNs ? claim.tsNs : entry.lastNs;
    this.takeOver(entry, decision);
    if (result === 'held-back') {
      const known = this.flapping.has(claim.havip);
      this.hold(entry, claim);
      return { event: known ? null : eventOf(decision, this.kindName), agrees };
    }
    if (result === 'move') {
      entry.budget ??= new MoveBudget();
      entry.budget.spend(entry.damping, decidedNs);
    }
    this.index(claim.havip, before.holder, entry.binding.holder);
    return { event: eventOf(decision, this.kindName), agrees };
  }

  private wouldDecide(entry: Entry, { claim, result, before, decidedNs }: Decision): boolean {
    if (!sameHolder(entry.binding.holder, before.holder) || entry.binding.moves !== before.moves)
      return false;
    if (result === 'released') return before.holder !== null;
    const outcome = judge(entry.binding, claim.by, this.ports.isUplink(claim.by.port));
    if (result === 'withdrawn') return entry.pending !== null;
    if (result === 'held-back') return outcome === 'move' && !this.mayMove(entry, decidedNs);
    return outcome === result && (result !== 'move' || this.mayMove(entry, decidedNs));
  }

  private takeOver(entry: Entry, { claim, result, before }: Decision): void {
    entry.pending = null;
    const { holder, former, moves } = before;
    const known = { ...entry.binding, holder, former, moves };
    if (result === 'released') entry.binding = released(known, claim.tsNs);
    else if (result === 'bind' || result === 'move' || result === 'mac-change')
      entry.binding = bound(known, claim, result);
    else entry.binding = known;
  }

  /** What the maps say, after decisions that were never heard of. */
  resync(havip: number, binding: Binding, spentNs: readonly bigint[], pending: Claim | null): void {
    const entry = this.entries.get(havip);
    if (!entry) return;
    this.index(havip, entry.binding.holder, binding.holder);
    entry.binding = binding;
    entry.budget = MoveBudget.of(spentNs);
    entry.pending = pending;
    if (pending) this.hold(entry, pending);
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
  due(nowNs: bigint, decides: (havip: number) => boolean = () => true): Change[] {
    const changes: Change[] = [];
    for (const [havip, dueNs] of this.waiting) {
      const entry = this.entries.get(havip);
      if (!entry || dueNs > nowNs) continue;
      // Where the programs decide, their timer applies it, and their record tells.
      if (entry.pending && !decides(havip)) {
        this.waiting.set(havip, nowNs + BigInt(entry.damping.windowMs) * 1_000_000n);
        continue;
      }
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
