// SPDX-License-Identifier: BSD-2-Clause
// The VLANs of bridge ports, as `bridge vlan show` has them; of interest where a bridge filters by them.
import { dump, NETLINK_ROUTE } from './dump.js';
import { buildU32, listAttributes, parseAttributes, type NetlinkMessage } from './netlink.js';

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const AF_BRIDGE = 7;
const IFINFOMSG_BYTES = 16;
const IFLA_AF_SPEC = 26;
const IFLA_EXT_MASK = 29;
const RTEXT_FILTER_BRVLAN = 2;
const IFLA_BRIDGE_VLAN_INFO = 2;
const FLAG_PVID = 2;
const FLAG_UNTAGGED = 4;

export interface PortVlan {
  readonly id: number;
  /** What comes in untagged is this VLAN's. */
  readonly pvid: boolean;
  /** What goes out loses the tag. */
  readonly untagged: boolean;
}

/** By ifindex, bridges themselves included. Errors: HavipError. */
export async function listBridgeVlans(): Promise<Map<number, PortVlan[]>> {
  const head = Buffer.alloc(IFINFOMSG_BYTES);
  head.writeUInt8(AF_BRIDGE, 0);
  const payload = Buffer.concat([head, buildU32(IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN)]);
  const messages = await dump({
    protocol: NETLINK_ROUTE,
    type: RTM_GETLINK,
    payload,
    name: 'AF_BRIDGE links',
  });
  return new Map(
    messages.flatMap((message) => parseBridgeVlans(message) ?? []).map((one) => [one.ifindex, one.vlans]),
  );
}

/** undefined: no such message. */
export function parseBridgeVlans({
  type,
  payload,
}: NetlinkMessage): { ifindex: number; vlans: PortVlan[] } | undefined {
  if (type !== RTM_NEWLINK || payload.length < IFINFOMSG_BYTES) return undefined;
  const attributes = parseAttributes(payload.subarray(IFINFOMSG_BYTES));
  const vlans = listAttributes(attributes.get(IFLA_AF_SPEC) ?? Buffer.alloc(0))
    .filter((one) => one.type === IFLA_BRIDGE_VLAN_INFO && one.payload.length >= 4)
    .map(({ payload: info }) => {
      const flags = info.readUInt16LE(0);
      return {
        id: info.readUInt16LE(2),
        pvid: (flags & FLAG_PVID) !== 0,
        untagged: (flags & FLAG_UNTAGGED) !== 0,
      };
    });
  return { ifindex: payload.readInt32LE(4), vlans };
}
