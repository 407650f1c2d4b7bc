// SPDX-License-Identifier: BSD-2-Clause
// Monotonic nanoseconds, which the kernel stamps frames with, as time since 1970.

/** A step of the wall clock that is worth a new offset; below it, the same stamp keeps giving the same time. */
const STEP_NS = 5_000_000n;

export class WallClock {
  private offsetNs = preciseOffsetNs();

  /** @param monotonicNs As of bpf_ktime_get_ns or process.hrtime.bigint. */
  wallNs(monotonicNs: bigint): bigint {
    const driftNs = coarseOffsetNs() - this.offsetNs;
    if (driftNs > STEP_NS || driftNs < -STEP_NS) this.offsetNs = coarseOffsetNs();
    return monotonicNs + this.offsetNs;
  }
}

/** Good to a microsecond, but blind to steps of the clock since the process started. */
function preciseOffsetNs(): bigint {
  const wallUs = Math.round((performance.timeOrigin + performance.now()) * 1000);
  return BigInt(wallUs) * 1000n - process.hrtime.bigint();
}

/** Good to a millisecond. */
function coarseOffsetNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
}
