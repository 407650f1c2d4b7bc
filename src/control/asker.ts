// SPDX-License-Identifier: BSD-2-Clause
// Puts questions onto the bridges, a few at a time: a hundred thousand HAVIPs asked for at once would be a storm of
// our own making.
import { PacketSocket } from '../native/index.js';
import type { Link } from '../net/links.js';
import { question } from '../net/questions.js';
import type { HavipRecord } from './definitions.js';

export interface AskerOptions {
  /** undefined: it is not here. */
  readonly bridge: (name: string) => Link | undefined;
  /** @param error Why a bridge takes no question; told once until it takes one again. */
  readonly onFailure: (bridge: string, error: Error) => void;
  /** undefined: when its turn has come it is not worth asking any more. */
  readonly wanted: (havip: number) => HavipRecord | undefined;
}

/** A tenth of the time at most: on a bridge with a thousand ports one question takes a millisecond to flood. */
const SLICE_MS = 1;
const SLICE_EVERY_MS = 10;

export class Asker {
  /** In the order of their turns; what waits is not asked for twice. */
  private readonly queue = new Set<number>();
  private readonly sockets = new Map<number, PacketSocket>();
  private readonly failed = new Set<string>();
  private timer: NodeJS.Timeout | null = null;
  constructor(private readonly options: AskerOptions) {}

  ask(havips: readonly number[]): void {
    for (const havip of havips) this.queue.add(havip);
    if (this.queue.size && !this.timer) this.sendSlice();
  }

  close(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.queue.clear();
    for (const socket of this.sockets.values()) socket.close();
    this.sockets.clear();
  }

  private sendSlice(): void {
    this.timer = null;
    const endMs = performance.now() + SLICE_MS;
    for (const id of this.queue) {
      this.queue.delete(id);
      const havip = this.options.wanted(id);
      if (havip) this.send(havip);
      if (performance.now() > endMs) break;
    }
    if (this.queue.size) this.timer = setTimeout(() => this.sendSlice(), SLICE_EVERY_MS);
  }

  private send({ config, subnet }: HavipRecord): void {
    const name = subnet.config.bridge;
    const bridge = this.options.bridge(name);
    if (!bridge) return;
    try {
      this.socket(bridge.ifindex).send(
        question(config.address, { mac: bridge.mac, vlan: subnet.config.vlan }),
      );
      this.failed.delete(name);
    } catch (error) {
      // Down, or just gone: it is asked again when it is back.
      this.sockets.get(bridge.ifindex)?.close();
      this.sockets.delete(bridge.ifindex);
      if (this.failed.has(name)) return;
      this.failed.add(name);
      this.options.onFailure(name, error as Error);
    }
  }

  private socket(ifindex: number): PacketSocket {
    const known = this.sockets.get(ifindex);
    if (known) return known;
    const socket = new PacketSocket(ifindex, 0, null);
    socket.unref();
    this.sockets.set(ifindex, socket);
    return socket;
  }
}
