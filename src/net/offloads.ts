// SPDX-License-Identifier: BSD-2-Clause
// Which offloads are on, by ethtool's netlink family (kernel 5.6): device by device, by the names that `ethtool -k` has.
import { dump, genericFamily, NETLINK_GENERIC } from './dump.js';
import {
  attributeString,
  attributeU32,
  buildGeneric,
  listAttributes,
  parseAttributes,
  parseGeneric,
  type NetlinkMessage,
} from './netlink.js';

const ETHTOOL_MSG_FEATURES_GET = 11;
const ETHTOOL_A_FEATURES_HEADER = 1;
const ETHTOOL_A_FEATURES_ACTIVE = 4;
const ETHTOOL_A_HEADER_DEV_INDEX = 1;
const ETHTOOL_A_BITSET_BITS = 3;
const ETHTOOL_A_BITSET_BIT_NAME = 2;

/** By ifindex: kernel names of what is on, `rx-vlan-hw-parse` for instance. Errors: HavipError. */
export async function listOffloads(): Promise<Map<number, ReadonlySet<string>>> {
  const type = await genericFamily('ethtool');
  const payload = buildGeneric(ETHTOOL_MSG_FEATURES_GET, 1);
  const messages = await dump({ protocol: NETLINK_GENERIC, type, payload, name: 'ethtool FEATURES_GET' });
  return new Map(
    messages.flatMap((message) => parseOffloads(message) ?? []).map((one) => [one.ifindex, one.active]),
  );
}

/** undefined: not about a device. A bitset without mask lists only what is set. */
export function parseOffloads({
  payload,
}: NetlinkMessage): { ifindex: number; active: ReadonlySet<string> } | undefined {
  const attributes = parseGeneric(payload)?.attributes;
  const header = parseAttributes(attributes?.get(ETHTOOL_A_FEATURES_HEADER) ?? Buffer.alloc(0));
  const ifindex = attributeU32(header, ETHTOOL_A_HEADER_DEV_INDEX);
  if (ifindex === undefined) return undefined;
  const bitset = parseAttributes(attributes?.get(ETHTOOL_A_FEATURES_ACTIVE) ?? Buffer.alloc(0));
  const bits = listAttributes(bitset.get(ETHTOOL_A_BITSET_BITS) ?? Buffer.alloc(0));
  const names = bits.map(
    (bit) => attributeString(parseAttributes(bit.payload), ETHTOOL_A_BITSET_BIT_NAME) ?? '',
  );
  return { ifindex, active: new Set(names) };
}
