// SPDX-License-Identifier: BSD-2-Clause
// Watches who speaks for each HAVIP besides its holder, asks the subnet where it is not clear, and has the binding
// healed where exactly one member answers in the holder's place.
import { Alarms } from '../holders/alarms.js';
import type { Advert } from '../holders/alarms.js';
import type { HolderEvent } from '../holders/events.js';
import { Inquiries } from '../holders/inquiries.js';
import type { Registry, RegistryPorts } from '../holders/registry.js';
import type { Claim, Holder } from '../holders/rules.js';
import { CLAIM_KIND } from '../kernel/layout.gen.js';
import type { Tables } from '../kernel/maps.js';
import type { Asker } from './asker.js';
import type { Commander } from './commander.js';
import type { Definitions, HavipRecord } from './definitions.js';

export interface AlarmDeskOptions {
  readonly tables: Pick<Tables, 'adverts'>;
  readonly definitions: Definitions;
  readonly registry: Registry;
  readonly ports: RegistryPorts;
  readonly commander: Commander;
  readonly asker: Asker;
  /** Whether that station may hold it now. */
  readonly counts: (claim: Claim) => boolean;
  readonly tell: (event: HolderEvent) => void;
  readonly heal: (claim: Claim) => void;
  readonly onSplit: (havips: readonly number[]) => void;
  /** Something was done by the clock, and told. */
  readonly onTurn: () => void;
}

/** An answer takes as long as a guest needs to be scheduled. */
const ANSWER_NS = 1_000_000_000n;
/** Between two verifications while an alarm lasts; with their three seconds less than it takes to end. */
const PAUSE_NS = 4_000_000_000n;

export class AlarmDesk {
  private readonly alarms: Alarms;
  private readonly inquiries = new Inquiries();
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly options: AlarmDeskOptions) {
    this.alarms = new Alarms(options.ports);
  }

  /** HAVIPs that nobody is known to hold: whoever announced before we came will not again. */
  search(havips: Iterable<HavipRecord>): void {
    const nowNs = process.hrtime.bigint();
    const unheld = [...havips].flatMap(({ id }) => (this.holder(id) ? [] : [id]));
    this.inquiries.search(unheld, nowNs);
    this.turn();
  }

  forget(ids: Iterable<number>): void {
    for (const id of ids) {
      this.alarms.forget(id);
      this.inquiries.end(id);
    }
    this.tellSplit();
  }

  /** A binding has changed, and has been told. */
  changed(event: HolderEvent): void {
    const { kind, havip, to, tsNs } = event;
    const raised = this.alarms.changed(event);
    if (to && (kind === 'bind' || kind === 'move')) {
      this.inquiries.found(havip);
      this.inquiries.moved(havip, process.hrtime.bigint());
      if (ANSWERS.has(event.reason)) raised.push(...this.noteAnswer(havip, to, tsNs));
    }
    this.raise(raised);
  }

  hear(answers: readonly Claim[], adverts: readonly Advert[]): void {
    for (const answer of answers) {
      if (!this.options.counts(answer)) continue;
      this.raise(this.noteAnswer(answer.havip, answer.by, answer.tsNs));
    }
    for (const advert of adverts) {
      const { havip } = advert;
      const holder = this.holder(havip);
      this.raise(this.alarms.advert(advert, holder, this.holderAdvertNs(havip, holder)));
    }
    if (answers.length || adverts.length) this.turn();
  }

  /** Whether a question about it is still wanted. */
  isAsking(havip: number): boolean {
    return !this.holder(havip) || this.inquiries.isOpen(havip);
  }

  /** What is due now; arms the timer for the rest. */
  turn(): void {
    const { commander, asker } = this.options;
    const nowNs = process.hrtime.bigint();
    this.raise(this.alarms.due(nowNs, (havip) => this.holder(havip)));
    const { search, verify, heal } = this.inquiries.due(nowNs);
    // Only then does it matter that the holder itself answers.
    for (const havip of verify) commander.ask(havip, nowNs + ANSWER_NS);
    asker.ask(verify);
    asker.ask(search);
    for (const { havip, to } of heal) this.heal(havip, to, nowNs);
    // Whether the other still answers: a silence of its own accord would end the alarm too early.
    for (const havip of this.alarms.splits())
      if (this.verifies(havip)) this.inquiries.verify(havip, nowNs + PAUSE_NS);
    this.tellSplit();
    this.arm();
  }

  stop(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.options.asker.close();
  }

  private holder(havip: number): Holder | null {
    return this.options.registry.binding(havip)?.holder ?? null;
  }

  private noteAnswer(havip: number, by: Holder, tsNs: bigint): HolderEvent[] {
    const holder = this.holder(havip);
    const isHolder = holder !== null && holder.port === by.port && holder.mac === by.mac;
    const askedNs = this.inquiries.askedNs(havip);
    this.inquiries.answered(havip, by, isHolder);
    return this.alarms.answered(havip, by, holder, tsNs, askedNs);
  }

  private holderAdvertNs(havip: number, holder: Holder | null): bigint | null {
    const row = holder && this.options.tables.adverts.get({ havip, port: holder.port });
    return row && row.priority !== 0 ? row.tsNs : null;
  }

  private raise(events: readonly HolderEvent[]): void {
    for (const event of events) {
      this.options.tell(event);
      // Two masters that hear each other settle it; the others leave a silent survivor, or a black hole.
      if (event.kind !== 'dual-active' && this.verifies(event.havip))
        this.inquiries.verify(event.havip, process.hrtime.bigint());
    }
    if (events.length) this.turn();
  }

  private verifies(havip: number): boolean {
    return this.options.definitions.havip(havip)?.config.heal === 'verify';
  }

  private heal(havip: number, to: Holder, nowNs: bigint): void {
    const claim = { havip, by: to, kind: CLAIM_KIND.VERIFIED, tsNs: nowNs };
    if (this.options.counts(claim)) this.options.heal(claim);
  }

  private tellSplit(): void {
    const havips = this.alarms.splitNews();
    if (havips) this.options.onSplit(havips);
  }

  private onTimer(): void {
    this.turn();
    this.options.onTurn();
  }

  private arm(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    const dueNs = [this.alarms.nextDueNs(), this.inquiries.nextDueNs()].filter((at) => at !== null);
    if (dueNs.length === 0) return;
    const firstNs = dueNs.reduce((a, b) => (a < b ? a : b));
    const waitMs = Number((firstNs - process.hrtime.bigint()) / 1_000_000n) + 1;
    this.timer = setTimeout(() => this.onTimer(), Math.max(0, waitMs));
  }
}

/** Forms of a frame that answers one station. */
const ANSWERS: ReadonlySet<string> = new Set(['arp-answer', 'na-answer']);
