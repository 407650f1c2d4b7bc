// SPDX-License-Identifier: BSD-2-Clause
// What the worker knows: the pinned maps, and what the control thread told it. The API and the metrics read here.
import type {
  ApiSource,
  DaemonStatus,
  DossierQuery,
  HavipQuery,
  HavipState,
  HavipStatus,
  StatusHolder,
} from '../api/types.js';
import { HavipError } from '../errors.js';
import type { HistoryHealth } from '../history/writer.js';
import type { Dossier } from '../holders/dossier.js';
import { LIMITS, type Losses } from '../kernel/layout.gen.js';
import type { Tables } from '../kernel/maps.js';
import {
  eachHavip,
  openPinnedTables,
  readClaimCounters,
  readHavip,
  readLosses,
  readPortCounters,
  type HavipHolder,
  type HavipRow,
} from '../kernel/reader.js';
import { canonicalAddress } from '../net/addresses.js';
import { WallClock } from './clock.js';
import { DossierMemory } from './dossiers.js';
import { History } from './history.js';
import { FILLING_MAPS, type FillingMap } from './map-fill.js';
import type { AbsentRecord, ConfigRecord, PortRecord, WorkerOptions } from './messages.js';
import type { MetricsView } from './metrics.js';
import { MoveWatch } from './move-watch.js';

export class Source implements ApiSource, MetricsView {
  readonly history = new History();
  readonly moves = new DossierMemory();
  ports: readonly PortRecord[] = [];
  absent: readonly AbsentRecord[] = [];
  config: ConfigRecord | null = null;
  audit = { audited: 0, mismatches: 0 };
  metricsAddress: string | null = null;
  webAddress: string | null = null;
  /** Whoever keeps the history on disk. */
  keeper: { readonly health: HistoryHealth };
  private flapping: ReadonlySet<number> = new Set();
  private split: ReadonlySet<number> = new Set();
  readonly watch: MoveWatch;
  private readonly clock = new WallClock();
  private readonly startedNs = process.hrtime.bigint() - BigInt(Math.round(process.uptime() * 1e9));

  /**
   * @param askReload Has the control thread reload.
   * Errors: as openPinnedTables.
   */
  constructor(
    private readonly options: WorkerOptions,
    private readonly askReload: () => Promise<readonly string[]>,
    private readonly tables: Tables = openPinnedTables(options.pinPath),
  ) {
    this.watch = new MoveWatch(tables, this.moves);
    this.keeper = { health: { path: options.statePath, failure: null, lost: 0 } };
  }

  get historyHealth(): HistoryHealth {
    return this.keeper.health;
  }

  get startedWallNs(): bigint {
    return this.clock.wallNs(this.startedNs);
  }

  rows(): Iterable<HavipRow> {
    return eachHavip(this.tables);
  }

  portCounters(slot: number): readonly bigint[] {
    return readPortCounters(this.tables, slot);
  }

  claimCounters(slot: number): readonly bigint[] {
    return readClaimCounters(this.tables, slot);
  }

  losses(): Losses {
    return readLosses(this.tables);
  }

  get fillingMaps(): readonly FillingMap[] {
    const { tables } = this;
    return FILLING_MAPS.map((name) => ({
      name,
      limit: tables[name].maxEntries,
      batchSizes: () => tables[name].batchSizes(),
    }));
  }

  setFlapping(havips: readonly number[]): void {
    this.flapping = new Set(havips);
  }

  setSplit(havips: readonly number[]): void {
    this.split = new Set(havips);
  }

  get alarms(): MetricsView['alarms'] {
    return { flapping: this.flapping, split: this.split };
  }

  /** Errors: USAGE for an address that is none. */
  *listHavips(query: HavipQuery): Generator<HavipStatus> {
    for (const row of this.select(query)) yield this.toStatus(row);
  }

  private select({ address, ...filter }: HavipQuery): Iterable<HavipRow> {
    if (address === undefined) return matching(this.rows(), filter);
    const canonical = canonicalAddress(address);
    if (canonical === null) throw new HavipError('USAGE', `not an IP address: ${JSON.stringify(address)}`);
    return readHavip(this.tables, canonical, filter);
  }

  private toStatus(row: HavipRow): HavipStatus {
    return {
      network: row.network,
      subnet: row.subnet,
      address: row.address,
      state: this.stateOf(row),
      holder: row.holder && this.toHolder(row, row.holder),
      moves: row.moves,
      packets: row.packets,
      bytes: row.bytes,
      savedPackets: row.saved,
      unheldPackets: row.unheld,
    };
  }

  private toHolder({ sinceNs, by }: HavipRow, { port, mac, kind }: HavipHolder): StatusHolder {
    const location = kind === 'uplink' ? 'uplink' : 'local';
    return { port, mac, location, sinceNs, sinceWallNs: this.clock.wallNs(sinceNs), by };
  }

  private stateOf(row: HavipRow): HavipState {
    if (this.split.has(row.havip)) return 'split-brain';
    if (this.flapping.has(row.havip)) return 'flapping';
    return row.holder ? 'held' : 'unheld';
  }

  daemon(): DaemonStatus {
    const { options, tables, ports, absent, config, metricsAddress, webAddress } = this;
    return {
      pid: process.pid,
      version: options.version,
      startedWallNs: this.startedWallNs,
      abi: LIMITS.ABI_VERSION,
      pinPath: options.pinPath,
      metricsAddress,
      webAddress,
      ports,
      absent,
      config,
      history: this.historyHealth,
      capacity: { havips: tables.havips.maxEntries, ports: tables.targets.maxEntries },
    };
  }

  dossiers(query: DossierQuery): readonly Dossier[] {
    return this.moves.find(query);
  }

  reload(): Promise<readonly string[]> {
    return this.askReload();
  }
}

function* matching(rows: Iterable<HavipRow>, { network, subnet }: HavipQuery): Generator<HavipRow> {
  for (const row of rows) {
    if (row.network === (network ?? row.network) && row.subnet === (subnet ?? row.subnet)) yield row;
  }
}
