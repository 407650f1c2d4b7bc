// SPDX-License-Identifier: BSD-2-Clause
// The control thread: the only file that knows all parts. Links and configuration -> ports and definitions; what the
// ring says -> those who decide or follow -> the worker. Anything slow is somebody else's.
import type { Config } from '../config/types.js';
import { HavipError } from '../errors.js';
import type { HolderEvent } from '../holders/events.js';
import { Registry } from '../holders/registry.js';
import { UNHELD, type Binding, type Claim } from '../holders/rules.js';
import type { Datapath } from '../kernel/datapath.js';
import { Record as KernelRecord } from '../kernel/layout.gen.js';
import { kindName, refusalName } from '../kernel/names.js';
import { readLosses } from '../kernel/reader.js';
import { RingBuffer, settle } from '../native/index.js';
import type { Logger } from '../observe/log.js';
import { LoopLagMeter } from '../observe/loop-lag.js';
import type { HistoryStart, ToWorker } from '../observe/messages.js';
import type { Cleared, EipName, HavipName } from '../observe/orders.js';
import { AlarmDesk } from './alarm-desk.js';
import { Asker } from './asker.js';
import { fromRow } from './bindings.js';
import { readClaims, type ClaimRecord } from './claims.js';
import { Commander } from './commander.js';
import { Definitions, type HavipRecord } from './definitions.js';
import { EventLog, type EventSource } from './events.js';
import { refuseFixed } from './fixed.js';
import { PortFollower } from './follower.js';
import { Gateways } from './gateways.js';
import { ANY_SLOT, Holdings } from './holdings.js';
import { KernelHolders } from './kernel-holders.js';
import { LoaderHolders } from './loader-holders.js';
import { PortBook } from './ports.js';
import { decodeBatch, type Decided, type Heard } from './records.js';
import { Refusals, type RefusalNews } from './refusals.js';
import { rehearse } from './rehearsal.js';

/** How often losses are looked for and refusal floods told. */
const HOUSEKEEPING_MS = 1000;
/** How long a decision may be on its way after the one behind it. */
const GAP_MS = 60;

/** Definitions that change at once and are told by name; of more, that all are to be read again. */
const MANY_DEFINED = 1000;

export interface LoopOptions {
  readonly config: Config;
  readonly datapath: Datapath;
  readonly log: Logger;
  /** What an earlier daemon has told: numbers go on after it. */
  readonly history: HistoryStart;
  /** Towards the worker; events go there only after the map is written. */
  readonly tell: (message: ToWorker) => void;
}

export class ControlLoop implements EventSource {
  private readonly registry: Registry;
  private readonly definitions: Definitions;
  private readonly gateways: Gateways;
  private readonly ports: PortBook;
  private readonly events: EventLog;
  private readonly follower: PortFollower;
  /** HAVIPs that the programs decide, and those that we do. */
  private readonly kernel: KernelHolders;
  private readonly loader: LoaderHolders;
  private readonly holdings: Holdings;
  private readonly desk: AlarmDesk;
  private readonly refusals: Refusals;
  private ring: RingBuffer | null = null;
  private config: Config;
  private housekeeping: NodeJS.Timeout | null = null;
  private dueTimer: NodeJS.Timeout | null = null;
  private gapTimer: NodeJS.Timeout | null = null;
  private readonly lag = new LoopLagMeter();
  private lossesTold: bigint;
  private auditTold = '';
  /** What the ring of an earlier run still held, until it is caught up with. */
  private readonly slept: ClaimRecord[] = [];
  private catchingUp = true;
  private recovering = false;
  /** New HAVIPs, and those of bridges that were not here: who has them is asked when their ports are served. */
  private unasked: HavipRecord[] = [];

  constructor(private readonly options: LoopOptions) {
    const { datapath, config, log, history, tell } = options;
    const { tables, attachments } = datapath;
    this.config = config;
    const commander = new Commander(datapath.commandFd);
    this.definitions = new Definitions(tables, commander, settle);
    this.gateways = new Gateways(tables, this.definitions, log);
    this.ports = new PortBook(tables, attachments);
    this.registry = new Registry(this.ports, kindName);
    this.refusals = new Refusals(tables.refusals);
    this.events = new EventLog(
      this,
      (events, moves) => tell({ type: 'events', events, moves }),
      history.lastSeq,
    );
    if (history.cutBytes > 0) this.events.tellHistoryCut();
    this.lossesTold = this.losses();
    const { definitions, registry, refusals, events } = this;
    const shared = {
      tables,
      commander,
      definitions,
      registry,
      counts: (claim: Claim) => this.holdings.counts(claim),
      tell: (event: HolderEvent, repointNs: bigint | null, count: number) => {
        events.tellHolder(event, repointNs, count);
        this.desk.changed(event);
      },
    };
    const tellRefusal = (news: RefusalNews): void => this.tellRefusal(news);
    this.loader = new LoaderHolders({ ...shared, refusals, tellRefusal });
    this.kernel = new KernelHolders({
      ...shared,
      onLost: (count) => events.tellLost(count),
      onMismatch: (decided) => log.error(describe(decided), 'the model would have decided otherwise'),
    });
    const { kernel, loader, ports } = this;
    this.holdings = new Holdings({ tables, definitions, registry, ports, kernel, loader });
    this.desk = new AlarmDesk({
      ...shared,
      ports,
      commander,
      asker: new Asker({
        bridge: (name) => this.follower.bridge(name),
        wanted: (id) => (this.desk.isAsking(id) ? definitions.havip(id) : undefined),
        onFailure: (bridge, { message }) =>
          log.warn({ bridge, error: message }, 'cannot ask who holds an address'),
      }),
      tell: (event) => events.tellHolder(event, null),
      heal: (claim) => this.holdings.bind(claim, null),
      onSplit: (havips) => tell({ type: 'split', havips }),
      onTurn: () => this.afterRing(),
    });
    this.follower = new PortFollower({
      ports: this.ports,
      definitions,
      events,
      log,
      tell,
      onGone: (slot, reason) => {
        // What it announced before is on the ring at the latest now.
        this.drain();
        this.holdings.releasePort(slot, reason);
      },
      onFollowed: () => this.onFollowed(),
    });
  }

  /** Definitions, then ports, then what was claimed while nobody listened. */
  async start(): Promise<void> {
    this.define(this.pinnedBindings());
    rehearse();
    await this.follower.start(this.config.subnets);
    this.holdings.releaseMisplaced();
    const { ringFd, tables } = this.options.datapath;
    this.ring = new RingBuffer(ringFd, KernelRecord.size, (records, count) =>
      this.onRing(decodeBatch(records, count)),
    );
    while (this.ring.consume() > 0);
    const claims = await readClaims(tables.claims);
    this.catchingUp = false;
    this.kernel.awake();
    // Only now: what rang while the map was read is in there too.
    this.loader.take([...this.slept.splice(0), ...claims], true);
    this.afterRing();
    this.unasked = [...this.definitions.all().values()];
    this.askForUnasked();
    this.housekeeping = setInterval(() => this.keepHouse(), HOUSEKEEPING_MS);
    this.lag.start();
  }

  /**
   * Applies another configuration to what is running. Errors: HavipError; the present one goes on serving then.
   * @param about The one thing that was changed at run time.
   */
  reload(config: Config, reason: string, about: HavipName | EipName | null = null): void {
    refuseFixed(this.config, config);
    const before = this.config;
    this.config = config;
    try {
      this.drain();
      this.define();
    } catch (error) {
      this.config = before;
      throw error;
    }
    this.follower.serve(config.subnets);
    this.holdings.releaseMisplaced();
    this.events.tellConfig(reason, about);
    this.afterRing();
  }

  /** Who is held back holds it at once, and nothing of the budget is spent. */
  clearFlapping({ network, subnet, address }: HavipName): Omit<Cleared, 'havip'> {
    const id = this.definitions.named(network, subnet, address)?.id;
    if (id === undefined) throw new HavipError('NOT_FOUND', `no HAVIP ${address} is served`);
    this.drain();
    const wasFlapping = this.registry.isFlapping(id);
    const before = this.registry.binding(id)?.holder ?? null;
    const owner = this.kernel.serves(id) ? this.kernel : this.loader;
    owner.clear(id);
    this.afterRing();
    const now = this.registry.binding(id)?.holder ?? null;
    return { wasFlapping, applied: now !== null && (now.port !== before?.port || now.mac !== before.mac) };
  }

  stop(): void {
    this.follower.stop();
    this.desk.stop();
    this.gateways.stop();
    this.lag.stop();
    this.ring?.close();
    this.ring = null;
    if (this.housekeeping) clearInterval(this.housekeeping);
    for (const timer of [this.dueTimer, this.gapTimer]) if (timer) clearTimeout(timer);
  }

  havip(id: number): HavipName | undefined {
    const record = this.definitions.havip(id);
    return record && nameOf(record);
  }

  portName(slot: number): string {
    return this.ports.nameOf(slot);
  }

  /** @param pinned What an earlier run left, by index. */
  private define(pinned: ReadonlyMap<number, Binding> = new Map()): void {
    const nowNs = process.hrtime.bigint();
    const decidedElsewhere = this.kernelIds();
    const { subnets, eips } = this.config;
    this.gateways.refuseTooMany(eips);
    const { fresh, removed } = this.definitions.apply(subnets, new Set(eips.map(({ network }) => network)));
    this.gateways.define(this.config);
    for (const havip of removed) this.registry.undefine(havip.id);
    this.kernel.forget(removed.map(({ id }) => id));
    this.desk.forget(removed.map(({ id }) => id));
    for (const { id, config } of fresh) this.registry.define(id, config.damping, UNHELD, nowNs);
    const known = new Set<number>();
    for (const { id, config } of this.definitions.all().values()) {
      this.registry.define(id, config.damping, pinned.get(id));
      known.add(id);
    }
    for (const { id } of fresh) known.delete(id);
    this.kernel.begin(
      fresh.filter(({ id }) => this.kernel.serves(id)),
      nowNs,
    );
    this.changeHands(known, decidedElsewhere);
    this.unasked.push(...fresh);
    this.tellDefined([...fresh, ...removed]);
    this.tellFlapping();
  }

  private tellDefined(changed: readonly HavipRecord[]): void {
    if (changed.length === 0) return;
    const havips = changed.length > MANY_DEFINED ? null : changed.map(nameOf);
    this.options.tell({ type: 'defined', havips });
  }

  private kernelIds(): Set<number> {
    return new Set([...this.definitions.all().keys()].filter((id) => this.kernel.serves(id)));
  }

  /** Who decides may change with a reload; the other one takes over what there is. */
  private changeHands(known: ReadonlySet<number>, before: ReadonlySet<number>): void {
    const now = this.kernelIds();
    const toLoader = [...before].filter((id) => known.has(id) && !now.has(id));
    const toKernel = [...now].filter((id) => known.has(id) && !before.has(id));
    // No CPU goes on deciding by the policy of before.
    if (toLoader.length) settle();
    this.kernel.adopt(new Set([...toLoader, ...toKernel]));
    for (const id of toLoader) this.kernel.forgetPending(id, ANY_SLOT);
    this.kernel.forget(toLoader);
  }

  private pinnedBindings(): Map<number, Binding> {
    const pinned = new Map<number, Binding>();
    for (const [, row] of this.options.datapath.tables.bindings.entries()) {
      if (row.sinceNs !== 0n) pinned.set(row.havip, fromRow(row));
    }
    return pinned;
  }

  private onFollowed(): void {
    this.holdings.releaseStrangers();
    this.gateways.follow([...this.ports.all().values()].map(({ wanted }) => wanted));
    if (!this.catchingUp) this.askForUnasked();
  }

  /** Those whose bridge is here; the others wait for it. */
  private askForUnasked(): void {
    const isHere = ({ subnet }: HavipRecord): boolean =>
      this.follower.bridge(subnet.config.bridge)?.up ?? false;
    const asked = this.unasked.filter(isHere);
    if (asked.length === 0) return;
    this.unasked = this.unasked.filter((havip) => !isHere(havip));
    this.desk.search(asked.filter(({ id }) => this.definitions.havip(id)));
  }

  /** Empties the ring now; nothing while the first drain of a start is to come. */
  private drain(): void {
    while (this.ring && this.ring.consume() > 0);
  }

  private onRing({ claims, decisions, stations, answers, adverts }: Heard): void {
    if (this.catchingUp) for (const record of claims) this.slept.push(record);
    else this.loader.take(claims);
    this.kernel.hear(decisions);
    for (const station of stations) this.holdings.follow(station);
    this.desk.hear(answers, adverts);
    if (!this.catchingUp) this.afterRing();
  }

  private afterRing(): void {
    this.tellFlapping();
    this.events.flush();
    this.armDue();
    this.armGap();
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
    this.drain();
    const overdue: number[] = [];
    const changes = this.registry.due(process.hrtime.bigint(), (havip) => {
      const elsewhere = this.kernel.serves(havip);
      if (elsewhere) overdue.push(havip);
      return elsewhere;
    });
    for (const change of changes) this.loader.commit(change, null);
    for (const havip of overdue) this.kernel.applyOverdue(havip);
    this.afterRing();
  }

  private armGap(): void {
    if (this.gapTimer || !this.kernel.hasGaps) return;
    this.gapTimer = setTimeout(() => {
      this.gapTimer = null;
      this.drain();
      this.kernel.giveUp(process.hrtime.bigint());
      this.afterRing();
    }, GAP_MS);
  }

  private keepHouse(): void {
    this.options.tell({ type: 'lag', maxNs: this.lag.takeMaxNs() });
    // The doorbell may have been missed; a flood has its turn again in a moment.
    this.ring?.consume();
    for (const news of this.refusals.sweep(process.hrtime.bigint())) this.tellRefusal(news);
    this.kernel.refocus();
    this.tellAudit();
    this.afterRing();
    this.follower.retryFailed();
    this.gateways.keepHouse();
    this.recover();
  }

  /** A full ring lost doorbells, never claims: those are in their map, and decisions are in the bindings. */
  private recover(): void {
    const lost = this.losses();
    if (lost === this.lossesTold || this.recovering) return;
    this.lossesTold = lost;
    this.recovering = true;
    this.reconcile()
      .catch((error: unknown) =>
        this.options.log.error({ error: HavipError.from(error).message }, 'cannot read what the ring lost'),
      )
      .finally(() => (this.recovering = false));
  }

  private async reconcile(): Promise<void> {
    const { tables } = this.options.datapath;
    this.loader.take(await readClaims(tables.claims));
    await this.kernel.reconcile(() => this.drain());
    this.afterRing();
  }

  private losses(): bigint {
    return readLosses(this.options.datapath.tables).ringFull;
  }

  private tellRefusal(news: RefusalNews): void {
    this.events.tellRefusal({ ...news, reason: refusalName(news.result) });
  }

  private tellFlapping(): void {
    const havips = this.registry.flappingNews();
    if (havips) this.options.tell({ type: 'flapping', havips });
  }

  private tellAudit(): void {
    const { audited, mismatches } = this.kernel.audit;
    if (this.auditTold === `${audited} ${mismatches}`) return;
    this.auditTold = `${audited} ${mismatches}`;
    this.options.tell({ type: 'audit', audited, mismatches });
  }
}

const nameOf = ({ subnet, config }: HavipRecord): HavipName => ({
  network: subnet.config.network,
  subnet: subnet.config.name,
  address: config.address,
});

/** For the log: all that the model needs to be asked again. */
function describe({ claim, result, before, seq, decidedNs }: Decided): Record<string, unknown> {
  const { havip, by, kind, tsNs } = claim;
  const times = { tsNs: String(tsNs), decidedNs: String(decidedNs) };
  return { havip, seq, result, by, kind: kindName(kind), before, ...times };
}
