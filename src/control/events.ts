// SPDX-License-Identifier: BSD-2-Clause
// Numbers what happened and puts it in an operator's words, for the worker to keep and show. Collects, so that a
// burst costs one message.
import type { HolderEvent } from '../holders/events.js';
import type { Holder } from '../holders/rules.js';
import { WallClock } from '../observe/clock.js';
import type { EventKind, EventParty, EventRecord, MoveRecord } from '../observe/messages.js';
import type { EipName, HavipName } from '../observe/orders.js';

/** Names of what the kernel knows by number. */
export interface EventSource {
  havip(id: number): { network: string; subnet: string; address: string } | undefined;
  portName(slot: number): string;
}

type Draft = Partial<Omit<EventRecord, 'seq' | 'wallNs'>> & { kind: EventKind; reason: string };

const NOTHING = { network: '', subnet: '', address: '', from: null, to: null, count: 1, repointNs: null };

export class EventLog {
  private pending: EventRecord[] = [];
  private moves: MoveRecord[] = [];
  private readonly clock = new WallClock();

  /** @param seq The number of the last event that an earlier daemon has told; 0: none. */
  constructor(
    private readonly source: EventSource,
    private readonly send: (events: readonly EventRecord[], moves: readonly MoveRecord[]) => void,
    private seq = 0,
  ) {}

  tellHolder(event: HolderEvent, repointNs: bigint | null, count = 1): void {
    const { kind, havip, tsNs, reason } = event;
    const [from, to] = [this.party(event.from), this.party(event.to)];
    this.add({ kind, reason, from, to, count, timeNs: tsNs, repointNs, ...this.source.havip(havip) });
    if (kind !== 'move' || !event.to) return;
    const slots = { fromSlot: event.from?.port ?? 0, toSlot: event.to.port };
    this.moves.push({ id: this.seq, havip, ...slots, sinceNs: tsNs, writtenNs: event.writtenNs ?? null });
  }

  tellRefusal(news: { havip: number; by: Holder; reason: string; count: number; tsNs: bigint }): void {
    const { havip, by, reason, count, tsNs } = news;
    this.add({
      kind: 'refuse',
      reason,
      count,
      to: this.party(by),
      timeNs: tsNs,
      ...this.source.havip(havip),
    });
  }

  tellPort(kind: 'attach' | 'detach', port: string, reason: string): void {
    this.add({ kind, reason, to: { port, mac: '' } });
  }

  /** @param about The HAVIP or EIP that was changed at run time; a reload is about the whole file. */
  tellConfig(reason: string, about: HavipName | EipName | null = null): void {
    this.add({ kind: 'config', reason, ...about });
  }

  tellLost(count: number): void {
    this.add({ kind: 'lost', reason: 'ring-full', count });
  }

  /** A crash had cut off the end of the history. How many events that were, nobody knows. */
  tellHistoryCut(): void {
    this.add({ kind: 'lost', reason: 'history-cut' });
  }

  /** Hands over what was collected. */
  flush(): void {
    if (this.pending.length === 0) return;
    const { pending, moves } = this;
    this.pending = [];
    this.moves = [];
    this.send(pending, moves);
  }

  private add(draft: Draft): void {
    const timeNs = draft.timeNs ?? process.hrtime.bigint();
    const record = { ...NOTHING, ...draft, timeNs, wallNs: this.clock.wallNs(timeNs), seq: ++this.seq };
    this.pending.push(record);
  }

  private party(holder: Holder | null): EventParty | null {
    return holder && { port: this.source.portName(holder.port), mac: holder.mac };
  }
}
