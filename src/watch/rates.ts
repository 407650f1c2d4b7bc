// SPDX-License-Identifier: BSD-2-Clause
// Packets a second from two looks at a counter. Pure: the time is handed in.

interface Sample {
  readonly packets: bigint;
  readonly atMs: number;
}

export class Rates {
  private before = new Map<string, Sample>();
  private now = new Map<string, Sample>();

  /** Begins a look. What the one before did not see is forgotten, so that removed HAVIPs leave nothing behind. */
  begin(): void {
    this.before = this.now;
    this.now = new Map();
  }

  /**
   * @param atMs Monotonic.
   * @returns Packets a second; null on the first sight, or when the counter began anew.
   */
  measure(key: string, packets: bigint, atMs: number): number | null {
    this.now.set(key, { packets, atMs });
    const before = this.before.get(key);
    if (before === undefined || before.packets > packets || atMs <= before.atMs) return null;
    return (Number(packets - before.packets) * 1000) / (atMs - before.atMs);
  }
}
