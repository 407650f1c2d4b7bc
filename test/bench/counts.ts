// SPDX-License-Identifier: BSD-2-Clause
// How much code the fast path is, as the kernel counts it: what a change of it costs before any clock is asked.
import { compiler, kernelAndCpu } from '../../src/bench/machine.js';
import { FastPath } from '../../src/kernel/fast-path.js';
import { RING_NAME, sizeMaps } from '../../src/kernel/maps.js';
import { closeFd, programInfo } from '../../src/native/index.js';
import type { Circumstances } from './recorded.js';

export interface ProgramCounts {
  /** Instructions that the verifier walked, over all branches. */
  readonly verified: number;
  /** Instructions of the program as it left them. */
  readonly instructions: number;
  /** Bytes of machine code. */
  readonly machineBytes: number;
}

export interface Counts extends Circumstances {
  readonly programs: Readonly<Record<string, ProgramCounts>>;
}

/** The sizes of maps become constants in the machine code, so they are always these. */
const CAPACITY = { havips: 8, ports: 16 };
const RING_BYTES = 4096;

export function countPrograms(): Counts {
  const object = new FastPath();
  try {
    sizeMaps(object, CAPACITY);
    object.setMaxEntries(RING_NAME, RING_BYTES);
    object.load();
    const programs = object.programs().sort();
    return {
      ...kernelAndCpu(),
      clang: compiler(),
      programs: Object.fromEntries(programs.map((name) => [name, countsOf(object.programFd(name))])),
    };
  } finally {
    object.close();
  }
}

function countsOf(fd: number): ProgramCounts {
  const { verifiedInstructions, xlatedBytes, jitedBytes } = programInfo(fd);
  closeFd(fd);
  return { verified: verifiedInstructions, instructions: xlatedBytes / 8, machineBytes: jitedBytes };
}
