// SPDX-License-Identifier: BSD-2-Clause
// The way out of a streaming call: one message at a time, the next when HTTP/2 has taken the one before, so that a
// reader that stands still costs one message and not a buffer full of them.
import type { ServerWritableStream } from '@grpc/grpc-js';
import { HavipError } from '../errors.js';
import { toStatus } from './status.js';

export class Outlet<Message> {
  private readonly leaving: (() => void)[] = [];
  private over = false;

  constructor(private readonly call: ServerWritableStream<unknown, Message>) {
    const end = (): void => this.finish();
    for (const name of ['cancelled', 'close', 'error']) call.on(name, end);
    if (call.cancelled) this.finish();
  }

  /** The reader has gone, or all has been said. */
  get isOver(): boolean {
    return this.over || this.call.cancelled;
  }

  /** To be done when the call ends, however it does. */
  onEnd(leave: () => void): void {
    if (this.isOver) leave();
    else this.leaving.push(leave);
  }

  /**
   * Resolves when it is taken, or when the reader has gone.
   * @param withinMs Errors: EXHAUSTED where it is not taken in time. 0: however long.
   */
  write(message: Message, withinMs = 0): Promise<void> {
    if (this.isOver) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const late = (): void =>
        reject(new HavipError('EXHAUSTED', `the reader has taken nothing for ${withinMs / 1000} s`));
      const timer = withinMs ? setTimeout(late, withinMs) : undefined;
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.onEnd(done);
      this.call.write(message, () => {
        const at = this.leaving.indexOf(done);
        if (at >= 0) this.leaving.splice(at, 1);
        done();
      });
    });
  }

  end(): void {
    if (!this.isOver) this.call.end();
    this.finish();
  }

  fail(thrown: unknown): void {
    if (!this.isOver) this.call.emit('error', toStatus(thrown));
    this.finish();
  }

  private finish(): void {
    this.over = true;
    for (const leave of this.leaving.splice(0)) leave();
  }
}
