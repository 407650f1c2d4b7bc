// SPDX-License-Identifier: BSD-2-Clause
// The text of /metrics: absolute counters of the pinned maps, so that a restart of the daemon resets nothing, and
// a few that the worker keeps itself.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Dossier } from '../holders/dossier.js';
import { LIMITS, type Losses } from '../kernel/layout.gen.js';
import type { HavipRow } from '../kernel/reader.js';
import type { HistoryHealth } from '../history/writer.js';
import { AlarmSeries, type AlarmStates } from './alarm-series.js';
import { DurationHistogram, head, labels, sample, single } from './exposition.js';
import { HavipSeries, HolderMemory, LabelCache } from './havip-series.js';
import { LoopLagMeter, LoopLagSeries } from './loop-lag.js';
import { MapFill, type FillingMap } from './map-fill.js';
import type { AbsentRecord, ConfigRecord, EventRecord, PortRecord } from './messages.js';
import { Outages } from './outages.js';
import { hostSeries, portSeries } from './port-series.js';
import { ProcessSeries } from './process-series.js';

/** Where the numbers come from. Counters are absolute, as the maps have them. */
export interface MetricsView {
  rows(): Iterable<HavipRow>;
  readonly ports: readonly PortRecord[];
  readonly absent: readonly AbsentRecord[];
  portCounters(slot: number): readonly bigint[];
  claimCounters(slot: number): readonly bigint[];
  losses(): Losses;
  /** null: not told yet. */
  readonly config: ConfigRecord | null;
  readonly alarms: AlarmStates;
  readonly audit: { readonly audited: number; readonly mismatches: number };
  readonly fillingMaps: readonly FillingMap[];
  /** Heard of whenever they change, last when they are complete. */
  readonly moves: { subscribe(listener: (dossier: Dossier) => void): void };
  readonly historyHealth: HistoryHealth;
}

/** 1, 2.5 and 5 of each decade from a microsecond to a second. */
const REPOINT_SECONDS = [
  1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1,
  0.25, 0.5, 1,
];
const REPOINT_HELP = "From the announcement's arrival at the hook until the new binding was in the map.";
/** Rows between two turns of the worker's loop, a few milliseconds apart. */
const ROWS_A_TURN = 2048;

export class Metrics {
  private readonly repoint = new DurationHistogram(REPOINT_SECONDS);
  private readonly outages = new Outages();
  private readonly alarms = new AlarmSeries();
  private readonly lag = new LoopLagSeries();
  private readonly lagHere = new LoopLagMeter();
  private readonly fill: MapFill;
  private readonly memory = new HolderMemory();
  private readonly labelCache = new LabelCache();
  private readonly process = new ProcessSeries();
  private readonly build: string;

  constructor(
    private readonly view: MetricsView,
    version: string,
  ) {
    this.build = labels({ version, abi: String(LIMITS.ABI_VERSION), node: process.version });
    this.fill = new MapFill(view.fillingMaps);
    view.moves.subscribe((dossier) => this.outages.observe(dossier));
    this.lagHere.start();
  }

  observe(events: readonly EventRecord[]): void {
    for (const event of events) {
      if (event.repointNs !== null) this.repoint.observe(event.repointNs);
      this.alarms.observe(event.kind);
      this.memory.observe(event);
    }
  }

  /** @param controlNs The longest wait of the control thread's loop in the last second; this thread's goes with it. */
  observeLag(controlNs: number): void {
    this.lag.observe('control', controlNs);
    this.lag.observe('worker', this.lagHere.takeMaxNs());
  }

  /** The whole page, a piece at a time; other work of the worker goes on between them. */
  async *pieces(): AsyncGenerator<string> {
    yield* this.ownPieces();
    yield await this.process.text();
  }

  /** Everything but the process metrics, for tests. */
  async text(): Promise<string> {
    let text = '';
    for await (const piece of this.ownPieces()) text += piece;
    return text;
  }

  private async *ownPieces(): AsyncGenerator<string> {
    const { view, alarms, labelCache } = this;
    yield this.daemonText();
    yield await this.fill.text();
    yield hostSeries(view.ports, view.absent);
    yield* portSeries(this.portCounts());
    yield* await this.havipPieces();
    // After the rows, which tell what their indices are called.
    yield alarms.activeText(view.alarms, (havip) => labelCache.at(havip));
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

  private daemonText(): string {
    return [
      head('havip_build_info', 'gauge', 'What is running; always 1.') +
        sample('havip_build_info', this.build, 1),
      this.configText(),
      this.lossesText(),
      this.auditText(),
      this.alarms.text(this.view.alarms),
      historyText(this.view.historyHealth),
      this.repoint.text('havip_repoint_seconds', REPOINT_HELP),
      this.outages.text(),
      this.lag.text(),
    ].join('');
  }

  private configText(): string {
    const { stale = false, loadedWallNs = 0n } = this.view.config ?? {};
    const staleHelp = 'The last configuration was bad: an older one serves.';
    const loadedHelp = 'When the configuration that serves came into force.';
    return [
      single('havip_config_stale', 'gauge', staleHelp, +stale),
      single(
        'havip_config_loaded_timestamp_seconds',
        'gauge',
        loadedHelp,
        Number(loadedWallNs / 1_000_000n) / 1000,
      ),
    ].join('');
  }

  private lossesText(): string {
    const { ringFull, claimsFull } = this.view.losses();
    const ringHelp = 'Doorbells lost to a full ring; reconciled from the maps.';
    const claimsHelp = 'Claims that found no room in their map.';
    return [
      single('havip_events_lost_total', 'counter', ringHelp, ringFull),
      single('havip_claims_unrecorded_total', 'counter', claimsHelp, claimsFull),
    ].join('');
  }

  private auditText(): string {
    const { audited, mismatches } = this.view.audit;
    const auditedHelp = 'Decisions of the BPF programs that the model has judged.';
    const mismatchHelp =
      'Decisions that the model would have made otherwise: a defect, please report it with the log.';
    return [
      single('havip_model_audited_total', 'counter', auditedHelp, audited),
      single('havip_model_mismatch_total', 'counter', mismatchHelp, mismatches),
    ].join('');
  }
}

function historyText({ failure, lost }: HistoryHealth): string {
  return [
    single('havip_history_writable', 'gauge', 'Whether the history is kept on disk.', +(failure === null)),
    single('havip_history_lost_total', 'counter', 'Records of the history that are in no file.', lost),
  ].join('');
}
