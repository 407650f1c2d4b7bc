// SPDX-License-Identifier: BSD-2-Clause
// What each device can do with XDP, from the generic netlink family `netdev` (kernel 6.3), followed as it changes.
// A veth takes redirected frames only while its peer has GRO or a program: NDO_XMIT says so, else they are lost silently.

import { HavipError } from '../errors.js';
import { NetlinkSocket } from '../native/index.js';
import {
  type Attributes,
  attributeString,
  attributeU16,
  attributeU32,
  attributeU64,
  buildGeneric,
  buildMessage,
  buildString,
  DumpCycle,
  listAttributes,
  messageErrno,
  netlinkError,
  type NetlinkMessage,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_ERROR,
  parseAttributes,
  parseGeneric,
  parseMessages,
} from './netlink.js';

/** Bits of a device's features. Source: linux/netdev.h, enum netdev_xdp_act. */
export const XDP_FEATURE = {
  /** XDP_ABORTED, XDP_DROP, XDP_PASS and XDP_TX. */
  BASIC: 1n,
  /** XDP_REDIRECT out of this device. */
  REDIRECT: 2n,
  /** Takes frames that others redirect to it. */
  NDO_XMIT: 4n,
  XSK_ZEROCOPY: 8n,
  HW_OFFLOAD: 16n,
  /** Programs may get frames in several buffers. */
  RX_SG: 32n,
  /** Takes redirected frames in several buffers. */
  NDO_XMIT_SG: 64n,
} as const;

const NETLINK_GENERIC = 16;
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
const CTRL_ATTR_MCAST_GROUPS = 7;
const CTRL_ATTR_MCAST_GRP_NAME = 1;
const CTRL_ATTR_MCAST_GRP_ID = 2;
const NETDEV_CMD_DEV_GET = 1;
const NETDEV_CMD_DEV_ADD_NTF = 2;
const NETDEV_CMD_DEV_DEL_NTF = 3;
const NETDEV_CMD_DEV_CHANGE_NTF = 4;
const NETDEV_A_DEV_IFINDEX = 1;
const NETDEV_A_DEV_XDP_FEATURES = 3;
const ENOENT = 2;
/** Apart from those of the dumps, which count from 1. */
const FAMILY_SEQUENCE = 0xffff0000;

/** The family's number and its group of notifications. */
export interface NetdevFamily {
  id: number;
  mgmtGroup: number;
}

/** Reads the controller's answer; undefined where it lacks the family's number or the group `mgmt`. */
export function parseFamily(attributes: Attributes): NetdevFamily | undefined {
  const id = attributeU16(attributes, CTRL_ATTR_FAMILY_ID);
  const groups = listAttributes(attributes.get(CTRL_ATTR_MCAST_GROUPS) ?? Buffer.alloc(0));
  const mgmt = groups
    .map(({ payload }) => parseAttributes(payload))
    .find((group) => attributeString(group, CTRL_ATTR_MCAST_GRP_NAME) === 'mgmt');
  const mgmtGroup = mgmt && attributeU32(mgmt, CTRL_ATTR_MCAST_GRP_ID);
  return id === undefined || mgmtGroup === undefined ? undefined : { id, mgmtGroup };
}

/** What a `netdev` message says of one device; features undefined: the device is gone. */
export type FeatureNews = { ifindex: number; features: bigint | undefined } | undefined;

/** Reads an answer to DEV_GET (the command 1) or a notification; undefined: about something else, or malformed. */
export function parseFeatureMessage(payload: Buffer): FeatureNews {
  const message = parseGeneric(payload);
  const ifindex = message && attributeU32(message.attributes, NETDEV_A_DEV_IFINDEX);
  if (message === undefined || ifindex === undefined) return undefined;
  switch (message.command) {
    case NETDEV_CMD_DEV_DEL_NTF:
      return { ifindex, features: undefined };
    case NETDEV_CMD_DEV_GET:
    case NETDEV_CMD_DEV_ADD_NTF:
    case NETDEV_CMD_DEV_CHANGE_NTF:
      return { ifindex, features: attributeU64(message.attributes, NETDEV_A_DEV_XDP_FEATURES) ?? 0n };
    default:
      return undefined;
  }
}

export interface FeatureHandlers {
  /** The device's entry in `features` is new, different or gone. Also called for each device of the first dump. */
  onChange(ifindex: number): void;
  /** A dump after an overrun was refused and will be tried again: until then `features` may be stale. */
  onError(error: Error): void;
}

/** Follows the XDP features of the devices in the network namespace that the constructing thread is in. */
export class XdpFeatureWatcher {
  private readonly byIfindex = new Map<number, bigint>();
  private readonly seen = new Set<number>();
  private readonly cycle: DumpCycle;
  private socket: NetlinkSocket | undefined;
  private family: NetdevFamily | undefined;

  constructor(private readonly handlers: FeatureHandlers) {
    this.cycle = new DumpCycle({
      request: 'netdev DEV_GET',
      send: (sequence) => this.sendDump(sequence),
      done: () => this.finishDump(),
      failed: (error) => handlers.onError(error),
    });
  }

  /** By ifindex, bits of XDP_FEATURE. Live. Empty where not supported. */
  get features(): ReadonlyMap<number, bigint> {
    return this.byIfindex;
  }

  /** False before start(), and where the kernel (before 6.3) has no such family: nothing is known then. */
  get supported(): boolean {
    return this.family !== undefined;
  }

  /** Resolves when the first dump is complete, or when the kernel turned out not to have the family. Once per watcher. */
  async start(): Promise<void> {
    this.socket = new NetlinkSocket(NETLINK_GENERIC, [], (datagram) => this.receive(datagram));
    const listed = this.cycle.first();
    const request = buildGeneric(CTRL_CMD_GETFAMILY, 1, [buildString(CTRL_ATTR_FAMILY_NAME, 'netdev')]);
    this.socket.send(buildMessage(GENL_ID_CTRL, NLM_F_REQUEST, FAMILY_SEQUENCE, request));
    await listed;
  }

  /** Harmless twice. A start() under way is rejected. */
  stop(): void {
    this.close(new HavipError('FAILED', 'stopped before the XDP features were listed'));
  }

  private close(error?: HavipError): void {
    this.socket?.close();
    this.socket = undefined;
    this.cycle.stop(error);
  }

  private receive(datagram: Buffer | null): void {
    if (datagram === null) {
      this.cycle.restart();
      return;
    }
    for (const message of parseMessages(datagram)) {
      if (this.family === undefined) this.resolveFamily(message);
      else if (!this.cycle.take(message) && message.type === this.family.id) {
        this.apply(parseFeatureMessage(message.payload));
      }
    }
  }

  private resolveFamily(message: NetlinkMessage): void {
    if (message.sequence !== FAMILY_SEQUENCE) return;
    const errno = message.type === NLMSG_ERROR ? messageErrno(message) : 0;
    if (errno !== 0 && errno !== ENOENT) {
      this.cycle.fail(netlinkError(errno, 'CTRL_CMD_GETFAMILY netdev'));
      return;
    }
    const answer = errno === ENOENT ? undefined : parseGeneric(message.payload);
    this.family = answer && parseFamily(answer.attributes);
    if (this.family === undefined) {
      this.close(); // an old kernel: nothing will ever come
      return;
    }
    this.socket?.joinGroup(this.family.mgmtGroup);
    this.cycle.restart();
  }

  private sendDump(sequence: number): void {
    if (this.family === undefined) return;
    this.seen.clear();
    const request = buildGeneric(NETDEV_CMD_DEV_GET, 1);
    this.socket?.send(buildMessage(this.family.id, NLM_F_REQUEST | NLM_F_DUMP, sequence, request));
  }

  private apply(news: FeatureNews): void {
    if (news === undefined) return;
    if (news.features === undefined) {
      this.remove(news.ifindex);
      return;
    }
    this.seen.add(news.ifindex);
    if (this.byIfindex.get(news.ifindex) === news.features) return;
    this.byIfindex.set(news.ifindex, news.features);
    this.handlers.onChange(news.ifindex);
  }

  private remove(ifindex: number): void {
    this.seen.delete(ifindex);
    if (this.byIfindex.delete(ifindex)) this.handlers.onChange(ifindex);
  }

  private finishDump(): void {
    for (const ifindex of this.byIfindex.keys()) {
      if (!this.seen.has(ifindex)) this.remove(ifindex);
    }
  }
}
