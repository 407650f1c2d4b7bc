// SPDX-License-Identifier: BSD-2-Clause
// The last events, and whoever wants to hear of new ones.
import type { EventDelivery, EventHistory } from '../api/types.js';
import type { EventRecord } from './messages.js';

/** What `havip events` shows without --follow. */
export const HISTORY_EVENTS = 1000;

type Listener = (events: readonly EventRecord[]) => void;

export class History implements EventHistory {
  private kept: EventRecord[] = [];
  private readonly listeners = new Set<Listener>();

  /** The numbers go on where an earlier daemon's ended, as its history on disk has them. */
  goesOn = false;

  /** @param epoch The life of the daemon in which the events are numbered. */
  constructor(
    private readonly limit = HISTORY_EVENTS,
    readonly epoch = 0n,
  ) {}

  add(events: readonly EventRecord[]): void {
    if (!events.length) return;
    this.kept.push(...events.slice(-this.limit));
    // Twice the limit before it is cut, so that one event does not move a thousand.
    if (this.kept.length > 2 * this.limit) this.kept = this.kept.slice(-this.limit);
    for (const listener of this.listeners) listener(events);
  }

  /** Oldest first; never more than the limit. */
  get events(): readonly EventRecord[] {
    return this.kept.slice(-this.limit);
  }

  /** 0: none. */
  get lastSeq(): number {
    return this.kept.at(-1)?.seq ?? 0;
  }

  after(seq: number, epoch = 0n): EventDelivery {
    const { events } = this;
    // Another daemon numbered it in its own way, and whoever asks cannot know what came between.
    const isOurs = epoch !== 0n && epoch === this.epoch;
    const isKnown = epoch === 0n || this.goesOn;
    const restarted = !isOurs && (!isKnown || seq > this.lastSeq);
    const from = restarted ? 0 : seq;
    const missed = from > 0 ? (events[0]?.seq ?? 0) - from - 1 : 0;
    const lost = BigInt(Math.max(0, missed));
    return { events: events.filter((event) => event.seq > from), lost, restarted };
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}
