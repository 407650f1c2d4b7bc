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
import { askTrace, type TraceAnswer, type TraceQuestion } from '../kernel/ask-trace.js';
import { LIMITS, type Losses } from '../kernel/layout.gen.js';
import type { Tables } from '../kernel/maps.js';
import {
  eachHavip,
  openPinnedTables,
  readClaimCounters,
  readHavip,
  readLosses,
  readNamed,
  readNamesOf,
  readPortCounters,
  type HavipHolder,
  type HavipRow,
} from '../kernel/reader.js';
import { canonicalAddress } from '../net/addresses.js';
import { WallClock } from './clock.js';
import { DossierMemory } from './dossiers.js';
import { HavipChanges, keyOf } from './havip-changes.js';
import { History } from './history.js';
import { FILLING_MAPS, type FillingMap } from './map-fill.js';
import type { AbsentRecord, ConfigRecord, PortRecord, WorkerOptions } from './messages.js';
import type { MetricsView } from './metrics.js';
import { MoveWatch } from './move-watch.js';
import type { HavipName, OrderBook, OrderKind, Orders } from './orders.js';

export class Source implements ApiSource, MetricsView {
  readonly history: History;
  readonly moves = new DossierMemory();
  ports: readonly PortRecord[] = [];
  absent: readonly AbsentRecord[] = [];
  config: ConfigRecord | null = null;
  audit = { audited: 0, mismatches: 0 };
  metricsAddress: string | null = null;
  webAddress: string | null = null;
  readonly changes = new HavipChanges();
  /** What was defined at run time and is not in force, a line each. */
  conflicts: readonly string[] = [];
  /** Whoever keeps the history on disk. */
  keeper: { readonly health: HistoryHealth };
  private readonly portListeners = new Set<() => void>();
  private fromApi: ReadonlyMap<string, HavipName> = new Map();
  private flapping: ReadonlySet<number> = new Set();
  private split: ReadonlySet<number> = new Set();
  readonly watch: MoveWatch;
  private readonly clock = new WallClock();
  private readonly startedNs = process.hrtime.bigint() - BigInt(Math.round(process.uptime() * 1e9));

  /**
   * @param orders Has the control thread do what clients order.
   * Errors: as openPinnedTables.
   */
  constructor(
    private readonly options: WorkerOptions,
    private readonly orders: Pick<OrderBook, 'ask'>,
    private readonly tables: Tables = openPinnedTables(options.pinPath),
  ) {
    this.watch = new MoveWatch(tables, this.moves);
    this.history = new History(undefined, options.epoch);
    this.history.subscribe((events) => this.changes.tell(events.filter(({ address }) => address)));
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
    const before = this.flapping;
    this.flapping = new Set(havips);
    this.tellChanged(before, this.flapping);
  }

  setSplit(havips: readonly number[]): void {
    const before = this.split;
    this.split = new Set(havips);
    this.tellChanged(before, this.split);
  }

  setPorts(ports: readonly PortRecord[], absent: readonly AbsentRecord[]): void {
    this.ports = ports;
    this.absent = absent;
    for (const listener of this.portListeners) listener();
  }

  setRuntime(havips: readonly HavipName[], conflicts: readonly string[]): void {
    const before = this.fromApi;
    this.fromApi = new Map(havips.map((name) => [keyOf(name), name]));
    this.conflicts = conflicts;
    this.changes.tell([...symmetricDifference(before, this.fromApi)]);
  }

  /** Their state is another, though no event need say so. */
  private tellChanged(before: ReadonlySet<number>, now: ReadonlySet<number>): void {
    const changed = [...before, ...now].filter((havip) => before.has(havip) !== now.has(havip));
    this.changes.tell(readNamesOf(this.tables, changed));
  }

  get alarms(): MetricsView['alarms'] {
    return { flapping: this.flapping, split: this.split };
  }

  /** Errors: USAGE for an address that is none. */
  *listHavips(query: HavipQuery): Generator<HavipStatus> {
    for (const row of this.select(query)) yield this.toStatus(row);
  }

  /** @returns each as it is now, in the order of the names; null: it is defined no more. */
  havips(names: readonly HavipName[]): (HavipStatus | null)[] {
    return readNamed(this.tables, names).map((row) => row && this.toStatus(row));
  }

  watchHavips(listener: (names: readonly HavipName[] | null) => void): () => void {
    return this.changes.subscribe(listener);
  }

  watchPorts(listener: () => void): () => void {
    this.portListeners.add(listener);
    return () => void this.portListeners.delete(listener);
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
      origin: this.fromApi.has(keyOf(row)) ? 'api' : 'file',
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
      conflicts: this.conflicts,
    };
  }

  dossiers(query: DossierQuery): readonly Dossier[] {
    return this.moves.find(query);
  }

  order<K extends OrderKind>(kind: K, ask: Orders[K]['ask']): Promise<Orders[K]['reply']> {
    return this.orders.ask(kind, ask);
  }

  /** Errors: as askTrace. */
  trace(question: TraceQuestion): TraceAnswer {
    return askTrace(this.options.pinPath, question);
  }
}

function* symmetricDifference<Value>(
  a: ReadonlyMap<string, Value>,
  b: ReadonlyMap<string, Value>,
): Generator<Value> {
  for (const [key, value] of a) if (!b.has(key)) yield value;
  for (const [key, value] of b) if (!a.has(key)) yield value;
}

function* matching(rows: Iterable<HavipRow>, { network, subnet }: HavipQuery): Generator<HavipRow> {
  for (const row of rows) {
    if (row.network === (network ?? row.network) && row.subnet === (subnet ?? row.subnet)) yield row;
  }
}
