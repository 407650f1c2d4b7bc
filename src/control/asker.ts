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
}

const SLICE = 64;
const SLICE_EVERY_MS = 5;

export class Asker {
  private readonly queue: HavipRecord[] = [];
  private readonly sockets = new Map<number, PacketSocket>();
  private readonly failed = new Set<string>();
  private timer: NodeJS.Timeout | null = null;
  /** Questions that were sent. */
  asked = 0;

  constructor(private readonly options: AskerOptions) {}

  ask(havips: readonly HavipRecord[]): void {
    for (const havip of havips) this.queue.push(havip);
    if (!this.timer) this.sendSlice();
  }

  close(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.queue.length = 0;
    for (const socket of this.sockets.values()) socket.close();
    this.sockets.clear();
  }

  private sendSlice(): void {
    this.timer = null;
    for (const havip of this.queue.splice(0, SLICE)) this.send(havip);
    if (this.queue.length) this.timer = setTimeout(() => this.sendSlice(), SLICE_EVERY_MS);
  }

  private send({ config, subnet }: HavipRecord): void {
    const name = subnet.config.bridge;
    const bridge = this.options.bridge(name);
    if (!bridge) return;
    try {
      this.socket(bridge.ifindex).send(
        question(config.address, { mac: bridge.mac, vlan: subnet.config.vlan }),
      );
      this.asked++;
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
