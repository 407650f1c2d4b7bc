// SPDX-License-Identifier: BSD-2-Clause
// The kernel's neighbour table by rtnetlink (linux/neighbour.h): one request, which makes it ask for a MAC.
import { buildAttribute, buildMessage, NLM_F_REQUEST } from './netlink.js';

export const NETLINK_ROUTE = 0;
const RTM_NEWNEIGH = 28;
const NLM_F_CREATE = 0x400;
const AF_INET = 2;
const NDA_DST = 1;
const NTF_USE = 1;
const SEQUENCE = 1;

/** @param address IPv4, 4 bytes. A neighbour that is used is asked for, where it is not known. */
export function solicit(ifindex: number, address: Uint8Array): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt8(AF_INET, 0);
  head.writeInt32LE(ifindex, 4);
  head.writeUInt8(NTF_USE, 10);
  const payload = Buffer.concat([head, buildAttribute(NDA_DST, Buffer.from(address))]);
  return buildMessage(RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_CREATE, SEQUENCE, payload);
}
