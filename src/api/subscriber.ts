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
  private lost: bigint;
  private blocked = false;
  private lastSeq = 0;

  /**
   * @param send Hands one message on. false: no more until `drained`.
   * @param missed How many had left the history before this reader came.
   */
  constructor(
    private readonly send: (delivery: EventDelivery) => boolean,
    missed = 0n,
  ) {
    this.lost = missed;
  }

  push(events: readonly EventRecord[]): void {
    for (const event of events) this.enqueue(event);
    this.dropOldest();
    this.pump();
  }

  drained(): void {
    this.blocked = false;
    this.pump();
  }

  get idle(): boolean {
    return this.queue.length === 0 && !this.blocked;
  }

  /** What is in the history already may come again while the subscription begins. */
  private enqueue(event: EventRecord): void {
    if (event.seq <= this.lastSeq) return;
    this.lastSeq = event.seq;
    this.queue.push(event);
  }

  /** The oldest leave, so that what was lost lies just before what is sent next. */
  private dropOldest(): void {
    const excess = this.queue.length - QUEUE_EVENTS;
    if (excess <= 0) return;
    this.queue.splice(0, excess);
    this.lost += BigInt(excess);
  }

  private pump(): void {
    while (!this.blocked && this.queue.length) {
      const events = this.queue.splice(0, BATCH_EVENTS);
      this.blocked = !this.send({ events, lost: this.takeLost() });
    }
  }

  private takeLost(): bigint {
    const { lost } = this;
    this.lost = 0n;
    return lost;
  }
}
