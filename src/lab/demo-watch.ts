// SPDX-License-Identifier: BSD-2-Clause
// The daemon's events as they come, kept, for a demo that waits for one of them and later tells them all.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient } from '../api/client.js';
import { HavipError } from '../errors.js';
import type { EventRecord } from '../observe/messages.js';

/** Waiting costs nothing of what is measured: an event has its own time stamp. */
const LOOK_EVERY_MS = 10;

export class EventWatch {
  readonly events: EventRecord[] = [];
  readonly #stop = new AbortController();
  #failure: unknown;

  private constructor(private readonly client: ApiClient) {}

  static async open(socket: string): Promise<EventWatch> {
    const watch = new EventWatch(await ApiClient.connect(socket));
    // Never unhandled: whoever waits next is told.
    watch.#follow().catch((error: unknown) => (watch.#failure = error));
    return watch;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    for await (const { events } of this.client.events({ follow: true, signal })) this.events.push(...events);
  }

  /** The first event so far, or to come, of which it is so; undefined when there is none in time. */
  async find(isSo: (event: EventRecord) => boolean, timeoutMs: number): Promise<EventRecord | undefined> {
    for (const end = Date.now() + timeoutMs; ;) {
      const found = this.events.find(isSo);
      if (found !== undefined || Date.now() > end) return found;
      if (this.#failure !== undefined) throw ended(this.#failure);
      await sleep(LOOK_EVERY_MS);
    }
  }

  close(): void {
    this.#stop.abort();
    this.client.close();
  }
}

/** NOT_RUNNING would be said of a daemon that the user has to start. */
function ended(cause: unknown): HavipError {
  return new HavipError('FAILED', `the lab's daemon ended: ${HavipError.from(cause).message}`, { cause });
}
