// SPDX-License-Identifier: BSD-2-Clause
// A question about a HAVIP, and its answer on behalf of the holder (`arp: proxy`): the TypeScript twin of
// bpf/answer.h. Whether it may be answered here is fate.ts's. Pure.
import { CLAIM_RESULT } from '../kernel/layout.gen.js';
import { messageFault, sumOf } from './announcement.js';
import { ETHERTYPE, MAPPED, upperOf, type Packet } from './packet.js';

export interface Question {
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
  readonly address: Buffer;
  /** The frame that answers it. @param mac Who is said to have it. */
  answer(mac: Buffer): Buffer;
}

const ARP_BYTES = 28;
const ARP_ETHERNET_IPV4 = Buffer.from('000108000604', 'hex');
const ICMPV6 = 58;
const IPV6_BYTES = 40;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
const SOLICITED_OVERRIDE = 0x60;
const FIXED_BYTES = 24;

/** null: it asks nothing, or is a probe, DAD, an announcement, or not of the right form. */
export function questionIn(packet: Packet): Question | null {
  if (packet.frame.readUInt8(6) & 1) return null;
  return packet.ethertype === ETHERTYPE.ARP ? arpQuestion(packet) : solicitation(packet);
}

/** Back to who sent it. */
const heads = ({ frame, at }: Packet, mac: Buffer): Buffer =>
  Buffer.concat([frame.subarray(6, 12), mac, frame.subarray(12, at)]);

function arpQuestion(packet: Packet): Question | null {
  const { frame, at } = packet;
  if (frame.length < at + ARP_BYTES) return null;
  const arp = frame.subarray(at, at + ARP_BYTES);
  const [senderMac, sender, target] = [arp.subarray(8, 14), arp.subarray(14, 18), arp.subarray(24, 28)];
  if (!arp.subarray(0, 6).equals(ARP_ETHERNET_IPV4) || arp.readUInt16BE(6) !== 1) return null;
  if (sender.readUInt32BE(0) === 0 || sender.equals(target)) return null;
  const reply = Buffer.from([0, 2]);
  return {
    address: Buffer.concat([MAPPED, target]),
    answer: (mac) =>
      Buffer.concat([
        ...[heads(packet, mac), ARP_ETHERNET_IPV4, reply, mac, target, senderMac, sender],
        frame.subarray(at + ARP_BYTES),
      ]),
  };
}

function solicitation(packet: Packet): Question | null {
  const upper = packet.ethertype === ETHERTYPE.IPV6 ? upperOf(packet) : null;
  if (upper?.protocol !== ICMPV6 || upper.at !== IPV6_BYTES) return null;
  const { ip, at, end, there } = upper;
  if (ip.length < at + FIXED_BYTES || ip.readUInt8(at) !== SOLICITATION) return null;
  if (end < at + FIXED_BYTES || end > ip.length || end > there) return null;
  const [source, address] = [ip.subarray(8, 24), ip.subarray(at + 8, at + 24)];
  if (source.every((byte) => byte === 0) || address.subarray(0, 12).equals(MAPPED)) return null;
  if (messageFault(upper) !== CLAIM_RESULT.CLAIM) return null;
  return {
    address,
    answer: (mac) => {
      const message = Buffer.concat([
        Buffer.from([ADVERTISEMENT, ip.readUInt8(at + 1), 0, 0, SOLICITED_OVERRIDE, 0, 0, 0]),
        ...[address, Buffer.from([2, 1]), mac],
      ]);
      const fixed = Buffer.from(ip.subarray(0, 8));
      fixed.writeUInt16BE(message.length, 4);
      const whole = Buffer.concat([fixed, address, source, message]);
      whole.writeUInt16BE(sumOf(whole, IPV6_BYTES, whole.length) ^ 0xffff, IPV6_BYTES + 2);
      return Buffer.concat([heads(packet, mac), whole]);
    },
  };
}
