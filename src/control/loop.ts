// SPDX-License-Identifier: BSD-2-Clause
// The control thread: the only file that knows all parts. Links and configuration -> ports and definitions; claims
// from the ring -> the registry -> the binding in the map -> the worker. Anything slow is somebody else's.
import type { Config } from '../config/types.js';
import { HavipError } from '../errors.js';
import { Registry, type Change } from '../holders/registry.js';
import { Claim as ClaimRow, TARGET_FLAGS } from '../kernel/layout.gen.js';
import type { Datapath } from '../kernel/datapath.js';
import { isRefusal, kindName, PORT_KIND_NAMES, refusalName } from '../kernel/names.js';
import { RingBuffer } from '../native/index.js';
import { LinkWatcher, type Link } from '../net/links.js';
import { XdpFeatureWatcher } from '../net/netdev.js';
import type { PortRecord, ToWorker } from '../observe/messages.js';
import { fromRow, toRow } from './bindings.js';
import { decodeBatch, readClaims, type ClaimRecord } from './claims.js';
import { Definitions } from './definitions.js';
import { EventLog, type EventSource } from './events.js';
import type { Logger } from '../observe/log.js';
import { planPorts, type Plan, type WantedPort } from './plan.js';
import { PortBook, type ServedPort } from './ports.js';
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
  private readonly links: LinkWatcher;
  private readonly features: XdpFeatureWatcher;
  private ring: RingBuffer | null = null;
  private config: Config;
  private housekeeping: NodeJS.Timeout | null = null;
  private dueTimer: NodeJS.Timeout | null = null;
  private lossesTold: bigint;
  private absentTold = '';
  private linkMap: ReadonlyMap<number, Link> = new Map();
  private following: 'not yet' | 'idle' | 'soon' = 'not yet';

  constructor(private readonly options: LoopOptions) {
    const { datapath, config, log } = options;
    this.config = config;
    this.definitions = new Definitions(datapath.tables);
    this.ports = new PortBook(datapath.tables, datapath.attachments);
    this.registry = new Registry(this.ports, kindName);
    this.refusals = new Refusals(datapath.tables.refusals);
    this.events = new EventLog(this, (events) => options.tell({ type: 'events', events }));
    this.lossesTold = this.losses();
    this.links = new LinkWatcher({
      onChange: (links) => {
        this.linkMap = links;
        this.followSoon();
      },
      onError: (error) =>
        log.warn({ error: error.message }, 'cannot list the network devices; will try again'),
    });
    this.features = new XdpFeatureWatcher({
      onChange: () => this.followSoon(),
      onError: (error) => log.warn({ error: error.message }, 'cannot list XDP features; will try again'),
    });
  }

  /** Definitions, then ports, then what was claimed while nobody listened, then the ring. */
  async start(): Promise<void> {
    this.define();
    rehearse();
    await this.features.start();
    await this.links.start();
    this.leaveOrphans();
    this.followPorts();
    const { ringFd, tables } = this.options.datapath;
    this.ring = new RingBuffer(ringFd, ClaimRow.size, (records, count) => this.onRing(records, count));
    while (this.ring.consume() > 0);
    this.takeClaims(await readClaims(tables.claims));
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
    this.followPorts();
    this.events.tellConfig('reloaded');
  }

  stop(): void {
    this.links.stop();
    this.features.stop();
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

  private define(): void {
    const { added, removed } = this.definitions.apply(this.config.subnets);
    for (const havip of removed) this.registry.undefine(havip.id);
    const known = this.bindingsOf(added.length);
    for (const { id, config } of this.definitions.all().values()) {
      this.registry.define(id, config.damping, known.get(id));
    }
  }

  /** Only where HAVIPs came: what the kernel has of them from an earlier run. */
  private bindingsOf(added: number): Map<number, ReturnType<typeof fromRow>> {
    const known = new Map<number, ReturnType<typeof fromRow>>();
    if (added === 0) return known;
    for (const [, row] of this.options.datapath.tables.bindings.entries()) {
      if (row.sinceNs !== 0n) known.set(row.havip, fromRow(row));
    }
    return known;
  }

  /** A storm of link messages costs one round. */
  private followSoon(): void {
    if (this.following !== 'idle') return;
    this.following = 'soon';
    setImmediate(() => this.followPorts());
  }

  private plan(): Plan {
    const { supported, features } = this.features;
    return planPorts(this.config.subnets, this.linkMap, (ifindex) =>
      supported ? (features.get(ifindex) ?? 0n) : undefined,
    );
  }

  /** Ports of an earlier run that went while nobody watched. */
  private leaveOrphans(): void {
    for (const slot of this.ports.orphans(this.plan().ports)) this.leave(slot, 'port-left');
  }

  /** Makes the served ports those that the configuration and the host's links ask for. */
  private followPorts(): void {
    this.following = 'idle';
    const plan = this.plan();
    this.definitions.writeDomains(plan.bridges);
    this.leavePorts(plan);
    for (const wanted of plan.ports.values()) this.servePort(wanted);
    this.definitions.writeMembers(this.ports.slots());
    this.releaseStrangers();
    this.tellPorts(plan);
  }

  private leavePorts(plan: Plan): void {
    for (const { slot, wanted } of [...this.ports.all().values()]) {
      const now = plan.ports.get(wanted.ifindex);
      if (now?.name !== wanted.name || now.bridge.ifindex !== wanted.bridge.ifindex)
        this.leave(slot, 'port-left');
    }
  }

  private leave(slot: number, reason: string): void {
    this.release(slot, reason);
    const port = this.ports.at(slot);
    this.ports.leave(slot);
    this.events.tellPort('detach', this.ports.nameOf(slot), reason);
    if (port) this.options.log.info({ port: port.wanted.name }, 'port left');
  }

  private servePort(wanted: WantedPort): void {
    const before = this.ports.all().get(wanted.ifindex);
    const subnet = this.definitions.untaggedSubnet(wanted.bridge.name);
    if (before && before.subnet === subnet && samePort(before.wanted, wanted) && !before.failure) return;
    const port = before ? this.ports.update(before, wanted, subnet) : this.ports.join(wanted, subnet);
    if (!wanted.up) this.release(port.slot, 'port-down');
    this.tellServed(port, before);
  }

  private tellServed(port: ServedPort, before: ServedPort | undefined): void {
    const { name, hook } = port.wanted;
    if (port.failure) {
      if (before?.failure?.message === port.failure.message) return;
      this.options.log.error({ port: name, cure: port.failure.cure }, port.failure.message);
      this.events.tellPort('detach', name, 'cannot-attach');
    } else if (!before || before.failure || before.wanted.hook !== hook) {
      this.options.log.info({ port: name, hook, bridge: port.wanted.bridge.name }, 'port served');
      this.events.tellPort('attach', name, hook);
    }
  }

  /** Holders that the configuration does not let hold any more. */
  private releaseStrangers(): void {
    const nowNs = process.hrtime.bigint();
    for (const { id, config } of this.definitions.closed()) {
      const holder = this.registry.binding(id)?.holder;
      if (!holder || config.members?.includes(this.ports.nameOf(holder.port))) continue;
      this.commit(this.registry.releaseOne(id, 'not-member', nowNs), nowNs);
    }
  }

  private release(slot: number, reason: string): void {
    const nowNs = process.hrtime.bigint();
    for (const change of this.registry.release(slot, reason, nowNs)) this.commit(change, nowNs);
  }

  private onRing(records: Buffer, count: number): void {
    this.takeClaims(decodeBatch(records, count));
  }

  private takeClaims(records: readonly ClaimRecord[]): void {
    for (const record of records) {
      const nowNs = process.hrtime.bigint();
      if (isRefusal(record.result)) this.tellRefusal(this.refusals.rang(record));
      else if (this.ports.at(record.claim.by.port))
        this.commit(this.registry.claim(record.claim, nowNs), record.claim.tsNs);
    }
    this.events.flush();
    this.armDue();
  }

  /** The map first: what is told has happened. */
  private commit(change: Change | null, sinceNs: bigint): void {
    if (!change) return;
    const havip = this.definitions.havip(change.havip);
    if (!havip) return;
    let repointNs: bigint | null = null;
    if (change.binding) {
      this.options.datapath.tables.bindings.set(
        this.definitions.keyOf(havip),
        toRow(havip.id, change.binding),
      );
      repointNs = process.hrtime.bigint() - sinceNs;
    }
    for (const event of change.events) this.events.tellHolder(event, repointNs);
    if (change.events.some(({ kind }) => kind === 'flap' || kind === 'flap-end')) this.tellFlapping();
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
    for (const change of this.registry.due(nowNs)) this.commit(change, nowNs);
    this.events.flush();
    this.armDue();
  }

  private keepHouse(): void {
    while ((this.ring?.consume() ?? 0) > 0);
    for (const news of this.refusals.sweep(process.hrtime.bigint())) this.tellRefusal(news);
    this.events.flush();
    // What kept a port from being attached may go without a word from the kernel.
    if ([...this.ports.all().values()].some(({ failure }) => failure)) this.followSoon();
    const lost = this.losses();
    if (lost === this.lossesTold) return;
    this.events.tellLost(Number(lost - this.lossesTold));
    this.lossesTold = lost;
    readClaims(this.options.datapath.tables.claims).then(
      (records) => this.takeClaims(records),
      (error: unknown) =>
        this.options.log.error({ error: HavipError.from(error).message }, 'cannot read the claims'),
    );
  }

  private losses(): bigint {
    const values = this.options.datapath.tables.losses.get(0);
    return values.reduce((sum, { ringFull, claimsFull }) => sum + ringFull + claimsFull, 0n);
  }

  private tellRefusal(news: ReturnType<Refusals['rang']>): void {
    if (news) this.events.tellRefusal({ ...news, reason: refusalName(news.result) });
  }

  private tellFlapping(): void {
    const havips = [...this.definitions.all().keys()].filter((id) => this.registry.isFlapping(id));
    this.options.tell({ type: 'flapping', havips });
  }

  private tellPorts(plan: Plan): void {
    const ports = [...this.ports.all().values()].map(portRecord);
    this.options.tell({ type: 'ports', ports, absent: plan.absent });
    this.events.flush();
    const absent = plan.absent.map(({ kind, name }) => `${kind} ${name}`).join(', ');
    if (absent && absent !== this.absentTold)
      this.options.log.warn({ absent }, 'waiting for what is not here yet');
    this.absentTold = absent;
  }
}

function samePort(a: WantedPort, b: WantedPort): boolean {
  return (
    a.name === b.name &&
    a.kind === b.kind &&
    a.hook === b.hook &&
    a.bridge.ifindex === b.bridge.ifindex &&
    a.mtu === b.mtu &&
    a.flags === b.flags &&
    a.learnEveryMs === b.learnEveryMs &&
    a.up === b.up
  );
}

function portRecord({ slot, wanted, failure }: ServedPort): PortRecord {
  const { name, bridge, kind, hook, up, flags } = wanted;
  return {
    slot,
    name,
    bridge: bridge.name,
    kind: PORT_KIND_NAMES[kind] ?? 'vnic',
    hook,
    up,
    takesXdp: (flags & TARGET_FLAGS.XDP) !== 0,
    failure: failure?.message ?? null,
  };
}

/** What only a start can change. */
function refuseFixed(before: Config, after: Config): void {
  const fixed = ['pinPath', 'socket', 'metricsListen'] as const;
  for (const key of fixed) {
    if (JSON.stringify(before[key]) === JSON.stringify(after[key])) continue;
    throw new HavipError('USAGE', `${key} cannot change while havip runs`, {
      cure: `keep ${JSON.stringify(before[key])}, or stop havip and start it with the new value`,
    });
  }
}
