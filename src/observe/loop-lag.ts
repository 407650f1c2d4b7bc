// SPDX-License-Identifier: BSD-2-Clause
// How long a thread's event loop kept a timer waiting: in the control thread, what a failover would have waited too.
// Node's own monitor measures, in native code; JavaScript looks at it once a second.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DurationHistogram, head } from './exposition.js';

/** Of the monitor's timer: whatever holds the loop for longer is seen. A wake-up each time, 50 a second. */
const RESOLUTION_MS = 20;
const RESOLUTION_NS = RESOLUTION_MS * 1_000_000;

/** Of the thread that makes it. */
export class LoopLagMeter {
  private readonly monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  start(): void {
    this.monitor.enable();
  }

  stop(): void {
    this.monitor.disable();
  }

  /** The longest wait since the last call. Unit: ns. */
  takeMaxNs(): number {
    const { count, max } = this.monitor;
    this.monitor.reset();
    // The monitor tells the distance of two ticks, which is the resolution where nothing waits.
    return count === 0 ? 0 : Math.max(0, max - RESOLUTION_NS);
  }
}

const THREADS = ['control', 'worker'] as const;
export type Thread = (typeof THREADS)[number];

const NAME = 'havip_event_loop_lag_seconds';
const HELP =
  'The longest wait of the event loop in each second; that of the control thread delays loader-mode moves.';
const LAG_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** One observation a second and thread, so that a scrape misses none. */
export class LoopLagSeries {
  private readonly threads = THREADS.map((thread) => ({ thread, lag: new DurationHistogram(LAG_SECONDS) }));

  observe(thread: Thread, maxNs: number): void {
    this.threads.find((one) => one.thread === thread)?.lag.observe(BigInt(Math.round(maxNs)));
  }

  text(): string {
    const samples = this.threads.map(({ thread, lag }) => lag.samples(NAME, { thread }));
    return head(NAME, 'histogram', HELP) + samples.join('');
  }
}
