// SPDX-License-Identifier: BSD-2-Clause
// What one look at the devices tells beyond links.ts: settings of bridges and of their ports, XDP programs.
// From netlink and not from sysfs, which shows the namespace of its mount.
import { dump, NETLINK_ROUTE } from './dump.js';
import { parseLinkMessage, type Link } from './links.js';
import { attributeU32, buildU32, parseAttributes, type Attributes, type NetlinkMessage } from './netlink.js';

const RTM_GETLINK = 18;
const IFINFOMSG_BYTES = 16;
const IFLA_LINKINFO = 18;
const IFLA_EXT_MASK = 29;
const IFLA_XDP = 43;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_DATA = 5;
const RTEXT_FILTER_SKIP_STATS = 8;

/** Source: linux/if_link.h, IFLA_BR_*. */
const BRIDGE = {
  forwardDelay: 1,
  stp: 5,
  vlanFiltering: 7,
  topologyChange: 14,
  snooping: 23,
  querier: 25,
  callIptables: 36,
  callIp6tables: 37,
  callArptables: 38,
  querierState: 47,
} as const;
/** Of other hosts: set while one of them is heard. */
const QUERIER_IP_OTHER_TIMER = 3;
const QUERIER_IPV6_OTHER_TIMER = 7;
const MS_PER_CLOCK_TICK = 10;

/** Source: linux/if_link.h, IFLA_BRPORT_*. */
const PORT = {
  state: 1,
  hairpin: 4,
  learning: 8,
  unicastFlood: 9,
  multicastFlood: 27,
  broadcastFlood: 30,
  neighSuppress: 32,
  isolated: 33,
  locked: 39,
} as const;

/** Source: linux/if_link.h, IFLA_XDP_*_PROG_ID. */
const XDP_PROGRAMS = [
  [5, 'native'],
  [6, 'generic'],
  [7, 'offloaded'],
] as const;

/** Of a bridge. */
export interface BridgeSettings {
  readonly stp: boolean;
  /** STP has just changed ways: entries age after the forward delay instead of the ageing time. */
  readonly topologyChange: boolean;
  readonly forwardDelayMs: number;
  readonly vlanFiltering: boolean;
  readonly snooping: boolean;
  /** Who asks for IPv6 memberships: this bridge, or another station that is heard. */
  readonly ipv6Querier: boolean;
  readonly ipv4Querier: boolean;
  /** Whether br_netfilter is asked for on this bridge, whatever the sysctls say. */
  readonly netfilter: boolean;
}

/** STP's states, by number. */
export const STP_STATES = ['disabled', 'listening', 'learning', 'forwarding', 'blocking'] as const;

/** Of a bridge's port. */
export interface PortSettings {
  readonly state: (typeof STP_STATES)[number];
  readonly hairpin: boolean;
  readonly learning: boolean;
  readonly unicastFlood: boolean;
  readonly multicastFlood: boolean;
  readonly broadcastFlood: boolean;
  readonly neighSuppress: boolean;
  readonly isolated: boolean;
  readonly locked: boolean;
}

export interface XdpProgram {
  readonly mode: 'native' | 'generic' | 'offloaded';
  readonly programId: number;
}

export interface Device {
  readonly link: Link;
  /** null: it is no bridge. */
  readonly bridge: BridgeSettings | null;
  /** null: it is no bridge's port. */
  readonly port: PortSettings | null;
  readonly xdp: readonly XdpProgram[];
}

/** The devices of this thread's namespace, by ifindex. Errors: HavipError. */
export async function listDevices(): Promise<Map<number, Device>> {
  const filter = buildU32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  const payload = Buffer.concat([Buffer.alloc(IFINFOMSG_BYTES), filter]);
  const messages = await dump({ protocol: NETLINK_ROUTE, type: RTM_GETLINK, payload, name: 'RTM_GETLINK' });
  return new Map(
    messages.flatMap((message) => {
      const device = parseDevice(message);
      return device ? [[device.link.ifindex, device] as const] : [];
    }),
  );
}

/** undefined: no link message. */
export function parseDevice(message: NetlinkMessage): Device | undefined {
  const news = parseLinkMessage(message, () => undefined);
  if (news === undefined || !('link' in news)) return undefined;
  const attributes = parseAttributes(message.payload.subarray(IFINFOMSG_BYTES));
  const info = nested(attributes, IFLA_LINKINFO);
  const { link } = news;
  return {
    link,
    bridge: link.kind === 'bridge' ? readBridge(nested(info, IFLA_INFO_DATA)) : null,
    port: info.has(IFLA_INFO_SLAVE_DATA) ? readPort(nested(info, IFLA_INFO_SLAVE_DATA)) : null,
    xdp: readXdp(nested(attributes, IFLA_XDP)),
  };
}

function readBridge(data: Attributes): BridgeSettings {
  const own = flag(data, BRIDGE.querier, false);
  const heard = nested(data, BRIDGE.querierState);
  return {
    stp: (attributeU32(data, BRIDGE.stp) ?? 0) !== 0,
    topologyChange: flag(data, BRIDGE.topologyChange, false),
    forwardDelayMs: (attributeU32(data, BRIDGE.forwardDelay) ?? 0) * MS_PER_CLOCK_TICK,
    vlanFiltering: flag(data, BRIDGE.vlanFiltering, false),
    snooping: flag(data, BRIDGE.snooping, false),
    ipv4Querier: own || heard.has(QUERIER_IP_OTHER_TIMER),
    ipv6Querier: own || heard.has(QUERIER_IPV6_OTHER_TIMER),
    netfilter: [BRIDGE.callIptables, BRIDGE.callIp6tables, BRIDGE.callArptables].some((type) =>
      flag(data, type, false),
    ),
  };
}

/** What an old kernel does not say has its default. */
function readPort(data: Attributes): PortSettings {
  return {
    state: STP_STATES[data.get(PORT.state)?.[0] ?? 3] ?? 'forwarding',
    hairpin: flag(data, PORT.hairpin, false),
    learning: flag(data, PORT.learning, true),
    unicastFlood: flag(data, PORT.unicastFlood, true),
    multicastFlood: flag(data, PORT.multicastFlood, true),
    broadcastFlood: flag(data, PORT.broadcastFlood, true),
    neighSuppress: flag(data, PORT.neighSuppress, false),
    isolated: flag(data, PORT.isolated, false),
    locked: flag(data, PORT.locked, false),
  };
}

function readXdp(data: Attributes): XdpProgram[] {
  return XDP_PROGRAMS.flatMap(([type, mode]) => {
    const programId = attributeU32(data, type) ?? 0;
    return programId === 0 ? [] : [{ mode, programId }];
  });
}

function nested(attributes: Attributes, type: number): Attributes {
  return parseAttributes(attributes.get(type) ?? Buffer.alloc(0));
}

function flag(attributes: Attributes, type: number, otherwise: boolean): boolean {
  const value = attributes.get(type)?.[0];
  return value === undefined ? otherwise : value !== 0;
}
