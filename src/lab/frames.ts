// SPDX-License-Identifier: BSD-2-Clause
// What a lab's guest can say by itself, as whole Ethernet frames in hexadecimal. The product parses announcements
// elsewhere; these are written apart from it, so that a test compares two minds.
import { isIPv6 } from 'node:net';
import { HavipError } from '../errors.js';

export type AnnouncementForm = 'request' | 'reply';

const BROADCAST = 'ffffffffffff';

export const hexOf = (mac: string): string => mac.replaceAll(':', '');
export const hexOfIpv4 = (address: string): string =>
  address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('');

/**
 * An announcement of `address` by `mac`: a gratuitous ARP request or reply to broadcast, or for IPv6 an
 * unsolicited neighbour advertisement to all nodes, Override set (the form then has no meaning).
 */
export function announcement(address: string, mac: string, form: AnnouncementForm): string {
  const hardware = mac.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{12}$/.test(hardware)) throw new HavipError('USAGE', `"${mac}" is no MAC address`);
  return isIPv6(address)
    ? advertisement(ipv6Hex(address), hardware)
    : arp(hexOfIpv4(address), hardware, form);
}

function arp(address: string, mac: string, form: AnnouncementForm): string {
  const operation = form === 'request' ? '0001' : '0002';
  const target = form === 'request' ? '000000000000' : BROADCAST;
  return `${BROADCAST}${mac}0806` + `000108000604${operation}${mac}${address}${target}${address}`;
}

function advertisement(address: string, mac: string): string {
  const allNodes = `ff02${'0'.repeat(27)}1`;
  const body = (checksum: string): string => `8800${checksum}20000000${address}0201${mac}`;
  const length = body('0000').length / 2;
  const pseudo = `${address}${allNodes}${hex(length, 8)}0000003a`;
  const header = `60000000${hex(length, 4)}3aff${address}${allNodes}`;
  return `333300000001${mac}86dd${header}${body(hex(internetChecksum(pseudo + body('0000')), 4))}`;
}

function internetChecksum(text: string): number {
  let sum = 0;
  for (let at = 0; at < text.length; at += 4) sum += parseInt(text.slice(at, at + 4), 16);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function ipv6Hex(address: string): string {
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string): string[] => text.split(':').filter(Boolean);
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail)];
  return all.map((group) => group.padStart(4, '0')).join('');
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** IPv4 and UDP without a checksum, port 9 to port 9. */
export function udp(
  from: { mac: string; address: string },
  to: { mac: string; address: string },
  text: string,
): string {
  const data = Buffer.from(text).toString('hex');
  const words = (value: number): string => value.toString(16).padStart(4, '0');
  const bytes = data.length / 2;
  const ip = (sum: string): string =>
    `4500${words(28 + bytes)}000040004011${sum}${hexOfIpv4(from.address)}${hexOfIpv4(to.address)}`;
  const total = (ip('0000').match(/..../g) ?? []).reduce((sum, word) => sum + parseInt(word, 16), 0);
  const checksum = words(~((total & 0xffff) + (total >>> 16)) & 0xffff);
  return `${hexOf(to.mac)}${hexOf(from.mac)}0800${ip(checksum)}00090009${words(8 + bytes)}0000${data}`;
}
