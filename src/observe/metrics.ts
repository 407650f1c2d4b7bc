// SPDX-License-Identifier: BSD-2-Clause
// The text of /metrics: absolute counters of the pinned maps, so that a restart of the daemon resets nothing, and
// a few that the worker keeps itself.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { LIMITS, type Losses } from '../kernel/layout.gen.js';
import type { HavipRow } from '../kernel/reader.js';
import { DurationHistogram, head, labels, sample, single } from './exposition.js';
import { HavipSeries, HolderMemory, LabelCache } from './havip-series.js';
import type { EventKind, EventRecord, PortRecord } from './messages.js';
import { portSeries } from './port-series.js';

/** Where the numbers come from. Counters are absolute, as the maps have them. */
export interface MetricsView {
  rows(): Iterable<HavipRow>;
  readonly ports: readonly PortRecord[];
  portCounters(slot: number): readonly bigint[];
  claimCounters(slot: number): readonly bigint[];
  losses(): Losses;
  readonly configStale: boolean;
  /** HAVIPs in a state of alarm now. */
  readonly alarms: { readonly flapping: number; readonly split: number };
  readonly audit: { readonly audited: number; readonly mismatches: number };
}

/** 1, 2.5 and 5 of each decade from a microsecond to a second. */
const REPOINT_SECONDS = [
  1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1,
  0.25, 0.5, 1,
];
const REPOINT_HELP = "From the announcement's arrival at the hook until the new binding was in the map.";
const ALARMS: readonly EventKind[] = ['flap', 'split-brain', 'dual-active', 'disagreement'];
/** Rows between two turns of the worker's loop, a few milliseconds apart. */
const ROWS_A_TURN = 2048;

export class Metrics {
  private readonly repoint = new DurationHistogram(REPOINT_SECONDS);
  private readonly alarms = new Map<EventKind, number>(ALARMS.map((kind) => [kind, 0]));
  private readonly memory = new HolderMemory();
  private readonly labelCache = new LabelCache();
  private readonly registry = new Registry();
  private readonly build: string;

  constructor(
    private readonly view: MetricsView,
    version: string,
  ) {
    collectDefaultMetrics({ register: this.registry, prefix: 'havip_' });
    this.build = labels({ version, abi: String(LIMITS.ABI_VERSION), node: process.version });
  }

  observe(events: readonly EventRecord[]): void {
    for (const event of events) {
      if (event.repointNs !== null) this.repoint.observe(event.repointNs);
      const raised = this.alarms.get(event.kind);
      if (raised !== undefined) this.alarms.set(event.kind, raised + 1);
      this.memory.observe(event);
    }
  }

  /** The whole page, a piece at a time; other work of the worker goes on between them. */
  async *pieces(): AsyncGenerator<string> {
    yield this.daemonText();
    yield* portSeries(this.portCounts());
    yield* await this.havipPieces();
    yield await this.registry.metrics();
  }

  /** Everything but the process metrics, for tests. */
  async text(): Promise<string> {
    return [this.daemonText(), ...portSeries(this.portCounts()), ...(await this.havipPieces())].join('');
  }

  private async havipPieces(): Promise<string[]> {
    const series = new HavipSeries(this.memory, this.labelCache);
    let rows: HavipRow[] = [];
    for (const row of this.view.rows()) {
      if (rows.push(row) < ROWS_A_TURN) continue;
      series.add(rows);
      rows = [];
      await nextTurn();
    }
    series.add(rows);
    return series.pieces();
  }

  private portCounts() {
    const { view } = this;
    return view.ports.map((port) => ({
      port,
      frames: view.portCounters(port.slot),
      claims: view.claimCounters(port.slot),
    }));
  }

  private alarmText(): string {
    const { flapping, split } = this.view.alarms;
    return [
      single('havip_flapping', 'gauge', 'HAVIPs whose move budget is spent.', flapping),
      single('havip_split_brain', 'gauge', 'HAVIPs for which two guests speak.', split),
      head('havip_alarms_total', 'counter', "Alarms raised since the daemon's start."),
      ...[...this.alarms].map(([kind, count]) => sample('havip_alarms_total', labels({ kind }), count)),
    ].join('');
  }

  private daemonText(): string {
    const { ringFull, claimsFull } = this.view.losses();
    const { audited, mismatches } = this.view.audit;
    return [
      head('havip_build_info', 'gauge', 'What is running; always 1.') +
        sample('havip_build_info', this.build, 1),
      single(
        'havip_config_stale',
        'gauge',
        'The last configuration was bad: an older one serves.',
        +this.view.configStale,
      ),
      single(
        'havip_events_lost_total',
        'counter',
        'Doorbells lost to a full ring; reconciled from the maps.',
        ringFull,
      ),
      single(
        'havip_claims_unrecorded_total',
        'counter',
        'Claims that found no room in their map.',
        claimsFull,
      ),
      single(
        'havip_model_audited_total',
        'counter',
        'Decisions of the BPF programs that the model has judged.',
        audited,
      ),
      single(
        'havip_model_mismatch_total',
        'counter',
        'Those that it would have made otherwise: a defect, please report it with the log.',
        mismatches,
      ),
      this.alarmText(),
      this.repoint.text('havip_repoint_seconds', REPOINT_HELP),
    ].join('');
  }
}
