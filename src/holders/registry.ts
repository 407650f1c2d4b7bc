// SPDX-License-Identifier: BSD-2-Clause
// Who holds what: takes claims and leaving ports, and answers with the bindings to write and the events to tell.
// Pure: knows no fd, no clock and no netlink; times and port names are handed in.
import { MoveBudget, type Damping } from './damping.js';
import { after, wouldDecide, type Decision } from './decisions.js';
import { eventOf, type HolderEvent } from './events.js';
import {
  bound,
  judge,
  released,
  UNHELD,
  type Binding,
  type Claim,
  type Holder,
  type Outcome,
} from './rules.js';

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

/** The programs' own timer applies a claimant first; whoever waits for longer has lost that timer. */
const KERNEL_GRACE_NS = 250_000_000n;

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

  /** What the model would make of a claim; undefined: no such HAVIP. */
  outcome({ havip, by }: Claim): Outcome | undefined {
    const entry = this.entries.get(havip);
    return entry && judge(entry.binding, by, this.ports.isUplink(by.port));
  }

  /** HAVIPs whose claimant at this slot waits for its window. */
  waitingAt(slot: number): readonly number[] {
    return [...this.waiting.keys()].filter((havip) => this.pending(havip)?.port === slot);
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
   */
  follow(decision: Decision): { readonly event: HolderEvent | null; readonly agrees: boolean } {
    const { claim, result, before, decidedNs } = decision;
    const { havip } = claim;
    const entry = this.entries.get(havip);
    const event = eventOf(decision, this.kindName);
    if (!entry) return { event, agrees: true };
    const known = { ...entry, mayMove: this.mayMove(entry, decidedNs) };
    const agrees = wouldDecide(known, decision, this.ports.isUplink(claim.by.port));
    if (claim.tsNs > entry.lastNs) entry.lastNs = claim.tsNs;
    entry.binding = after(entry.binding, decision);
    entry.pending = null;
    if (result === 'held-back')
      return { event: this.hold(entry, claim, KERNEL_GRACE_NS).events[0] ?? null, agrees };
    if (result === 'move') this.spend(entry, decidedNs);
    // As `due` has it: flapping ends when a window has passed without another claimant.
    if (known.pending && this.waiting.has(havip)) this.waiting.set(havip, decidedNs + windowNs(entry));
    this.index(havip, before.holder, entry.binding.holder);
    return { event, agrees };
  }

  /** What the maps say, after decisions that were never heard of. */
  resync(havip: number, binding: Binding, spentNs: readonly bigint[], pending: Claim | null): void {
    const entry = this.entries.get(havip);
    if (!entry) return;
    this.index(havip, entry.binding.holder, binding.holder);
    entry.binding = binding;
    if (binding.sinceNs > entry.lastNs) entry.lastNs = binding.sinceNs;
    entry.budget = spentNs.length ? MoveBudget.of(spentNs) : null;
    entry.pending = null;
    if (pending) this.hold(entry, pending, KERNEL_GRACE_NS);
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

  /**
   * Windows that have opened: applies the newest claimant that was held back, or ends the flapping.
   * @param elsewhere Whether somebody else applies it.
   */
  due(nowNs: bigint, elsewhere: (havip: number) => boolean = () => false): Change[] {
    const changes: Change[] = [];
    for (const [havip, dueNs] of this.waiting) {
      const entry = this.entries.get(havip);
      if (!entry || dueNs > nowNs) continue;
      if (entry.pending && elsewhere(havip)) this.waiting.set(havip, nowNs + windowNs(entry));
      else changes.push(this.windowOpened(havip, entry, nowNs));
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
    this.waiting.set(havip, nowNs + windowNs(entry));
    return change;
  }

  /** The claimant that the budget holds back has its turn now. null: nobody waits, or it holds it already. */
  applyPending(havip: number, nowNs: bigint): Change | null {
    const entry = this.entries.get(havip);
    const pending = entry?.pending;
    if (!entry || !pending) return null;
    entry.pending = null;
    const outcome = judge(entry.binding, pending.by, this.ports.isUplink(pending.by.port));
    return outcome === 'refresh' ? null : this.apply(entry, pending, outcome, nowNs);
  }

  /** Nothing of the budget is spent, and nobody waits. @returns the end of the flapping, where it flapped. */
  clear(havip: number, nowNs: bigint): readonly HolderEvent[] {
    const entry = this.entries.get(havip);
    if (!entry) return [];
    const flapped = this.flapping.has(havip);
    entry.budget = null;
    entry.pending = null;
    this.waiting.delete(havip);
    this.setFlapping(havip, false);
    const { holder } = entry.binding;
    return flapped
      ? [{ kind: 'flap-end', havip, tsNs: nowNs, from: null, to: holder, reason: 'cleared' }]
      : [];
  }

  private mayMove(entry: Entry, nowNs: bigint): boolean {
    return entry.budget?.allows(entry.damping, nowNs) ?? true;
  }

  private spend(entry: Entry, nowNs: bigint): void {
    entry.budget ??= new MoveBudget();
    entry.budget.spend(nowNs);
  }

  /** @param graceNs How much longer the programs have for it. */
  private hold(entry: Entry, claim: Claim, graceNs = 0n): Change {
    const { havip, tsNs } = claim;
    entry.pending = claim;
    this.waiting.set(havip, (entry.budget?.opensNs(entry.damping) ?? 0n) + graceNs);
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
    if (outcome === 'move') this.spend(entry, nowNs);
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

const windowNs = ({ damping }: Entry): bigint => BigInt(damping.windowMs) * 1_000_000n;
