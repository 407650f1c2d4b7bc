// SPDX-License-Identifier: BSD-2-Clause
// What the cost suites, their helper processes and cost.bpf.c say to each other.
import type { Layout } from '../kernel/layout.gen.js';

/** struct head of cost.bpf.c: the first bytes of a frame. */
export const HEAD_BYTES = 60;

export interface Head {
  readonly bytes: Buffer;
  /** 0: the frame as it is; else IPv4, to one of so many addresses from its own on, at random. */
  readonly spread: number;
}

export const HeadLayout: Layout<Head> = {
  size: HEAD_BYTES + 4,
  decode: (from) => ({ bytes: from.subarray(0, HEAD_BYTES), spread: from.readUInt32LE(HEAD_BYTES) }),
  encode: ({ bytes, spread }) => {
    const to = Buffer.alloc(HEAD_BYTES + 4);
    bytes.copy(to);
    to.writeUInt32LE(spread, HEAD_BYTES);
    return to;
  },
};

export interface CostRun {
  /** Device of the hypervisor that the frame comes in by. */
  readonly port: string;
  /** Hexadecimal, at least 60 bytes. */
  readonly frame: string;
  /** Of a Head: each run finds it anew, and the comparisons pay for that too. undefined: what a run leaves is what the
   * next one finds. */
  readonly spread?: number;
}

/** empty: returns at once. bare: a redirect without a look-up. own: what the daemon has attached there. */
export interface Programs<T> {
  readonly empty: T;
  readonly bare: T;
  readonly own: T;
}

/** least: a redirect that touches one line of memory, another for each address; XDP alone, and where there is a spread. */
export type CostProgram = keyof Programs<unknown> | 'least';

export interface ProgramCounts {
  readonly name: string;
  readonly verifiedInstructions: number;
  readonly xlatedBytes: number;
  readonly jitedBytes: number;
}

/** Devices of the hypervisor that carry nothing but the XDP program of that name. */
export const SPARE_DEVICES = ['empty', 'bare', 'least', 'anew'] as const;
