// SPDX-License-Identifier: BSD-2-Clause
// Who says where it is, and who says that it is master: RARP as hypervisors send it after a live migration, and VRRP
// adverts (RFC 3768, RFC 5798, RFC 9568). The TypeScript twin of bpf/announce.h and bpf/message.h. Pure.
import { LIMITS } from '../kernel/layout.gen.js';
import { ETHERTYPE, MAPPED, upperOf, type Packet } from './packet.js';

const VRRP = 112;
const FIXED_BYTES = 8;
const ADVERT = 1;

/** The HAVIPs' addresses that a VRRP advert lists, 16 bytes each; null: it is none that can be believed. */
export function advertisedBy(packet: Packet): readonly Buffer[] | null {
  const upper = upperOf(packet);
  if (upper?.protocol !== VRRP) return null;
  const { ip, at, end, there, fragmented, hopLimit, version } = upper;
  if (fragmented || hopLimit !== 255 || end > there) return null;
  if (at + FIXED_BYTES > ip.length || at + FIXED_BYTES > end) return null;
  const dialect = ip.readUInt8(at) >> 4;
  if ((ip.readUInt8(at) & 0x0f) !== ADVERT || !(dialect === 3 || (dialect === 2 && version === 4)))
    return null;
  const bytes = version === 4 ? 4 : 16;
  const listed: Buffer[] = [];
  const count = Math.min(ip.readUInt8(at + 3), LIMITS.ADVERT_ADDRESSES);
  for (let from = at + FIXED_BYTES; listed.length < count; from += bytes) {
    if (from + bytes > Math.min(end, ip.length)) break;
    listed.push(ip.subarray(from, from + bytes));
  }
  if (version === 4) return listed.map((address) => Buffer.concat([MAPPED, address]));
  return listed.filter((address) => !address.subarray(0, 12).equals(MAPPED));
}

const RARP_BYTES = 28;
const RARP_ETHERNET_IPV4 = Buffer.from('000108000604', 'hex');

/** The MAC whose station says where it is (RFC 903); null: not of that form. */
export function stationedBy({ frame, at, ethertype }: Packet): Buffer | null {
  if (ethertype !== ETHERTYPE.RARP || frame.length < at + RARP_BYTES) return null;
  const rarp = frame.subarray(at, at + RARP_BYTES);
  const operation = rarp.readUInt16BE(6);
  if (!rarp.subarray(0, 6).equals(RARP_ETHERNET_IPV4) || (operation !== 3 && operation !== 4)) return null;
  const [mac, target, source] = [rarp.subarray(8, 14), rarp.subarray(18, 24), frame.subarray(6, 12)];
  if (!mac.equals(target) || !mac.equals(source)) return null;
  return mac.readUInt8(0) & 1 || mac.every((byte) => byte === 0) ? null : mac;
}
