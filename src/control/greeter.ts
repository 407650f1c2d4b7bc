// SPDX-License-Identifier: BSD-2-Clause
// Announces the EIPs on the gateways that answer for them, twice (RFC 5227 section 2.3), a few at a time: the router
// outside may still believe in another host.
import { PacketSocket } from '../native/index.js';
import { announcement } from '../net/questions.js';

/** What is needed to know of a gateway. */
export interface GreetingPort {
  readonly ifindex: number;
  readonly name: string;
  readonly mac: string;
}

const ROUNDS = 2;
const ROUND_EVERY_MS = 2000;
const SLICE = 50;
const SLICE_EVERY_MS = 10;

interface Turn {
  readonly port: GreetingPort;
  readonly address: string;
}

export class Greeter {
  /** Addresses that were announced, by device and MAC. */
  private greeted = new Map<string, Set<string>>();
  private readonly queue: Turn[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(private readonly onFailure: (port: string, error: Error) => void) {}

  /** @param ports Those that are up. What one of them has not announced since it came up, or came to be, it does. */
  keep(ports: readonly GreetingPort[], addresses: readonly string[]): void {
    const now = new Map<string, Set<string>>();
    for (const port of ports) {
      const name = `${port.ifindex} ${port.mac}`;
      const before = this.greeted.get(name);
      now.set(name, new Set(addresses));
      const fresh = addresses.filter((address) => !before?.has(address));
      for (let round = 0; round < ROUNDS; round++) this.later(round * ROUND_EVERY_MS, port, fresh);
    }
    this.greeted = now;
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.queue.length = 0;
  }

  private later(afterMs: number, port: GreetingPort, addresses: readonly string[]): void {
    if (addresses.length === 0) return;
    this.after(afterMs, () => {
      const idle = this.queue.length === 0;
      for (const address of addresses) this.queue.push({ port, address });
      if (idle) this.sendSlice();
    });
  }

  private sendSlice(): void {
    const sockets = new Map<number, PacketSocket>();
    for (const { port, address } of this.queue.splice(0, SLICE)) {
      try {
        const socket = sockets.get(port.ifindex) ?? new PacketSocket(port.ifindex, 0, null);
        sockets.set(port.ifindex, socket);
        socket.send(announcement(address, port.mac));
      } catch (error) {
        // Down, or just gone: it is greeted anew when it is back.
        this.greeted.delete(`${port.ifindex} ${port.mac}`);
        this.onFailure(port.name, error as Error);
        this.queue.length = 0;
      }
    }
    for (const socket of sockets.values()) socket.close();
    if (this.queue.length) this.after(SLICE_EVERY_MS, () => this.sendSlice());
  }

  private after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, ms);
    timer.unref();
    this.timers.add(timer);
  }
}
