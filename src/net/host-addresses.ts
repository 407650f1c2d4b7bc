// SPDX-License-Identifier: BSD-2-Clause
// The host's own addresses, by rtnetlink.
import { formatAddress } from './addresses.js';
import { dump, NETLINK_ROUTE } from './dump.js';
import { parseAttributes, type NetlinkMessage } from './netlink.js';

const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
/** struct ifaddrmsg: family u8, prefix length u8, flags u8, scope u8, index u32. */
const IFADDRMSG_BYTES = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;

export interface HostAddress {
  readonly ifindex: number;
  /** Canonical. */
  readonly address: string;
  /** Bits. */
  readonly prefix: number;
}

/** Errors: HavipError. */
export async function listHostAddresses(): Promise<HostAddress[]> {
  const payload = Buffer.alloc(IFADDRMSG_BYTES);
  const messages = await dump({ protocol: NETLINK_ROUTE, type: RTM_GETADDR, payload, name: 'RTM_GETADDR' });
  return messages.flatMap((message) => parseHostAddress(message) ?? []);
}

/** undefined: no address of a family that we know. */
export function parseHostAddress({ type, payload }: NetlinkMessage): HostAddress | undefined {
  if (type !== RTM_NEWADDR || payload.length < IFADDRMSG_BYTES) return undefined;
  const attributes = parseAttributes(payload.subarray(IFADDRMSG_BYTES));
  // Of a point-to-point device ADDRESS is the peer's.
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (bytes?.length !== 4 && bytes?.length !== 16) return undefined;
  const mapped = bytes.length === 16 ? bytes : Buffer.concat([MAPPED, bytes]);
  return { ifindex: payload.readUInt32LE(4), address: formatAddress(mapped), prefix: payload.readUInt8(1) };
}

const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');
