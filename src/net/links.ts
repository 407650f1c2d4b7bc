// SPDX-License-Identifier: BSD-2-Clause
// The devices of this thread's network namespace: a list now, or a map that follows the kernel (RTNLGRP_LINK).
// Says what is there; which of them are ports, and what to do about it, is src/control's.

import { HavipError } from '../errors.js';
import { NetlinkSocket } from '../native/index.js';
import {
  type Attributes,
  attributeString,
  attributeU32,
  buildMessage,
  buildU32,
  DumpCycle,
  type NetlinkMessage,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  parseAttributes,
  parseMessages,
} from './netlink.js';

const NETLINK_ROUTE = 0;
const RTNLGRP_LINK = 1;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const AF_BRIDGE = 7;
/** struct ifinfomsg: family u8, pad u8, type u16, index s32, flags u32, change u32. */
const IFINFOMSG_BYTES = 16;
const IFF_UP = 0x1;
const IFF_LOWER_UP = 0x10000;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_EXT_MASK = 29;
const IFLA_LINK_NETNSID = 37;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_BR_AGEING_TIME = 4;
const RTEXT_FILTER_SKIP_STATS = 8;
/** USER_HZ is 100 on every machine that Node runs on. */
const MS_PER_CLOCK_TICK = 10;

/** One network device. Source: RTM_NEWLINK. */
export interface Link {
  ifindex: number;
  name: string;
  /** IFLA_INFO_KIND: 'veth', 'tun', 'bridge', 'vxlan', 'macvlan', ...; '' for hardware and loopback. */
  kind: string;
  /** Lower case with colons; '' for a device without an address. */
  mac: string;
  mtu: number;
  /** IFF_UP and IFF_LOWER_UP: enabled and with carrier. operstate is not asked, many drivers leave it unknown. */
  up: boolean;
  /** The bridge (or bond) that the device is a port of; 0 none. */
  masterIfindex: number;
  /** A veth whose peer lives in another namespace, so that bpf_redirect_peer reaches it. */
  peerElsewhere: boolean;
  /** IFLA_LINK: a veth's peer (in the peer's own namespace), a VLAN's or macvlan's parent; 0 none. */
  peerIfindex: number;
  /** How long a bridge remembers a MAC. Unit: ms; 0 for what is no bridge. */
  ageingTimeMs: number;
}

/** What a link message says; undefined: not a link message, malformed, or a bridge's own affair (AF_BRIDGE). */
export type LinkNews = { removed: number } | { link: Link } | undefined;

/**
 * Reads RTM_NEWLINK or RTM_DELLINK. AF_BRIDGE ones are ignored: there a DELLINK means that a port left its bridge, and
 * the AF_UNSPEC message that comes along says the same by its missing IFLA_MASTER.
 * known: what was known of the device before; it fills what a partial notification leaves out.
 */
export function parseLinkMessage(
  message: NetlinkMessage,
  known: (ifindex: number) => Link | undefined,
): LinkNews {
  if (message.type !== RTM_NEWLINK && message.type !== RTM_DELLINK) return undefined;
  const { payload } = message;
  if (payload.length < IFINFOMSG_BYTES || payload.readUInt8(0) === AF_BRIDGE) return undefined;
  const ifindex = payload.readInt32LE(4);
  if (message.type === RTM_DELLINK) return { removed: ifindex };
  const flags = payload.readUInt32LE(8);
  return {
    link: readLink(ifindex, flags, parseAttributes(payload.subarray(IFINFOMSG_BYTES)), known(ifindex)),
  };
}

function readLink(ifindex: number, flags: number, attributes: Attributes, before: Link | undefined): Link {
  const up = (flags & IFF_UP) !== 0 && (flags & IFF_LOWER_UP) !== 0;
  const name = attributeString(attributes, IFLA_IFNAME) ?? before?.name ?? '';
  // Every full message has an MTU. One without tells a detail (wireless events): it proves nothing by what it lacks.
  if (before !== undefined && !attributes.has(IFLA_MTU)) return { ...before, name, up };
  const { kind, ageingTimeMs } = readLinkInfo(attributes.get(IFLA_LINKINFO), before);
  const mac = attributes.get(IFLA_ADDRESS);
  return {
    ifindex,
    name,
    kind,
    mac: mac === undefined ? '' : formatMac(mac),
    mtu: attributeU32(attributes, IFLA_MTU) ?? 0,
    up,
    masterIfindex: attributeU32(attributes, IFLA_MASTER) ?? 0,
    peerElsewhere: kind === 'veth' && attributes.has(IFLA_LINK_NETNSID),
    peerIfindex: attributeU32(attributes, IFLA_LINK) ?? 0,
    ageingTimeMs,
  };
}

/** A device's kind never changes, so a message without IFLA_LINKINFO keeps what is known. */
function readLinkInfo(
  bytes: Buffer | undefined,
  before: Link | undefined,
): Pick<Link, 'kind' | 'ageingTimeMs'> {
  const info = parseAttributes(bytes ?? Buffer.alloc(0));
  const kind = attributeString(info, IFLA_INFO_KIND) ?? before?.kind ?? '';
  const data = info.get(IFLA_INFO_DATA);
  if (kind !== 'bridge' || data === undefined) return { kind, ageingTimeMs: before?.ageingTimeMs ?? 0 };
  const ticks = attributeU32(parseAttributes(data), IFLA_BR_AGEING_TIME) ?? 0;
  return { kind, ageingTimeMs: ticks * MS_PER_CLOCK_TICK };
}

function formatMac(bytes: Buffer): string {
  return (bytes.toString('hex').match(/../g) ?? []).join(':');
}

function getLink(flags: number, sequence: number, ifindex: number): Buffer {
  const header = Buffer.alloc(IFINFOMSG_BYTES);
  header.writeInt32LE(ifindex, 4);
  const filter = buildU32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  return buildMessage(RTM_GETLINK, NLM_F_REQUEST | flags, sequence, Buffer.concat([header, filter]));
}

export interface LinkHandlers {
  /** links: the watcher's own map, live. changed: ifindexes that are new, different or (absent from links) gone. */
  onChange(links: ReadonlyMap<number, Link>, changed: readonly number[]): void;
  /** A dump after an overrun was refused and will be tried again: until then the map may be stale. */
  onError(error: Error): void;
}

/** Follows the devices of the network namespace that the constructing thread is in. */
export class LinkWatcher {
  private readonly links = new Map<number, Link>();
  private readonly changed = new Set<number>();
  private readonly seen = new Set<number>();
  private readonly cycle: DumpCycle;
  private socket: NetlinkSocket | undefined;
  private first = true;

  constructor(private readonly handlers: LinkHandlers) {
    this.cycle = new DumpCycle({
      request: 'RTM_GETLINK',
      send: (sequence) => this.sendDump(sequence),
      done: () => this.finishDump(),
      failed: (error) => handlers.onError(error),
    });
  }

  /** Subscribes, then lists, so that nothing falls between. Resolves after the first onChange. Once per watcher. */
  async start(): Promise<void> {
    this.socket = new NetlinkSocket(NETLINK_ROUTE, [RTNLGRP_LINK], (datagram) => this.receive(datagram));
    const listed = this.cycle.first();
    this.cycle.restart();
    await listed;
  }

  /** Harmless twice. A start() under way is rejected. */
  stop(): void {
    this.socket?.close();
    this.socket = undefined;
    this.cycle.stop(new HavipError('FAILED', 'stopped before the devices were listed'));
  }

  private receive(datagram: Buffer | null): void {
    if (datagram === null) {
      this.cycle.restart();
      return;
    }
    for (const message of parseMessages(datagram)) {
      if (!this.cycle.take(message))
        this.apply(parseLinkMessage(message, (ifindex) => this.links.get(ifindex)));
    }
    if (!this.first) this.flush(); // half a first list is of use to nobody
  }

  private sendDump(sequence: number): void {
    this.seen.clear();
    this.socket?.send(getLink(NLM_F_DUMP, sequence, 0));
  }

  /** Messages count in the order of arrival, dump and notifications alike: the kernel queues them as they come true. */
  private apply(news: LinkNews): void {
    if (news === undefined) return;
    if ('removed' in news) {
      this.remove(news.removed);
      return;
    }
    const { link } = news;
    this.seen.add(link.ifindex);
    if (sameLink(this.links.get(link.ifindex), link)) return;
    this.links.set(link.ifindex, link);
    this.changed.add(link.ifindex);
  }

  private remove(ifindex: number): void {
    this.seen.delete(ifindex);
    if (!this.links.delete(ifindex)) return;
    this.changed.add(ifindex);
    this.askForPeersOf(ifindex);
  }

  /** A veth's peer that moves to another namespace looks deleted here, and nothing is said of the end that stays. */
  private askForPeersOf(ifindex: number): void {
    for (const link of this.links.values()) {
      if (link.kind !== 'veth' || link.peerElsewhere || link.peerIfindex !== ifindex) continue;
      this.ask(link.ifindex);
    }
  }

  /** One device again; the answer comes like a notification. Gone as well: an error answer, which nobody minds. */
  private ask(ifindex: number): void {
    try {
      this.socket?.send(getLink(0, 0, ifindex));
    } catch {
      this.cycle.restart(); // no room now; the list will tell
    }
  }

  private finishDump(): void {
    for (const ifindex of this.links.keys()) {
      if (!this.seen.has(ifindex)) this.remove(ifindex);
    }
    this.first = false;
    this.flush();
  }

  private flush(): void {
    if (this.changed.size === 0 || this.socket === undefined) return;
    const changed = [...this.changed];
    this.changed.clear();
    this.handlers.onChange(this.links, changed);
  }
}

function sameLink(a: Link | undefined, b: Link): boolean {
  if (a === undefined) return false;
  return (Object.keys(b) as (keyof Link)[]).every((key) => a[key] === b[key]);
}

/** The devices now, by ifindex. Errors: HavipError. */
export async function listLinks(): Promise<Map<number, Link>> {
  let result = new Map<number, Link>();
  const watcher = new LinkWatcher({
    onChange: (links) => (result = new Map(links)),
    onError: () => undefined,
  });
  try {
    await watcher.start();
  } finally {
    watcher.stop();
  }
  return result;
}
