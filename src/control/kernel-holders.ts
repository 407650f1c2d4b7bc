// SPDX-License-Identifier: BSD-2-Clause
// HAVIPs whose programs decide (`rebind: kernel`): their decisions are taken over in order, told, and audited by the
// model. Where the ring lost some, the maps say how it ended. The loader's own orders go by commands.
import type { HolderEvent } from '../holders/events.js';
import { eventOf } from '../holders/events.js';
import type { Registry } from '../holders/registry.js';
import type { Binding, Claim, Holder, Outcome } from '../holders/rules.js';
import { CAUSE, CLAIM_RESULT, type Record as KernelRecord, type State } from '../kernel/layout.gen.js';
import type { Tables } from '../kernel/maps.js';
import { kindName } from '../kernel/names.js';
import { fromRow, holderOf } from './bindings.js';
import type { Commander } from './commander.js';
import type { Definitions, HavipRecord } from './definitions.js';
import { decidedOf, type Decided } from './records.js';
import { Sequencer } from './sequencer.js';

export interface KernelHoldersOptions {
  readonly tables: Pick<Tables, 'bindings' | 'states'>;
  readonly commander: Commander;
  readonly definitions: Definitions;
  readonly registry: Registry;
  /** Whether that claimant may hold it now: its port may have left meanwhile. */
  readonly counts: (claim: Claim) => boolean;
  /** @param repointNs From the frame at the hook until the binding was visible; null: no frame wrote one. */
  readonly tell: (event: HolderEvent, repointNs: bigint | null, count: number) => void;
  readonly onLost: (count: number) => void;
  readonly onMismatch: (decided: Decided) => void;
}

/** Two CPUs that ring at once are microseconds apart, or as long as a hypervisor withholds one of them. */
const GAP_NS = 50_000_000n;
/** HAVIPs between two turns of the loop. */
const SLICE = 4096;

const RESULTS: Record<Exclude<Outcome, 'refresh'>, number> = {
  bind: CLAIM_RESULT.BIND,
  move: CLAIM_RESULT.MOVE,
  'mac-change': CLAIM_RESULT.MAC_CHANGE,
};

interface Told {
  readonly event: HolderEvent;
  readonly repointNs: bigint | null;
  count: number;
}

export class KernelHolders {
  private readonly sequencer = new Sequencer<Decided>();
  /** Rings of before are about another HAVIP that had the index. */
  private readonly bornNs = new Map<number, bigint>();
  /** HAVIPs of which some decisions were lost: the model has nothing to compare with. */
  private readonly blurred = new Set<number>();
  /** Decisions that the model has judged, and those that it would have made otherwise. */
  readonly audit = { audited: 0, mismatches: 0 };
  private sleeping = true;
  /** Whose port had left when word of the decision came: to be released after those that came with it. */
  private readonly gone: Claim[] = [];

  constructor(private readonly options: KernelHoldersOptions) {}

  serves(havip: number): boolean {
    return this.options.definitions.havip(havip)?.config.rebind === 'kernel';
  }

  /** HAVIPs of which the maps know nothing yet. */
  begin(havips: readonly HavipRecord[], nowNs: bigint): void {
    for (const { id } of havips) {
      this.sequencer.start(id, 0);
      this.bornNs.set(id, nowNs);
    }
  }

  /** HAVIPs whose programs have decided before: under an earlier loader, or until a moment ago for themselves. */
  adopt(ids: ReadonlySet<number>): void {
    if (ids.size === 0) return;
    for (const [id, state] of this.options.tables.states.entries()) if (ids.has(id)) this.jump(id, state);
  }

  forget(ids: Iterable<number>): void {
    for (const id of ids) {
      this.sequencer.forget(id);
      this.bornNs.delete(id);
      this.blurred.delete(id);
    }
  }

  /** From now on, what is known already was told already. */
  awake(): void {
    this.sleeping = false;
  }

  hear(decisions: readonly Decided[]): void {
    if (decisions.length === 0) return;
    const nowNs = process.hrtime.bigint();
    const told: Told[] = [];
    for (const decided of decisions) {
      if (decided.claim.tsNs < (this.bornNs.get(decided.havip) ?? 0n)) continue;
      if (this.isOld(decided)) this.tellOld(decided);
      else for (const next of this.sequencer.take(decided, nowNs)) this.follow(next, told);
    }
    this.flush(told);
    for (const { havip, by } of this.gone.splice(0)) this.release(havip, by.port, 'port-left');
  }

  /** Decisions that have been waited for long enough are lost. */
  giveUp(nowNs: bigint): void {
    for (const havip of this.sequencer.waiting(nowNs - GAP_NS)) this.skip(havip);
  }

  get hasGaps(): boolean {
    return this.sequencer.hasGaps;
  }

  release(havip: number, slot: number, reason: string): void {
    this.take(this.options.commander.release(havip, slot, process.hrtime.bigint()), reason);
  }

  /** The claimant that waits for the move budget's window may not claim any more. */
  forgetPending(havip: number, slot: number): void {
    this.take(this.options.commander.forget(havip, slot));
  }

  /** The loader's own finding: the station has moved, or answered for the address. Spends the budget, never waits for it. */
  bind(claim: Claim, outcome: Exclude<Outcome, 'refresh'>): void {
    const { havip, by, kind, tsNs } = claim;
    const seq = this.sequencer.at(havip) ?? 0;
    this.take(
      this.options.commander.bind(havip, { holder: by, sinceNs: tsNs, by: kind }, RESULTS[outcome], seq),
    );
  }

  /** The window has been open for a while and nothing came: the timer went with the maps of before. */
  applyOverdue(havip: number): void {
    const { registry, tables } = this.options;
    const state = tables.states.get(havip);
    const by = state && holderOf(state.pending);
    if (!state || !by) return;
    const claim = { havip, by, kind: state.pendingKind, tsNs: state.pendingNs };
    const outcome = registry.outcome(claim);
    if (!outcome || outcome === 'refresh') this.forgetPending(havip, by.port);
    else this.bind(claim, outcome);
  }

  /**
   * Empties the move budget and binds whoever it held back. A CPU may be deciding by the budget of before: until the
   * rings have come, the model has nothing to compare with.
   */
  clear(havip: number): void {
    const { commander, registry, tables, tell } = this.options;
    commander.clear(havip);
    this.blurred.add(havip);
    this.applyOverdue(havip);
    // Once more: what that move spent is given back too.
    commander.clear(havip);
    const state = tables.states.get(havip);
    if (state && state.seq === this.sequencer.at(havip)) this.jump(havip, state);
    for (const event of registry.clear(havip, process.hrtime.bigint())) tell(event, null, 1);
  }

  /** After a full ring: which HAVIPs have decided more than was heard. `drain` empties the ring. */
  async reconcile(drain: () => void): Promise<void> {
    drain();
    const ahead = await this.ahead();
    if (ahead.size === 0) return;
    await new Promise((resolve) => setTimeout(resolve, Number(GAP_NS / 1_000_000n)));
    drain();
    for (const [havip, seq] of ahead) {
      const known = this.sequencer.at(havip);
      if (known !== undefined && known < seq) this.skip(havip, true);
    }
  }

  /** HAVIPs that the model lost sight of, once nothing is on its way. */
  refocus(): void {
    for (const havip of this.blurred) {
      const state = this.options.tables.states.get(havip);
      if (state?.seq !== this.sequencer.at(havip)) continue;
      this.blurred.delete(havip);
      if (state) this.jump(havip, state);
    }
  }

  private isOld({ havip, seq }: Decided): boolean {
    const known = this.sequencer.at(havip);
    return known !== undefined && seq <= known;
  }

  /** It happened while nobody listened: the maps have its outcome already. */
  private tellOld(decided: Decided): void {
    const event = this.sleeping && eventOf(decided, kindName);
    if (event) this.options.tell(event, repointOf(decided), 1);
  }

  private async ahead(): Promise<Map<number, number>> {
    const found = new Map<number, number>();
    let read = 0;
    for (const [havip, { seq }] of this.options.tables.states.entries()) {
      if (seq > (this.sequencer.at(havip) ?? seq)) found.set(havip, seq);
      if (++read % SLICE === 0) await new Promise(setImmediate);
    }
    return found;
  }

  private take(record: KernelRecord | null, reason?: string): void {
    const decided = record && decidedOf(record, reason);
    if (decided) this.hear([decided]);
  }

  private follow(decided: Decided, told: Told[]): void {
    const { registry, counts } = this.options;
    const { event, agrees } = registry.follow(decided);
    if (!this.blurred.has(decided.havip)) {
      this.audit.audited++;
      if (!agrees) this.mismatch(decided);
    }
    if (event) add(told, { event: written(event, decided), repointNs: repointOf(decided), count: 1 });
    if (decided.doneNs !== 0n && !counts(decided.claim)) this.gone.push(decided.claim);
  }

  private mismatch(decided: Decided): void {
    this.audit.mismatches++;
    this.options.onMismatch(decided);
  }

  private flush(told: Told[]): void {
    for (const { event, repointNs, count } of told.splice(0)) this.options.tell(event, repointNs, count);
  }

  /** @param toEnd Also those of which none rang any more: the maps say how it ended. */
  private skip(havip: number, toEnd = false): void {
    const { items, missing } = this.sequencer.giveUp(havip);
    this.blurred.add(havip);
    if (missing > 0) this.options.onLost(missing);
    const told: Told[] = [];
    for (const item of items) this.follow(item, told);
    this.flush(told);
    if (toEnd) this.catchUp(havip);
    for (const { by } of this.gone.splice(0)) this.release(havip, by.port, 'port-left');
  }

  private catchUp(havip: number): void {
    const { registry, tables, onLost, tell, counts } = this.options;
    const known = this.sequencer.at(havip) ?? 0;
    const before = registry.binding(havip);
    const state = tables.states.get(havip);
    if (!state || !before || state.seq <= known) return;
    onLost(state.seq - known);
    const binding = this.jump(havip, state);
    if (!binding) return;
    const event = reconciled(havip, before, binding);
    if (event) tell(event, null, 1);
    const { holder, sinceNs, by } = binding;
    const claim = holder && { havip, by: holder, tsNs: sinceNs, kind: by };
    if (claim && !counts(claim)) this.gone.push(claim);
  }

  /** The model takes over what the maps say. A decision that falls between the two reads comes by the ring. */
  private jump(havip: number, state: State): Binding | null {
    const { definitions, registry, tables } = this.options;
    const record = definitions.havip(havip);
    const row = record && tables.bindings.get(definitions.keyOf(record));
    if (!row) return null;
    const binding = fromRow(row);
    this.sequencer.start(havip, state.seq);
    registry.resync(havip, binding, spentNs(state), pendingClaim(havip, state));
    return binding;
  }
}

const written = (event: HolderEvent, { doneNs }: Decided): HolderEvent =>
  doneNs === 0n ? event : { ...event, writtenNs: doneNs };

function repointOf({ cause, claim, doneNs }: Decided): bigint | null {
  return cause === CAUSE.FRAME && doneNs !== 0n ? doneNs - claim.tsNs : null;
}

/** A station that changes its MAC with every frame is one line, not a thousand. */
function add(told: Told[], next: Told): void {
  const last = told.at(-1);
  const again =
    last?.event.kind === 'mac-change' &&
    next.event.kind === 'mac-change' &&
    last.event.havip === next.event.havip;
  if (!again) return void told.push(next);
  const event = { ...next.event, from: last.event.from };
  told[told.length - 1] = { ...next, event, count: last.count + next.count };
}

/** What the programs have spent of the move budget, oldest first. */
function spentNs({ moved, movedNs }: State): bigint[] {
  const size = movedNs.length;
  const kept = Math.min(moved, size);
  return Array.from({ length: kept }, (_, at) => movedNs[(moved - kept + at) % size] ?? 0n);
}

function pendingClaim(havip: number, { pending, pendingNs, pendingKind }: State): Claim | null {
  const by = holderOf(pending);
  return by && { havip, by, kind: pendingKind, tsNs: pendingNs };
}

/** How it ended, where what happened was lost. */
function reconciled(havip: number, before: Binding, now: Binding): HolderEvent | null {
  const [from, to] = [before.holder, now.holder];
  if (same(from, to)) return null;
  const kind = !to ? 'release' : !from ? 'bind' : from.port === to.port ? 'mac-change' : 'move';
  return { kind, havip, tsNs: now.sinceNs, from, to, reason: 'reconciled' };
}

const same = (a: Holder | null, b: Holder | null): boolean => a?.port === b?.port && a?.mac === b?.mac;
