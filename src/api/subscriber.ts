// SPDX-License-Identifier: BSD-2-Clause
// One reader of the event stream. It may be as slow as it likes: beyond a bound it loses its own events, is told
// how many, and holds up neither the daemon nor the other readers.
import type { EventRecord } from '../observe/messages.js';
import type { EventDelivery } from './types.js';

/** Events that wait for one slow reader. A burst of 1,000 moves is 1,000 events; four of those fit. */
const QUEUE_EVENTS = 4096;
/** Events a message. */
const BATCH_EVENTS = 256;

export class Subscriber {
  private queue: EventRecord[] = [];
  private lost = 0n;
  private blocked = false;
  private restarted = false;
  private lastSeq = 0;

  /**
   * @param send Hands one message on. false: no more until `drained`.
   * @param matches Which events this reader asked for.
   */
  constructor(
    private readonly send: (delivery: EventDelivery) => boolean,
    private readonly matches: (event: EventRecord) => boolean = () => true,
  ) {}

  /**
   * What was kept. What of it had left before this reader came is told even where nothing else is.
   * @param afterSeq What the reader knows already; 0: nothing.
   */
  begin({ events, restarted }: Pick<EventDelivery, 'events' | 'restarted'>, afterSeq: number): void {
    this.restarted = restarted;
    this.lastSeq = restarted ? 0 : afterSeq;
    this.take(events);
    if ((this.lost > 0n || restarted) && this.queue.length === 0) this.deliver([]);
    this.pump();
  }

  push(events: readonly EventRecord[]): void {
    this.take(events);
    this.pump();
  }

  drained(): void {
    this.blocked = false;
    this.pump();
  }

  get idle(): boolean {
    return this.queue.length === 0 && !this.blocked;
  }

  private take(events: readonly EventRecord[]): void {
    for (const event of events) this.enqueue(event);
    this.dropOldest();
  }

  /** What is in the history already may come again while the subscription begins; what is jumped over is lost. */
  private enqueue(event: EventRecord): void {
    if (event.seq <= this.lastSeq) return;
    if (this.lastSeq > 0) this.lost += BigInt(event.seq - this.lastSeq - 1);
    this.lastSeq = event.seq;
    if (this.matches(event)) this.queue.push(event);
  }

  /** The oldest leave, so that what was lost lies just before what is sent next. */
  private dropOldest(): void {
    const excess = this.queue.length - QUEUE_EVENTS;
    if (excess <= 0) return;
    this.queue.splice(0, excess);
    this.lost += BigInt(excess);
  }

  private pump(): void {
    while (!this.blocked && this.queue.length) this.deliver(this.queue.splice(0, BATCH_EVENTS));
  }

  private deliver(events: readonly EventRecord[]): void {
    const { lost, restarted } = this;
    this.lost = 0n;
    this.restarted = false;
    this.blocked = !this.send({ events, lost, restarted });
  }
}
