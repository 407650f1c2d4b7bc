// SPDX-License-Identifier: BSD-2-Clause
// What the cost suites and their helper process say to each other.

export interface CostRun {
  /** Device of the hypervisor that the frame comes in by. */
  readonly port: string;
  /** Hexadecimal, at least 60 bytes. */
  readonly frame: string;
  /** Each run finds the frame as it is here, and the comparisons pay for that too; above 0: IPv4, to one of so many
   * addresses from the frame's on, at random. undefined: what a run leaves is what the next one finds. */
  readonly spread?: number;
}

/** empty: returns at once. bare: a redirect without a look-up. own: what the daemon has attached there. */
export interface Programs<T> {
  readonly empty: T;
  readonly bare: T;
  readonly own: T;
}

export interface ProgramCounts {
  readonly name: string;
  readonly verifiedInstructions: number;
  readonly xlatedBytes: number;
  readonly jitedBytes: number;
}

/** Devices of the hypervisor that carry nothing but the XDP program of that name. */
export const SPARE_DEVICES = ['empty', 'bare', 'anew'] as const;
