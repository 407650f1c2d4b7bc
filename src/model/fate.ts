// SPDX-License-Identifier: BSD-2-Clause
// A frame, in by a port -> what becomes of it, why, and its bytes afterwards: the TypeScript twin of bpf/steer.h, hear.h and
// of what the two entries add (`rebind: kernel`). Pure: what it needs to know of the world is handed in.
import type { Registry } from '../holders/registry.js';
import { CLAIM_KIND, CLAIM_RESULT, PORT_KIND, REASON, TARGET_FLAGS } from '../kernel/layout.gen.js';
import { isRefusal, REASONS } from '../kernel/names.js';
import { formatMac } from '../net/addresses.js';
import { advertisedBy, stationedBy } from './advert.js';
import { questionIn } from './answer.js';
import { announcementOf, type Announcement } from './announcement.js';
import type { Judge } from './judgement.js';
import { crossingOf, type EipWorld } from './eip.js';
import { BEYOND_MTU_BYTES, ETHERTYPE, MAPPED, packetOf, type Packet } from './packet.js';

export interface InPort {
  readonly slot: number;
  /** PORT_KIND */
  readonly kind: number;
  /** The device's own MAC. */
  readonly mac: Buffer;
  /** TARGET_FLAGS */
  readonly flags: number;
}

export interface Target {
  readonly mtu: number;
  /** PORT_KIND */
  readonly kind: number;
  /** TARGET_FLAGS */
  readonly flags: number;
  /** Whether XDP's redirects know it too. */
  readonly mapped: boolean;
  /** The device's own. */
  readonly mac: Buffer;
}

export interface Policy {
  readonly havip: number;
  readonly isMember: boolean;
  readonly monitors: boolean;
  readonly dropsUnheld: boolean;
  /** `arp: proxy`. */
  readonly proxies: boolean;
  /** What askers are told; null: the holder's own. */
  readonly serviceMac: Buffer | null;
}

export interface World {
  readonly entry: 'xdp' | 'tc';
  readonly in: InPort;
  readonly registry: Registry;
  readonly judge: Judge;
  /** null: the port's network has no EIPs. */
  readonly eips: EipWorld | null;
  /** Of the tags; 0: none. */
  subnetOf(outer: number, inner: number): number;
  /** @param address 16 bytes. */
  policyOf(subnet: number, address: Buffer): Policy | null;
  /** null: it has left. */
  targetOf(slot: number): Target | null;
  /** Where that MAC was last bound. */
  stationedAt(subnet: number, mac: string): number | null;
  /** Whether ARP or ND of it came in by a vNIC that is still there. */
  isOwnGuest(subnet: number, mac: string): boolean;
  /** `portSecurity`. */
  maySend(subnet: number, mac: string): boolean;
}

export interface Said {
  readonly havip: number | null;
  /** 16 bytes; of a RARP: none. */
  readonly address: Buffer | null;
  /** CLAIM_KIND */
  readonly kind: number;
  /** CLAIM_RESULT */
  readonly result: number;
}

export interface Fate {
  /** REASON */
  readonly reason: number;
  readonly verdict: 'pass' | 'drop' | 'redirect';
  readonly frame: Buffer;
  readonly said: readonly Said[];
}

/** Takes up what it says, by the world's judge. */
export function fateOf(frame: Buffer, world: World, nowNs: bigint): Fate {
  const said: Said[] = [];
  const packet = packetOf(frame);
  const end = (reason: number, bytes = frame): Fate => ({
    reason,
    verdict: verdictOf(reason),
    frame: bytes,
    said,
  });
  if (packet === 'short') return end(REASON.PASS_TRUNCATED);
  if (packet !== 'deep' && world.in.kind === PORT_KIND.GATEWAY) {
    const crossed = crossingOf(packet, 0, world);
    return end(crossed?.reason ?? REASON.PASS_NOT_HAVIP, crossed?.bytes);
  }
  const subnet = packet === 'deep' ? 0 : world.subnetOf(packet.outer, packet.inner);
  if (packet === 'deep' || subnet === 0) return end(REASON.PASS_OTHER_DOMAIN);
  if (world.in.kind === PORT_KIND.VNIC && !world.maySend(subnet, formatMac(frame.subarray(6, 12))))
    return end(REASON.DROP_PORT_SECURITY);

  const heard = hear(packet, subnet, world, nowNs, said);
  const isIp = packet.ethertype === ETHERTYPE.IPV4 || packet.ethertype === ETHERTYPE.IPV6;
  if (verdictOf(heard) === 'drop' || heard === REASON.PASS_TRUNCATED) return end(heard);
  const answer = answerTo(packet, subnet, world);
  if (answer) return end(REASON.REDIRECT_ANSWER, answer);
  if (!isIp) return end(heard);
  const mayCross = heard === REASON.PASS_NOT_HAVIP && world.in.kind !== PORT_KIND.HOST;
  const crossed = mayCross ? crossingOf(packet, subnet, world) : null;
  if (crossed && !crossed.onwards) return end(crossed.reason, crossed.bytes);
  const steered = steer({ ...packet, frame: crossed?.onwards ?? frame }, subnet, world);
  const { reason, bytes = crossed?.onwards } = steered;
  if (crossed) return end(reason, bytes);
  return end(reason === REASON.PASS_NOT_HAVIP ? heard : reason, bytes);
}

function verdictOf(reason: number): Fate['verdict'] {
  const { verdict } = REASONS[reason] ?? { verdict: '' };
  return verdict === 'redirect' || verdict === 'drop' ? verdict : 'pass';
}

// --- what it says --------------------------------------------------------------------------------------------------

function hear(packet: Packet, subnet: number, world: World, nowNs: bigint, said: Said[]): number {
  const { ethertype } = packet;
  if (ethertype === ETHERTYPE.RARP) return hearStation(packet, subnet, world, said);
  const announcement = announcementOf(packet);
  if (announcement === 'short') return REASON.PASS_TRUNCATED;
  if (announcement) return hearAnnouncement(announcement, subnet, world, nowNs, said);
  const isIp = ethertype === ETHERTYPE.IPV4 || ethertype === ETHERTYPE.IPV6;
  return isIp ? hearAdvert(packet, subnet, world, said) : REASON.PASS_NOT_IP;
}

function hearAnnouncement(
  announcement: Announcement,
  subnet: number,
  world: World,
  nowNs: bigint,
  said: Said[],
): number {
  const { address, kind } = announcement;
  const policy = world.policyOf(subnet, address);
  if (!policy) return REASON.PASS_NOT_HAVIP;
  const { havip, isMember, monitors } = policy;
  const from = { slot: world.in.slot, isUplink: world.in.kind === PORT_KIND.UPLINK, isMember };
  const result = world.judge.judge(havip, announcement, from, nowNs);
  said.push({ havip, address, kind, result });
  if (isRefusal(result)) return refusalReason(result, monitors);
  return HEARD[result] ?? REASON.PASS_ANNOUNCEMENT;
}

const HEARD: Readonly<Record<number, number>> = {
  [CLAIM_RESULT.INTENT]: REASON.PASS_INTENT,
  [CLAIM_RESULT.EVIDENCE]: REASON.PASS_EVIDENCE,
  [CLAIM_RESULT.LIVENESS]: REASON.PASS_EVIDENCE,
  [CLAIM_RESULT.REFLECTED]: REASON.PASS_REFLECTED,
};

/** The two enums name a refusal alike. */
function refusalReason(result: number, monitors: boolean): number {
  const name = Object.entries(CLAIM_RESULT).find(([, value]) => value === result)?.[0] ?? '';
  return (REASON as Readonly<Record<string, number>>)[`${monitors ? 'PASS' : 'DROP'}_${name}`] ?? NaN;
}

function hearAdvert(packet: Packet, subnet: number, world: World, said: Said[]): number {
  for (const address of advertisedBy(packet) ?? []) {
    const policy = world.policyOf(subnet, address);
    const result = policy?.isMember ? CLAIM_RESULT.OBSERVED : CLAIM_RESULT.STRANGER;
    if (policy) said.push({ havip: policy.havip, address, kind: CLAIM_KIND.VRRP_ADVERT, result });
  }
  return said.length ? REASON.PASS_ADVERT : REASON.PASS_NOT_HAVIP;
}

function hearStation(packet: Packet, subnet: number, world: World, said: Said[]): number {
  const mac = stationedBy(packet);
  const slot = mac && world.stationedAt(subnet, formatMac(mac));
  if (slot === null) return REASON.PASS_NOT_HAVIP;
  const isThere = slot === world.in.slot;
  const result = isThere ? CLAIM_RESULT.LIVENESS : CLAIM_RESULT.CLAIM;
  said.push({ havip: null, address: null, kind: CLAIM_KIND.RARP, result });
  return isThere ? REASON.PASS_EVIDENCE : REASON.PASS_ANNOUNCEMENT;
}

/** null: it is no question, or not answered here. */
function answerTo(packet: Packet, subnet: number, world: World): Buffer | null {
  const question = questionIn(packet);
  if (!question) return null;
  const policy = world.policyOf(subnet, question.address);
  if (!policy?.proxies) return null;
  const { in: port, entry } = world;
  const holder = world.registry.binding(policy.havip)?.holder;
  const target = holder && holder.port !== port.slot ? world.targetOf(holder.port) : null;
  if (!holder || !target || (entry === 'xdp' && !(port.flags & TARGET_FLAGS.XDP))) return null;
  if (port.kind === PORT_KIND.UPLINK && target.kind === PORT_KIND.UPLINK) return null;
  return question.answer(policy.serviceMac ?? Buffer.from(holder.mac.replaceAll(':', ''), 'hex'));
}

// --- where it goes -------------------------------------------------------------------------------------------------

interface Steered {
  readonly reason: number;
  /** The frame, where it is changed. */
  readonly bytes?: Buffer;
}

const left = (reason: number): Steered => ({ reason });

function steer(packet: Packet, subnet: number, world: World): Steered {
  const destination = destinationOf(packet);
  if (destination === 'short') return left(REASON.PASS_TRUNCATED);
  const policy = destination && world.policyOf(subnet, destination);
  if (!policy) return left(REASON.PASS_NOT_HAVIP);
  const { frame } = packet;
  if (frame.readUInt8(0) & 1) return left(REASON.PASS_GROUP_MAC);
  const holder = world.registry.binding(policy.havip)?.holder;
  if (!holder) return left(policy.dropsUnheld ? REASON.DROP_UNHELD : REASON.PASS_UNHELD);
  const mac = Buffer.from(holder.mac.replaceAll(':', ''), 'hex');
  if (holder.port === world.in.slot) return steerBack(packet, mac, subnet, world, policy);
  const target = world.targetOf(holder.port);
  if (!target) return left(REASON.PASS_PORT_GONE);
  if (world.in.kind === PORT_KIND.UPLINK && target.kind === PORT_KIND.UPLINK) return left(REASON.PASS_UPLINK);
  return {
    reason: deliveryReason(frame, target, world.entry),
    bytes: Buffer.concat([mac, frame.subarray(6)]),
  };
}

/** The holder is behind the port that the frame came in by. */
function steerBack(
  { frame, at, ethertype }: Packet,
  mac: Buffer,
  subnet: number,
  world: World,
  { serviceMac }: Policy,
): Steered {
  const { in: port, entry } = world;
  if (mac.equals(frame.subarray(6, 12))) return left(REASON.PASS_FROM_HOLDER);
  const addressed = frame.subarray(0, 6);
  const isItself = addressed.equals(frame.subarray(6, 12));
  const isOurs = world.isOwnGuest(subnet, formatMac(addressed)) || serviceMac?.equals(addressed) === true;
  const isStale = !addressed.equals(mac) && !isItself && isOurs;
  if (port.kind !== PORT_KIND.UPLINK || !isStale) return left(REASON.PASS_SAME_PORT);
  const ttlAt = at + (ethertype === ETHERTYPE.IPV4 ? 8 : 7);
  const ttl = frame.readUInt8(ttlAt);
  if (ttl <= 1) return left(REASON.DROP_TTL);
  if (entry === 'xdp' && !(port.flags & TARGET_FLAGS.XDP)) return left(REASON.PASS_NO_WAY_BACK);
  const bytes = Buffer.concat([mac, port.mac, frame.subarray(12)]);
  bytes.writeUInt8(ttl - 1, ttlAt);
  if (ethertype === ETHERTYPE.IPV4)
    bytes.writeUInt16BE(checksumAfterHop(frame.readUInt16BE(at + 10)), at + 10);
  return { reason: REASON.REDIRECT_BACK, bytes };
}

/** RFC 1624: one less in the upper byte of a word is as much more in the sum's complement. */
function checksumAfterHop(checksum: number): number {
  const sum = checksum + 0x0100;
  return sum >= 0xffff ? (sum + 1) & 0xffff : sum;
}

function deliveryReason({ length }: Buffer, target: Target, entry: World['entry']): number {
  if (target.kind === PORT_KIND.HOST) return REASON.REWRITE_HOST;
  if (length > target.mtu + BEYOND_MTU_BYTES) return REASON.REWRITE_TOO_LONG;
  if (entry === 'xdp' && !(target.flags & TARGET_FLAGS.XDP && target.mapped))
    return REASON.REWRITE_NO_REDIRECT;
  return REASON.REDIRECT_HOLDER;
}

/** 16 bytes; null: one that no station can have. */
function destinationOf({ frame, at, ethertype }: Packet): Buffer | 'short' | null {
  const [header, from, bytes] = ethertype === ETHERTYPE.IPV4 ? [20, 16, 4] : [40, 24, 16];
  if (frame.length < at + header) return 'short';
  const address = frame.subarray(at + from, at + from + bytes);
  if (bytes === 4) return Buffer.concat([MAPPED, address]);
  return address.subarray(0, 12).equals(MAPPED) ? null : address;
}
