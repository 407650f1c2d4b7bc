// SPDX-License-Identifier: BSD-2-Clause
// Follows the host's links: which ports of the configured bridges are served, as guests come and go. Says what left or
// went down before the slot is given up, so that its bindings are released first.
import type { SubnetConfig } from '../config/types.js';
import { HavipError } from '../errors.js';
import { PORT_FLAGS, PORT_KIND, TARGET_FLAGS, type Place } from '../kernel/layout.gen.js';
import { PORT_KIND_NAMES } from '../kernel/names.js';
import { LinkWatcher, type Link } from '../net/links.js';
import { XdpFeatureWatcher } from '../net/netdev.js';
import type { Logger } from '../observe/log.js';
import type { PortRecord, ToWorker } from '../observe/messages.js';
import type { Definitions } from './definitions.js';
import type { EventLog } from './events.js';
import { planPorts, type Plan, type WantedPort } from './plan.js';
import type { PortBook, ServedPort } from './ports.js';

export interface FollowerOptions {
  readonly ports: PortBook;
  readonly definitions: Definitions;
  readonly events: EventLog;
  readonly log: Logger;
  readonly tell: (message: ToWorker) => void;
  /** The port at this slot is going or down: whatever it holds is to be released now. */
  readonly onGone: (slot: number, reason: 'port-left' | 'port-down') => void;
  /** Ports and member lists are as they should be. */
  readonly onFollowed: () => void;
}

export class PortFollower {
  private readonly links: LinkWatcher;
  private readonly features: XdpFeatureWatcher;
  private linkMap: ReadonlyMap<number, Link> = new Map();
  private bridges: ReadonlyMap<string, Link> = new Map();
  private subnets: readonly SubnetConfig[] = [];
  private state: 'not started' | 'idle' | 'soon' = 'not started';
  private absentTold = '';

  constructor(private readonly options: FollowerOptions) {
    const retry = (what: string) => (error: Error) =>
      options.log.warn({ error: error.message }, `cannot list ${what}; will try again`);
    this.links = new LinkWatcher({
      onChange: (links, changed) => {
        this.linkMap = links;
        this.bridges = new Map(
          [...links.values()].flatMap((link) => (link.kind === 'bridge' ? [[link.name, link]] : [])),
        );
        if (changed.some((ifindex) => this.concerns(ifindex))) this.followSoon();
      },
      onError: retry('the network devices'),
    });
    this.features = new XdpFeatureWatcher({
      onChange: (ifindex) => {
        if (this.concerns(ifindex)) this.followSoon();
      },
      onError: retry('XDP features'),
    });
  }

  /** Resolves when every port that is here is served. */
  async start(subnets: readonly SubnetConfig[]): Promise<void> {
    this.subnets = subnets;
    await this.features.start();
    await this.links.start();
    this.leave(this.options.ports.orphans(this.plan().ports));
    this.follow();
  }

  /** Another configuration. */
  serve(subnets: readonly SubnetConfig[]): void {
    this.subnets = subnets;
    this.follow();
  }

  stop(): void {
    this.state = 'not started';
    this.links.stop();
    this.features.stop();
  }

  /** undefined: it is not here, or no bridge. */
  bridge(name: string): Link | undefined {
    return this.bridges.get(name);
  }

  /** What kept a port from being attached may go without a word from the kernel. */
  retryFailed(): void {
    if ([...this.options.ports.all().values()].some(({ failure }) => failure)) this.followSoon();
  }

  /** A host has devices by the thousand that are none of ours. */
  private concerns(ifindex: number): boolean {
    if (this.options.ports.all().has(ifindex)) return true;
    const link = this.linkMap.get(ifindex);
    if (this.subnets.some(({ gateways }) => gateways.some(({ name }) => name === link?.name))) return true;
    const bridge = link?.kind === 'bridge' ? link : this.linkMap.get(link?.masterIfindex ?? 0);
    return bridge !== undefined && this.subnets.some((subnet) => subnet.bridge === bridge.name);
  }

  /** A storm of link messages costs one round. */
  private followSoon(): void {
    if (this.state !== 'idle') return;
    this.state = 'soon';
    setImmediate(() => {
      if (this.state === 'soon') this.followSafely();
    });
  }

  /** Whatever goes wrong here must not end the daemon: it is said, and tried again at the next change. */
  private followSafely(): void {
    try {
      this.follow();
    } catch (thrown) {
      const { message, cure } = HavipError.from(thrown);
      this.options.log.error({ cure }, `cannot follow the ports: ${message}`);
    }
  }

  private plan(): Plan {
    const { supported, features } = this.features;
    return planPorts(this.subnets, this.linkMap, (ifindex) =>
      supported ? (features.get(ifindex) ?? 0n) : undefined,
    );
  }

  /** Makes the served ports those that the configuration and the links ask for. */
  private follow(): void {
    this.state = 'idle';
    const { definitions, ports, onFollowed } = this.options;
    const plan = this.plan();
    definitions.subnets.writeDomains(plan.bridges);
    this.leave(this.departed(plan));
    // Before anybody joins too: a slot that changes hands must not bring its member rows along.
    definitions.writeMembers(ports.slots());
    for (const wanted of plan.ports.values()) this.servePort(wanted);
    definitions.writeMembers(ports.slots());
    onFollowed();
    this.tellPorts(plan);
  }

  private departed(plan: Plan): number[] {
    const gone = ({ wanted }: ServedPort): boolean => {
      const now = plan.ports.get(wanted.ifindex);
      return now?.name !== wanted.name || now.bridge.ifindex !== wanted.bridge.ifindex;
    };
    return [...this.options.ports.all().values()].filter(gone).map(({ slot }) => slot);
  }

  private leave(slots: readonly number[]): void {
    const { ports, events, log, onGone } = this.options;
    for (const slot of slots) {
      ports.retire(slot);
      onGone(slot, 'port-left');
      ports.leave(slot);
      events.tellPort('detach', ports.nameOf(slot), 'port-left');
      log.info({ port: ports.nameOf(slot) }, 'port left');
    }
    ports.forgetClaims(new Set(slots));
  }

  private servePort(wanted: WantedPort): void {
    const { ports, definitions, onGone } = this.options;
    const before = ports.all().get(wanted.ifindex);
    const untagged =
      wanted.kind === PORT_KIND.GATEWAY
        ? gatewayPlace(wanted)
        : definitions.subnets.untagged(wanted.bridge.name);
    const samePlace = before?.untagged.subnet === untagged.subnet && before.untagged.flags === untagged.flags;
    if (samePlace && samePort(before.wanted, wanted) && !before.failure) return;
    try {
      const port = before ? ports.update(before, wanted, untagged) : ports.join(wanted, untagged);
      if (!wanted.up) onGone(port.slot, 'port-down');
      this.tellServed(port, before);
    } catch (thrown) {
      // One port that cannot be served must not cost the others.
      const { message, cure } = HavipError.from(thrown);
      this.options.log.error({ port: wanted.name, cure }, message);
    }
  }

  private tellServed(port: ServedPort, before: ServedPort | undefined): void {
    const { events, log } = this.options;
    const { name, bridge } = port.wanted;
    const { hook } = port;
    if (port.failure) {
      if (before?.failure?.message === port.failure.message) return;
      log.error({ port: name, cure: port.failure.cure }, port.failure.message);
      events.tellPort('detach', name, 'cannot-attach');
    } else if (!before || before.failure || before.hook !== hook) {
      log.info({ port: name, hook, ...(bridge.name && { bridge: bridge.name }) }, 'port served');
      events.tellPort('attach', name, hook);
    }
  }

  private tellPorts(plan: Plan): void {
    const { ports, events, log, tell } = this.options;
    tell({ type: 'ports', ports: [...ports.all().values()].map(portRecord), absent: plan.absent });
    events.flush();
    const absent = plan.absent.map(({ kind, name }) => `${kind} ${name}`).join(', ');
    if (absent && absent !== this.absentTold) log.warn({ absent }, 'waiting for what is not here yet');
    this.absentTold = absent;
  }
}

const gatewayPlace = ({ proxyArp }: WantedPort): Place => ({
  subnet: 0,
  flags: proxyArp ? PORT_FLAGS.EIP_ARP : 0,
});

function samePort(a: WantedPort, b: WantedPort): boolean {
  return (
    a.name === b.name &&
    a.kind === b.kind &&
    a.hook === b.hook &&
    a.auto === b.auto &&
    a.bridge.ifindex === b.bridge.ifindex &&
    a.mac === b.mac &&
    a.mtu === b.mtu &&
    a.flags === b.flags &&
    a.learnEveryMs === b.learnEveryMs &&
    a.up === b.up
  );
}

function portRecord({ slot, wanted, hook, failure }: ServedPort): PortRecord {
  const { name, bridge, kind, up, flags } = wanted;
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
