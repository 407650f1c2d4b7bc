// SPDX-License-Identifier: BSD-2-Clause
// What one client, or all of them together, may take of the worker. Beyond a limit a call ends with
// RESOURCE_EXHAUSTED, or a connection is refused; what others have goes on.
import type { ChannelOptions } from '@grpc/grpc-js';
import { HavipError } from '../errors.js';

/** Connections at once: 1,000 idle ones and as many again. Each costs some 50 KB. */
const MAX_CONNECTIONS = 2048;
/** Followers and watchers at once, over all connections: the whole queue of each is bounded too. */
const MAX_STREAMS = 1024;
/** Long lists that are read at once: each holds the counters of every HAVIP, 20 MB of 100,000. */
const MAX_WALKS = 8;
/** For one message to be taken, while a list is read: whoever stands still gives its turn to another. */
export const PAGE_MS = 10_000;
/** Rows a message: about 200 KB, far below grpc-js's limit of 4 MB. */
export const PAGE_ROWS = 1000;

const SERVER_OPTIONS: ChannelOptions = {
  // The longest request names 4,096 ports: 70 KB. A longer one is refused by its head, before its body is kept.
  'grpc.max_receive_message_length': 256 * 1024,
  'grpc.max_send_message_length': 4 * 1024 * 1024,
  // On one connection; a client that follows, watches and asks needs three.
  'grpc.max_concurrent_streams': 100,
  // Whoever has called nothing for as long is sent away; a client's next call connects again.
  'grpc.max_connection_idle_ms': 10 * 60_000,
  // A peer is asked now and then, and let go where it does not answer: a process that was stopped, and one that broke
  // the protocol, after which HTTP/2 reads nothing more and would not hear that it has hung up either.
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  // What HTTP/2 may keep for one connection: headers and frames that wait. Unit: MB.
  'grpc-node.max_session_memory': 4,
  // Statistics for a service that is not offered.
  'grpc.enable_channelz': 0,
};

export interface Limits {
  readonly connections: number;
  readonly options: ChannelOptions;
}

export const LIMITS: Limits = { connections: MAX_CONNECTIONS, options: SERVER_OPTIONS };

/** So many at once; the others are refused, or wait their turn. */
export class Gate {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly room: number,
    private readonly what: string,
  ) {}

  /** @returns Leaves; harmless twice. Errors: EXHAUSTED. */
  enter(): () => void {
    if (this.inside >= this.room) {
      const message = `${this.room} ${this.what} are open already`;
      throw new HavipError('EXHAUSTED', message, { cure: 'close some, or try again later' });
    }
    return this.take();
  }

  /** In the order of coming. @returns Leaves. */
  async queue(): Promise<() => void> {
    if (this.inside >= this.room) await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.take();
  }

  private take(): () => void {
    this.inside++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.inside--;
      this.waiting.shift()?.();
    };
  }
}

export interface Gates {
  readonly streams: Gate;
  readonly walks: Gate;
}

export const newGates = (): Gates => ({
  streams: new Gate(MAX_STREAMS, 'followers and watchers'),
  walks: new Gate(MAX_WALKS, 'lists'),
});
