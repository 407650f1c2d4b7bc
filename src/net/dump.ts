// SPDX-License-Identifier: BSD-2-Clause
// One question to netlink and all of its answer, for commands that look once; who follows changes has a socket of
// its own (links.ts, netdev.ts).
import { NetlinkSocket } from '../native/index.js';
import {
  attributeU16,
  buildGeneric,
  buildMessage,
  buildString,
  DumpCycle,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  parseGeneric,
  parseMessages,
  type NetlinkMessage,
} from './netlink.js';

export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;

export interface Question {
  /** NETLINK_ROUTE or NETLINK_GENERIC. */
  readonly protocol: number;
  /** RTM_GET..., or a generic family. */
  readonly type: number;
  readonly payload: Buffer;
  /** For messages of errors. */
  readonly name: string;
}

/** Everything of a kind. Errors: HavipError with the kernel's errno; a dump that was disturbed is repeated. */
export const dump = (question: Question): Promise<NetlinkMessage[]> => ask(question, NLM_F_DUMP);

/** The answer to a question about one thing. Errors: as `dump`. */
export const request = (question: Question): Promise<NetlinkMessage[]> => ask(question, NLM_F_ACK);

async function ask({ protocol, type, payload, name }: Question, flags: number): Promise<NetlinkMessage[]> {
  const found: NetlinkMessage[] = [];
  const cycle = new DumpCycle({
    request: name,
    send: (sequence) => {
      found.length = 0;
      socket.send(buildMessage(type, NLM_F_REQUEST | flags, sequence, payload));
    },
    done: () => undefined,
    failed: () => undefined,
  });
  const socket = new NetlinkSocket(protocol, [], (datagram) => {
    if (datagram === null) cycle.restart();
    else found.push(...parseMessages(datagram).filter((message) => !cycle.take(message)));
  });
  try {
    const answered = cycle.first();
    cycle.restart();
    await answered;
    return found;
  } finally {
    socket.close();
  }
}

/** The number of a generic netlink family. Errors: as `dump`; ENOENT where the kernel has none of that name. */
export async function genericFamily(name: string): Promise<number> {
  const payload = buildGeneric(CTRL_CMD_GETFAMILY, 1, [buildString(CTRL_ATTR_FAMILY_NAME, name)]);
  const answer = await request({
    protocol: NETLINK_GENERIC,
    type: GENL_ID_CTRL,
    payload,
    name: `family ${name}`,
  });
  const generic = answer[0] && parseGeneric(answer[0].payload);
  const id = generic && attributeU16(generic.attributes, CTRL_ATTR_FAMILY_ID);
  if (id === undefined) throw new Error(`netlink told no number of the family ${name}`);
  return id;
}
