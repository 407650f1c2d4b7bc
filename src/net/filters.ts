// SPDX-License-Identifier: BSD-2-Clause
// tc filters in the clsact (or ingress) qdisc of a device, whoever put them there.
import { dump, NETLINK_ROUTE } from './dump.js';
import { attributeString, attributeU32, parseAttributes, type NetlinkMessage } from './netlink.js';

const RTM_GETQDISC = 38;
const RTM_NEWQDISC = 36;
const RTM_GETTFILTER = 46;
const RTM_NEWTFILTER = 44;
/** struct tcmsg: family u8, pads, ifindex s32, handle u32, parent u32, info u32. */
const TCMSG_BYTES = 20;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_BPF_ID = 11;
/** The kernel's names for the two sides of clsact. */
const PARENTS = { ingress: 0xfffffff2, egress: 0xfffffff3 } as const;

/** Bits of a u32 handle that count the filters of one hash table; 0: the table itself. */
const U32_NODE = 0xfff;

export interface Filter {
  readonly direction: 'ingress' | 'egress';
  /** bpf, u32, flower, matchall, ... */
  readonly kind: string;
  readonly handle: number;
  readonly priority: number;
  /** 0: no BPF program. */
  readonly programId: number;
}

/** Devices that have a clsact or ingress qdisc. Errors: HavipError. */
export async function devicesWithClsact(): Promise<Set<number>> {
  const payload = Buffer.alloc(TCMSG_BYTES);
  const messages = await dump({ protocol: NETLINK_ROUTE, type: RTM_GETQDISC, payload, name: 'RTM_GETQDISC' });
  return new Set(messages.flatMap((message) => parseQdisc(message) ?? []));
}

/** undefined: another qdisc. */
export function parseQdisc({ type, payload }: NetlinkMessage): number | undefined {
  if (type !== RTM_NEWQDISC || payload.length < TCMSG_BYTES) return undefined;
  const kind = attributeString(parseAttributes(payload.subarray(TCMSG_BYTES)), TCA_KIND);
  return kind === 'clsact' || kind === 'ingress' ? payload.readInt32LE(4) : undefined;
}

/** Ordered as they run. Errors: HavipError. */
export async function listFilters(ifindex: number): Promise<Filter[]> {
  const found = [];
  for (const direction of ['ingress', 'egress'] as const) {
    const payload = Buffer.alloc(TCMSG_BYTES);
    payload.writeInt32LE(ifindex, 4);
    payload.writeUInt32LE(PARENTS[direction], 12);
    const question = { protocol: NETLINK_ROUTE, type: RTM_GETTFILTER, payload, name: 'RTM_GETTFILTER' };
    found.push(...(await dump(question)).flatMap((message) => parseFilter(message, direction) ?? []));
  }
  return found;
}

/** undefined: no filter, or only the head of a chain of them. */
export function parseFilter(
  { type, payload }: NetlinkMessage,
  direction: Filter['direction'],
): Filter | undefined {
  if (type !== RTM_NEWTFILTER || payload.length < TCMSG_BYTES) return undefined;
  const handle = payload.readUInt32LE(8);
  const attributes = parseAttributes(payload.subarray(TCMSG_BYTES));
  const kind = attributeString(attributes, TCA_KIND) ?? '';
  if (handle === 0 || (kind === 'u32' && (handle & U32_NODE) === 0)) return undefined;
  const options = parseAttributes(attributes.get(TCA_OPTIONS) ?? Buffer.alloc(0));
  const programId = kind === 'bpf' ? (attributeU32(options, TCA_BPF_ID) ?? 0) : 0;
  return { direction, kind, handle, priority: payload.readUInt32LE(16) >>> 16, programId };
}
