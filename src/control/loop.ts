// SPDX-License-Identifier: BSD-2-Clause
// The control thread: the only file that knows all parts. Links and configuration -> ports and definitions; claims
// from the ring -> the registry -> the binding in the map -> the worker. Anything slow is somebody else's.
import type { Config } from '../config/types.js';
import { HavipError } from '../errors.js';
import { Registry, type Change } from '../holders/registry.js';
import { UNHELD, type Binding, type Claim, type Holder } from '../holders/rules.js';
import type { Datapath } from '../kernel/datapath.js';
import { Record as KernelRecord } from '../kernel/layout.gen.js';
import { isRefusal, kindName, refusalName } from '../kernel/names.js';
import { RingBuffer } from '../native/index.js';
import type { Logger } from '../observe/log.js';
import type { ToWorker } from '../observe/messages.js';
import { fromRow, toRow } from './bindings.js';
import { decodeBatch, newestClaims, readClaims, type ClaimRecord } from './claims.js';
import { Commander } from './commander.js';
import { Definitions, type HavipRecord } from './definitions.js';
import { EventLog, type EventSource } from './events.js';
import { PortFollower } from './follower.js';
import { PortBook } from './ports.js';
import { Refusals } from './refusals.js';
import { rehearse } from './rehearsal.js';

/** How often losses are looked for and refusal floods told. */
const HOUSEKEEPING_MS = 1000;

export interface LoopOptions {
  readonly config: Config;
  readonly datapath: Datapath;
  readonly log: Logger;
  /** Towards the worker; events go there only after the map is written. */
  readonly tell: (message: ToWorker) => void;
}

export class ControlLoop implements EventSource {
  private readonly registry: Registry;
  private readonly definitions: Definitions;
  private readonly ports: PortBook;
  private readonly refusals: Refusals;
  private readonly events: EventLog;
  private readonly commander: Commander;
  private readonly follower: PortFollower;
  private ring: RingBuffer | null = null;
  private config: Config;
  private housekeeping: NodeJS.Timeout | null = null;
  private dueTimer: NodeJS.Timeout | null = null;
  private lossesTold: bigint;
  /** What the ring of an earlier run still held, until it is caught up with. */
  private readonly slept: ClaimRecord[] = [];
  private catchingUp = true;
  private readingClaims = false;

  constructor(private readonly options: LoopOptions) {
    const { datapath, config, log, tell } = options;
    this.config = config;
    this.commander = new Commander(datapath.commandFd);
    this.definitions = new Definitions(datapath.tables, (havip) => this.commander.reset(havip));
    this.ports = new PortBook(datapath.tables, datapath.attachments);
    this.registry = new Registry(this.ports, kindName);
    this.refusals = new Refusals(datapath.tables.refusals);
    this.events = new EventLog(this, (events) => tell({ type: 'events', events }));
    this.lossesTold = this.losses();
    this.follower = new PortFollower({
      ports: this.ports,
      definitions: this.definitions,
      events: this.events,
      log,
      tell,
      onGone: (slot, reason) => this.release(slot, reason),
      onFollowed: () => this.releaseStrangers(),
    });
  }

  /** Definitions, then ports, then what was claimed while nobody listened. */
  async start(): Promise<void> {
    this.define(this.pinnedBindings());
    rehearse();
    await this.follower.start(this.config.subnets);
    this.releaseMisplaced();
    const { ringFd, tables } = this.options.datapath;
    this.ring = new RingBuffer(ringFd, KernelRecord.size, (records, count) =>
      this.onRing(decodeBatch(records, count)),
    );
    while (this.ring.consume() > 0);
    const claims = await readClaims(tables.claims);
    // Only now: what rang while the map was read is in there too.
    this.catchUp([...this.slept.splice(0), ...claims]);
    this.housekeeping = setInterval(() => this.keepHouse(), HOUSEKEEPING_MS);
  }

  /** Applies another configuration to what is running. Errors: HavipError; the present one goes on serving then. */
  reload(config: Config): void {
    refuseFixed(this.config, config);
    const before = this.config;
    this.config = config;
    try {
      this.define();
    } catch (error) {
      this.config = before;
      throw error;
    }
    this.follower.serve(config.subnets);
    this.releaseMisplaced();
    this.events.tellConfig('reloaded');
    this.events.flush();
  }

  stop(): void {
    this.follower.stop();
    this.ring?.close();
    if (this.housekeeping) clearInterval(this.housekeeping);
    if (this.dueTimer) clearTimeout(this.dueTimer);
  }

  havip(id: number): { network: string; subnet: string; address: string } | undefined {
    const record = this.definitions.havip(id);
    return (
      record && {
        network: record.subnet.config.network,
        subnet: record.subnet.config.name,
        address: record.config.address,
      }
    );
  }

  portName(slot: number): string {
    return this.ports.nameOf(slot);
  }

  /** @param pinned What an earlier run left, by index. */
  private define(pinned: ReadonlyMap<number, Binding> = new Map()): void {
    const nowNs = process.hrtime.bigint();
    const { fresh, removed } = this.definitions.apply(this.config.subnets);
    for (const havip of removed) this.registry.undefine(havip.id);
    for (const { id, config } of fresh) this.registry.define(id, config.damping, UNHELD, nowNs);
    for (const { id, config } of this.definitions.all().values()) {
      this.registry.define(id, config.damping, pinned.get(id));
    }
    this.tellFlapping();
  }

  private pinnedBindings(): Map<number, Binding> {
    const pinned = new Map<number, Binding>();
    for (const [, row] of this.options.datapath.tables.bindings.entries()) {
      if (row.sinceNs !== 0n) pinned.set(row.havip, fromRow(row));
    }
    return pinned;
  }

  /** Holders and waiting claimants that the configuration does not let hold any more. */
  private releaseStrangers(): void {
    const nowNs = process.hrtime.bigint();
    for (const havip of this.definitions.closed()) {
      const { id } = havip;
      if (this.isStranger(havip, this.registry.pending(id))) this.registry.dropPending(id);
      if (!this.isStranger(havip, this.registry.binding(id)?.holder ?? null)) continue;
      this.commit(this.registry.releaseOne(id, 'not-member', nowNs), null);
    }
  }

  /** Holders on a bridge that their subnet has left: a reload, or a start with another file. */
  private releaseMisplaced(): void {
    const nowNs = process.hrtime.bigint();
    for (const { id, subnet } of this.definitions.all().values()) {
      const holder = this.registry.binding(id)?.holder;
      if (!holder || this.ports.at(holder.port)?.wanted.bridge.name === subnet.config.bridge) continue;
      this.commit(this.registry.releaseOne(id, 'other-bridge', nowNs), null);
    }
  }

  private isStranger({ config }: HavipRecord, holder: Holder | null): boolean {
    return holder !== null && !(config.members?.includes(this.ports.nameOf(holder.port)) ?? true);
  }

  private release(slot: number, reason: string): void {
    const changes = this.registry.release(slot, reason, process.hrtime.bigint());
    for (const change of changes) this.commit(change, null);
  }

  private onRing(records: readonly ClaimRecord[]): void {
    if (this.catchingUp) for (const record of records) this.slept.push(record);
    else this.takeClaims(records);
  }

  private takeClaims(records: readonly ClaimRecord[]): void {
    for (const record of this.counting(records)) {
      if (isRefusal(record.result)) this.tellRefusal(this.refusals.rang(record));
      else this.commit(this.registry.claim(record.claim, process.hrtime.bigint()), record.claim.tsNs);
    }
    this.afterClaims();
  }

  /** What was claimed while nobody listened: of each HAVIP the newest, which costs nothing of its move budget. */
  private catchUp(records: readonly ClaimRecord[]): void {
    this.catchingUp = false;
    for (const record of this.counting(records)) {
      if (isRefusal(record.result)) this.tellRefusal(this.refusals.rang(record, true));
      else this.commit(this.registry.claim(record.claim, process.hrtime.bigint(), true), null);
    }
    this.afterClaims();
  }

  private counting(records: readonly ClaimRecord[]): readonly ClaimRecord[] {
    return newestClaims(records.filter(({ claim, result }) => isRefusal(result) || this.counts(claim)));
  }

  private afterClaims(): void {
    this.tellFlapping();
    this.events.flush();
    this.armDue();
  }

  /** Between the hook and here the port may have left or gone down, or been taken off the members. */
  private counts({ havip, by, tsNs }: Claim): boolean {
    const port = this.ports.at(by.port);
    const record = this.definitions.havip(havip);
    if (!port || !record || this.isStranger(record, by)) return false;
    return tsNs >= port.sinceNs && (port.downSinceNs === null || tsNs > port.downSinceNs);
  }

  /**
   * The map first: what is told has happened.
   * @param arrivedNs When the frame that caused it reached the hook; null: no frame did, or it had to wait its turn.
   */
  private commit(change: Change | null, arrivedNs: bigint | null): void {
    if (!change) return;
    const havip = this.definitions.havip(change.havip);
    if (!havip) return;
    let repointNs: bigint | null = null;
    if (change.binding) {
      this.options.datapath.tables.bindings.set(
        this.definitions.keyOf(havip),
        toRow(havip.id, change.binding),
      );
      if (arrivedNs !== null) repointNs = process.hrtime.bigint() - arrivedNs;
    }
    for (const event of change.events) this.events.tellHolder(event, repointNs);
  }

  /** A timer for the next window that opens. */
  private armDue(): void {
    if (this.dueTimer) clearTimeout(this.dueTimer);
    this.dueTimer = null;
    const dueNs = this.registry.nextDueNs();
    if (dueNs === null) return;
    const waitMs = Number((dueNs - process.hrtime.bigint()) / 1_000_000n) + 1;
    this.dueTimer = setTimeout(() => this.onDue(), Math.max(0, waitMs));
  }

  private onDue(): void {
    const nowNs = process.hrtime.bigint();
    for (const change of this.registry.due(nowNs)) this.commit(change, null);
    this.afterClaims();
  }

  private keepHouse(): void {
    // The doorbell may have been missed; a flood has its turn again in a moment.
    this.ring?.consume();
    for (const news of this.refusals.sweep(process.hrtime.bigint())) this.tellRefusal(news);
    this.events.flush();
    this.follower.retryFailed();
    this.recover();
  }

  /** A full ring lost doorbells, never claims: those are in their map. */
  private recover(): void {
    const lost = this.losses();
    if (lost === this.lossesTold || this.readingClaims) return;
    this.events.tellLost(Number(lost - this.lossesTold));
    this.lossesTold = lost;
    this.readingClaims = true;
    readClaims(this.options.datapath.tables.claims)
      .then((records) => this.takeClaims(records))
      .catch((error: unknown) =>
        this.options.log.error({ error: HavipError.from(error).message }, 'cannot read the claims'),
      )
      .finally(() => (this.readingClaims = false));
  }

  private losses(): bigint {
    const values = this.options.datapath.tables.losses.get(0);
    return values.reduce((sum, { ringFull }) => sum + ringFull, 0n);
  }

  private tellRefusal(news: ReturnType<Refusals['rang']>): void {
    if (news) this.events.tellRefusal({ ...news, reason: refusalName(news.result) });
  }

  private tellFlapping(): void {
    const havips = this.registry.flappingNews();
    if (havips) this.options.tell({ type: 'flapping', havips });
  }
}

/** What only a start can change, and what the file calls it. Capacity grows by itself: the maps say whether it fits. */
const FIXED = [
  ['pinPath', 'pinPath'],
  ['socket', 'api.socket'],
  ['metricsListen', 'metrics.listen'],
] as const;

function refuseFixed(before: Config, after: Config): void {
  if (before.capacity.ports !== after.capacity.ports) {
    throw new HavipError(
      'USAGE',
      `capacity.ports cannot change while havip runs: it is ${before.capacity.ports}`,
      {
        cure: 'keep it, or stop havip and start it with the new value',
      },
    );
  }
  for (const [key, name] of FIXED) {
    const [old, now] = [before[key], after[key]].map((value) => JSON.stringify(value));
    if (old === now) continue;
    throw new HavipError('USAGE', `${name} cannot change while havip runs: it is ${old}`, {
      cure: 'keep it, or stop havip and start it with the new value',
    });
  }
}
