// SPDX-License-Identifier: BSD-2-Clause
// The move budget of one HAVIP: at most so many moves in any window. Pure: the clock is handed in.

export interface Damping {
  readonly moves: number;
  readonly windowMs: number;
}

const NS_PER_MS = 1_000_000n;

/** The largest budget; a smaller one may be raised while it runs, and what was spent counts then too. */
const MOVES_MAX = 16;

/** Times of the last moves, monotonic ns, oldest first. */
export class MoveBudget {
  private readonly spentNs: bigint[] = [];

  /** When the next move is allowed; `nowNs` or earlier means at once. */
  opensNs(damping: Damping): bigint {
    if (this.spentNs.length < damping.moves) return 0n;
    const oldest = this.spentNs[this.spentNs.length - damping.moves] ?? 0n;
    return oldest + BigInt(damping.windowMs) * NS_PER_MS;
  }

  allows(damping: Damping, nowNs: bigint): boolean {
    return this.opensNs(damping) <= nowNs;
  }

  /** What the programs have spent, oldest first. */
  static of(spentNs: readonly bigint[]): MoveBudget {
    const budget = new MoveBudget();
    budget.spentNs.push(...spentNs);
    return budget;
  }

  spend(nowNs: bigint): void {
    this.spentNs.push(nowNs);
    if (this.spentNs.length > MOVES_MAX) this.spentNs.shift();
  }
}
