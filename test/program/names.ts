// SPDX-License-Identifier: BSD-2-Clause
// The stations of the test network by name, and the frames about a HAVIP that most tests want.
import { arp, BROADCAST, ipv4, ipv6, type ArpFields, type Link, type Tag } from './frames.js';
import { V4, V6 } from './world.js';

/** Who sends the frame under test. */
export const SENDER = '02:00:00:00:00:01';
/** Another guest: the holder in most tests. */
export const HOLDER = '02:00:00:00:00:02';
/** Who held it before: what a stale neighbour entry still says. */
export const STALE = '02:00:00:00:00:99';
export const VRRP_MAC = '00:00:5e:00:01:33';
export const PEER_V4 = '10.0.1.7';
export const PEER_V6 = 'fd00:1::7';

/** A packet to V4 from a sender that believes in `to`. */
export const packet4 = (to = STALE, link: Partial<Link> = {}): Buffer =>
  ipv4({ to, from: SENDER, ...link }, { source: PEER_V4, destination: V4 });

export const packet6 = (to = STALE, link: Partial<Link> = {}): Buffer =>
  ipv6({ to, from: SENDER, ...link }, { source: PEER_V6, destination: V6 });

/** A packet to V4 of exactly so many bytes. */
export const sized4 = (bytes: number): Buffer => {
  const payload = Buffer.alloc(bytes - 14 - 20, 0x5a);
  return ipv4({ to: STALE, from: SENDER }, { source: PEER_V4, destination: V4, payload });
};

/** ARP by SENDER, to everybody where not said otherwise. */
export const arpBy = (fields: Partial<ArpFields>, link: Partial<Link> = {}): Buffer =>
  arp({ to: BROADCAST, from: SENDER, ...link }, fields);

type Fields = Partial<ArpFields>;

/** RFC 5227's announcement: a request whose sender is its target. */
export const announceRequest = (fields: Fields = {}, link: Partial<Link> = {}): Buffer =>
  arpBy({ operation: 1, senderIp: V4, targetIp: V4, ...fields }, link);

/** A gratuitous reply, as keepalived and arping -A send it. */
export const announceReply = (fields: Fields = {}, link: Partial<Link> = {}): Buffer =>
  arpBy({ operation: 2, senderIp: V4, targetIp: V4, targetMac: BROADCAST, ...fields }, link);

/** The answer to somebody's question. */
export const answer = (fields: Fields = {}, link: Partial<Link> = {}): Buffer =>
  arpBy(
    { operation: 2, senderIp: V4, targetIp: PEER_V4, targetMac: STALE, ...fields },
    { to: STALE, ...link },
  );

/** V4's user asks for somebody else. */
export const question = (fields: Fields = {}, link: Partial<Link> = {}): Buffer =>
  arpBy({ operation: 1, senderIp: V4, targetIp: PEER_V4, ...fields }, link);

/** RFC 5227's probe: is it in use? */
export const probe = (fields: Fields = {}, link: Partial<Link> = {}): Buffer =>
  arpBy({ operation: 1, senderIp: '0.0.0.0', targetIp: V4, ...fields }, link);

export const tagged = (...ids: number[]): { tags: Tag[] } => ({ tags: ids.map((id) => ({ id })) });
