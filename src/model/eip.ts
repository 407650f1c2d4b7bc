// SPDX-License-Identifier: BSD-2-Clause
// A packet to or from an EIP -> what becomes of it: the TypeScript twin of bpf/eip.h. Pure.
import { PORT_KIND, REASON, TARGET_FLAGS } from '../kernel/layout.gen.js';
import { formatMac } from '../net/addresses.js';
import type { World } from './fate.js';
import { readTranslatable, takeHop, translate, type Ipv4, type Translatable } from './nat.js';
import { BEYOND_MTU_BYTES, ETHERTYPE, MAPPED, type Packet } from './packet.js';

/** Addresses are 4 bytes here. */
export interface EipWorld {
  /** Asked of a gateway by ARP, it answers. */
  readonly answers: boolean;
  behind(eip: Buffer): { readonly subnet: number; readonly havip: Buffer; readonly network: number } | null;
  publicOf(subnet: number, havip: Buffer): Public | null;
  networkOf(subnet: number): number;
  isInside(network: number, address: Buffer): boolean;
  /** What the programs remember of flows; the model's own. */
  readonly flows: Map<string, Buffer>;
  /** The guests' router: the bridge's own MAC; null: it has no port. */
  readonly routerMac: Buffer | null;
  /** From an EIP to there; null: no gateway leads there. */
  routeOf(eip: Buffer, to: Buffer): Route | null;
}

/** Of the next hop, and of the gateway. */
export interface Route {
  readonly destinationMac: Buffer;
  readonly sourceMac: Buffer;
}

export interface Public {
  readonly havip: number;
  readonly eip: Buffer;
  readonly network: number;
  /** Several EIPs. */
  readonly many: boolean;
  /** `egress: holder`. */
  readonly holderOnly: boolean;
  /** No gateway on this host. */
  readonly away: boolean;
}

/** `onwards`: no crossing, but another frame to steer than came. */
export interface Crossed {
  readonly reason: number;
  readonly bytes?: Buffer;
  readonly onwards?: Buffer;
}

const ARP_REQUEST = 1;

/** null: not to or from an EIP, and nothing is changed. */
export function crossingOf(packet: Packet, subnet: number, world: World): Crossed | null {
  const { eips, in: port } = world;
  if (!eips || packet.outer) return null;
  if (packet.ethertype === ETHERTYPE.ARP)
    return port.kind === PORT_KIND.GATEWAY ? answer(packet, world, eips) : null;
  const { frame, at, ethertype } = packet;
  if (ethertype !== ETHERTYPE.IPV4 || frame.length < at + 20) return null;
  const destination = Buffer.from(frame.subarray(at + 16, at + 20));
  const behind = eips.behind(destination);
  const own =
    port.kind === PORT_KIND.GATEWAY ? null : eips.publicOf(subnet, frame.subarray(at + 12, at + 16));
  if (!behind && !own) return null;
  return new Crossing(packet, subnet, world, eips).cross(behind, own);
}

function answer({ frame, at }: Packet, { in: port, entry }: World, eips: EipWorld): Crossed | null {
  if (!eips.answers || (entry === 'xdp' && !(port.flags & TARGET_FLAGS.XDP))) return null;
  if (frame.length < at + 28) return { reason: REASON.PASS_TRUNCATED };
  const arp = frame.subarray(at, at + 28);
  const [sender, target] = [Buffer.from(arp.subarray(14, 18)), Buffer.from(arp.subarray(24, 28))];
  const asks = arp.subarray(0, 6).toString('hex') === '000108000604' && arp.readUInt16BE(6) === ARP_REQUEST;
  const isGroup = (frame.readUInt8(6) & 1) === 1;
  if (!asks || sender.equals(target) || isGroup || !eips.behind(target)) return null;
  const bytes = Buffer.from(frame);
  frame.copy(bytes, 0, 6, 12);
  port.mac.copy(bytes, 6);
  const said = [Buffer.from([0, 2]), port.mac, target, arp.subarray(8, 14), sender];
  Buffer.concat(said).copy(bytes, at + 6);
  return { reason: REASON.REDIRECT_ANSWER, bytes };
}

class Crossing {
  private readonly nat: Translatable | null;
  private readonly destination: Buffer;
  private readonly source: Buffer;

  constructor(
    private readonly packet: Packet,
    private readonly subnet: number,
    private readonly world: World,
    private readonly eips: EipWorld,
  ) {
    const { frame, at } = packet;
    this.nat = readTranslatable(frame, at);
    this.source = Buffer.from(frame.subarray(at + 12, at + 16));
    this.destination = Buffer.from(frame.subarray(at + 16, at + 20));
  }

  cross(behind: ReturnType<EipWorld['behind']>, own: Public | null): Crossed | null {
    const { eips, world } = this;
    const { frame } = this.packet;
    const to = frame.subarray(0, 6);
    if (to.readUInt8(0) & 1) return null;
    if (world.in.kind === PORT_KIND.GATEWAY) {
      if (!behind || !to.equals(world.in.mac)) return null;
      const isSpoof = this.nat && this.isInside(behind.network, this.source);
      return isSpoof ? { reason: REASON.DROP_EIP_SPOOF } : this.enter(behind, null);
    }
    if (!this.isForUs(to, frame.subarray(6, 12))) return null;
    if (!behind && own) {
      if (this.isInside(own.network, this.destination)) return this.answerInside(own);
      if (own.away) return null;
    }
    if (!own)
      return behind && eips.networkOf(this.subnet) === behind.network ? this.enter(behind, null) : null;
    const leaving = this.leave(own);
    if (!Buffer.isBuffer(leaving)) return leaving;
    if (behind) return this.enter(behind, leaving);
    return this.goOut(leaving);
  }

  private goOut(eip: Buffer): Crossed {
    const route = this.eips.routeOf(eip, this.destination);
    if (!route || !this.nat) return { reason: REASON.DROP_EIP_NO_ROUTE };
    const bytes = Buffer.from(this.packet.frame);
    translate(bytes, this.nat, 'source', eip);
    takeHop(bytes, this.nat.outer);
    Buffer.concat([route.destinationMac, route.sourceMac]).copy(bytes);
    return { reason: REASON.REDIRECT_OUT, bytes };
  }

  /** A frame from the wire may be a flooded copy. */
  private isForUs(to: Buffer, from: Buffer): boolean {
    const { world, eips } = this;
    if (world.in.kind !== PORT_KIND.UPLINK) return true;
    if (to.equals(from)) return false;
    return eips.routerMac?.equals(to) === true || world.isOwnGuest(this.subnet, formatMac(to));
  }

  /** Or leads nowhere beyond its link. */
  private isInside(network: number, address: Buffer): boolean {
    return isOnLink(address) || this.eips.isInside(network, address);
  }

  private answerInside(own: Public): Crossed | null {
    const eip = this.nat && this.recall(this.nat, own.havip);
    if (!this.nat || !eip) return null;
    const onwards = Buffer.from(this.packet.frame);
    translate(onwards, this.nat, 'source', eip);
    return { reason: REASON.PASS_NOT_HAVIP, onwards };
  }

  /** As which EIP; or why not. */
  private leave(own: Public): Buffer | Crossed {
    const { world, nat } = this;
    if (!nat) return { reason: REASON.DROP_EIP_MALFORMED };
    const holder = world.registry.binding(own.havip)?.holder;
    const isThere = holder?.port === world.in.slot;
    const isHolder =
      isThere &&
      (world.in.kind === PORT_KIND.VNIC || holder.mac === formatMac(this.packet.frame.subarray(6, 12)));
    if (own.holderOnly && !isHolder) return { reason: REASON.DROP_EIP_NOT_HOLDER };
    if (nat.outer.ttl <= 1) return { reason: REASON.PASS_EIP_TTL };
    if (nat.quoted && !nat.quoted.destination.equals(this.source))
      return { reason: REASON.DROP_EIP_MISQUOTED };
    return (own.many ? this.recall(nat, own.havip) : null) ?? own.eip;
  }

  private enter(
    behind: { readonly subnet: number; readonly havip: Buffer },
    leaving: Buffer | null,
  ): Crossed {
    const { world, nat } = this;
    if (!nat) return { reason: REASON.DROP_EIP_MALFORMED };
    const policy = world.policyOf(behind.subnet, Buffer.concat([MAPPED, behind.havip]));
    const holder = policy && world.registry.binding(policy.havip)?.holder;
    const target = holder ? world.targetOf(holder.port) : null;
    if (!policy || !holder || !target) return { reason: REASON.DROP_EIP_UNHELD };
    if (nat.outer.ttl <= 1) return { reason: REASON.PASS_EIP_TTL };
    if (nat.quoted && !nat.quoted.source.equals(this.destination))
      return { reason: REASON.DROP_EIP_MISQUOTED };
    this.remember(nat, policy.havip, leaving, behind);
    const { frame } = this.packet;
    const way = this.wayIn(target);
    if (way === REASON.DROP_EIP_TOO_LONG || way === REASON.DROP_EIP_NO_ROUTE) return { reason: way };
    const bytes = Buffer.from(frame);
    if (leaving) translate(bytes, nat, 'source', leaving);
    translate(bytes, nat, 'destination', behind.havip);
    if (way === REASON.PASS_EIP_ROUTED) return { reason: way, bytes };
    takeHop(bytes, nat.outer);
    Buffer.from(holder.mac.replaceAll(':', ''), 'hex').copy(bytes, 0);
    target.mac.copy(bytes, 6);
    return { reason: way, bytes };
  }

  private wayIn(target: NonNullable<ReturnType<World['targetOf']>>): number {
    const { entry } = this.world;
    const isXdp = entry === 'xdp';
    if (isXdp && target.kind === PORT_KIND.HOST) return REASON.PASS_EIP_ROUTED;
    if (this.packet.frame.length > target.mtu + BEYOND_MTU_BYTES) return REASON.DROP_EIP_TOO_LONG;
    if (isXdp && !(target.flags & TARGET_FLAGS.XDP)) return REASON.PASS_EIP_ROUTED;
    return isXdp && !target.mapped ? REASON.DROP_EIP_NO_ROUTE : REASON.REDIRECT_HOLDER;
  }

  // --- flows -----------------------------------------------------------------------------------------------------

  private remember(
    { outer, quoted }: Translatable,
    havip: number,
    leaving: Buffer | null,
    behind: { readonly subnet: number; readonly havip: Buffer },
  ): void {
    const { eips, world } = this;
    const own = eips.publicOf(behind.subnet, behind.havip);
    const isInner = world.in.kind !== PORT_KIND.GATEWAY && !leaving;
    if (!own || !(isInner || own.many) || quoted || !outer.first) return;
    const [remotePort, ownPort] = outer.ports;
    eips.flows.set(
      flowKey(havip, leaving ?? this.source, remotePort, ownPort, outer.protocol),
      this.destination,
    );
  }

  private recall({ outer, quoted }: Translatable, havip: number): Buffer | null {
    const { flows } = this.eips;
    const eip = flows.get(quoted ? quotedKey(havip, quoted) : keyOfAnswer(havip, outer));
    if (!eip) return null;
    if (outer.first && outer.more)
      flows.set(fragmentKey(havip, quoted ? quoted.source : outer.destination, outer.id), eip);
    return eip;
  }
}

const flowKey = (
  havip: number,
  remote: Buffer,
  remotePort: string,
  ownPort: string,
  protocol: number,
): string => `${havip} ${remote.toString('hex')} ${remotePort} ${ownPort} ${protocol}`;

const fragmentKey = (havip: number, remote: Buffer, id: string): string =>
  flowKey(havip, remote, id, '0000', 256);

const keyOfAnswer = (havip: number, { destination, ports, protocol, first, id }: Ipv4): string =>
  first ? flowKey(havip, destination, ports[1], ports[0], protocol) : fragmentKey(havip, destination, id);

/** The error goes to who sent what it quotes. */
const quotedKey = (havip: number, { source, ports, protocol, first, id }: Ipv4): string =>
  first ? flowKey(havip, source, ports[0], ports[1], protocol) : fragmentKey(havip, source, id);

/** Multicast, broadcast, and RFC 3927's addresses. */
const isOnLink = (address: Buffer): boolean =>
  address.readUInt8(0) >= 224 || (address.readUInt8(0) === 169 && address.readUInt8(1) === 254);
