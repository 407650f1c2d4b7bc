// SPDX-License-Identifier: BSD-2-Clause
// How long a thread's event loop kept a timer waiting: in the control thread, what a failover would have waited too.
import { DurationHistogram, head } from './exposition.js';

/**
 * Between two looks. A loop that is held for 50 ms is caught by one of five looks, which is what a failover at any
 * moment would have met; finer looks are wake-ups: every 20 ms, those of two threads took 1 % of a core.
 */
const LOOK_MS = 250;

/**
 * Of the thread that makes it. Not monitorEventLoopDelay: what holds the loop between a reset and the tick after it,
 * that never sees.
 */
export class LoopLagMeter {
  private timer: NodeJS.Timeout | null = null;
  private dueMs = 0;
  private maxMs = 0;

  start(): void {
    this.dueMs = performance.now() + LOOK_MS;
    this.timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
  }

  /** The longest wait since the last call. Unit: ns. */
  takeMaxNs(): number {
    const { maxMs } = this;
    this.maxMs = 0;
    return maxMs * 1e6;
  }

  private look(): void {
    const nowMs = performance.now();
    this.maxMs = Math.max(this.maxMs, nowMs - this.dueMs);
    this.dueMs = nowMs + LOOK_MS;
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
