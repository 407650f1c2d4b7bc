// SPDX-License-Identifier: BSD-2-Clause
// The families that every Prometheus client has, under their standard names: CPU time, memory, descriptors, start.
import { collectDefaultMetrics, Registry } from 'prom-client';

/** prom-client always runs a monitor of this thread's loop. Ours is finer (loop-lag.ts): this one shall not wake us. */
const UNUSED_MONITOR_MS = 60_000;

/** Families about the process. What begins with `nodejs_` would be about the worker alone, without saying so. */
export class ProcessSeries {
  private readonly registry = new Registry();

  constructor() {
    const registry = this.registry;
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: UNUSED_MONITOR_MS });
    for (const { name } of registry.getMetricsAsArray())
      if (!name.startsWith('process_')) registry.removeSingleMetric(name);
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}
