// SPDX-License-Identifier: BSD-2-Clause
// One watcher of the ports: what differs from what it was told last. A slow one skips what came between.
import { isDeepStrictEqual } from 'node:util';
import type { PortRecord } from '../observe/messages.js';
import type { PortNews, PortQuery } from './types.js';

export const portMatches = ({ name, bridge }: PortQuery, port: PortRecord): boolean =>
  port.name === (name ?? port.name) && port.bridge === (bridge ?? port.bridge);

export class PortWatch {
  private told = new Map<number, PortRecord>();
  private isFirst = true;
  private wake: (() => void) | null = null;
  private dirty = true;

  constructor(private readonly query: PortQuery) {}

  /** Neither throws nor waits. */
  changed(): void {
    this.dirty = true;
    this.wake?.();
  }

  /** Ends the waiting for news. */
  stop(): void {
    this.wake?.();
  }

  /** @returns null: nothing that was asked for has changed. The first is the snapshot: 4,096 ports are 400 KB. */
  news(all: readonly PortRecord[]): PortNews | null {
    this.dirty = false;
    const now = new Map(all.filter((port) => portMatches(this.query, port)).map((port) => [port.slot, port]));
    const ports = [...now.values()].filter((port) => !isDeepStrictEqual(this.told.get(port.slot), port));
    const gone = [...this.told.keys()].filter((slot) => !now.has(slot));
    this.told = now;
    const snapshotOver = this.isFirst;
    this.isFirst = false;
    return snapshotOver || ports.length || gone.length ? { ports, gone, snapshotOver } : null;
  }

  /** Resolves when something may have changed. */
  async wait(): Promise<void> {
    if (this.dirty) return;
    await new Promise<void>((resolve) => (this.wake = resolve));
    this.wake = null;
  }
}
