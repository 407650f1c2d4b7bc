// SPDX-License-Identifier: BSD-2-Clause
// Generated from bpf/havip.h by `make layout`; `make check` compares. Do not edit.
// Shapes: u64 is a bigint, smaller integers are numbers in host order, byte arrays are views into the buffer.

export interface Layout<T> {
  readonly size: number;
  decode(from: Buffer, at?: number): T;
  encode(value: T, to?: Buffer, at?: number): Buffer;
}

export const LIMITS = {
  ABI_VERSION: 8,
  NAME_BYTES: 64,
  NEAR_PORTS: 4096,
  BUCKET_WORDS: 4,
  PLACED_AT_ONCE: 64,
  INDEX_BITS: 20,
  SUBNETS: 4096,
  STATIONS: 4096,
  RING_BYTES: 1048576,
  MOVES_MAX: 16,
  MESSAGE_BYTES: 1536,
  ADVERT_ADDRESSES: 64,
  FLOW_FRAGMENT: 256,
  FLOWS: 65536,
  UNRESOLVED: 256,
  TRACE_MARK: 1213614416,
  TRACE_IFINDEX: 2147483647,
} as const;

export const PORT_KIND = {
  VNIC: 0,
  UPLINK: 1,
  HOST: 2,
  GATEWAY: 3,
} as const;

export const POLICY_FLAGS = {
  OPEN: 1,
  UNHELD_DROP: 2,
  GUARD_MONITOR: 4,
  REBIND_KERNEL: 8,
  ARP_PROXY: 16,
} as const;

export const PORT_FLAGS = {
  SECURE: 1,
  SHARED: 2,
  TRACED: 4,
  EIPS: 8,
  EIP_ARP: 16,
  HOLDS: 32,
} as const;

export const TARGET_FLAGS = {
  PEER: 1,
  XDP: 2,
  XDP_FRAGS: 4,
} as const;

export const CLAIM_KIND = {
  NONE: 0,
  ARP_REQUEST: 1,
  ARP_REPLY: 2,
  ARP_ANSWER: 3,
  ARP_QUESTION: 4,
  ARP_PROBE: 5,
  NA: 6,
  NA_ANSWER: 7,
  ND_PROBE: 8,
  RARP: 9,
  VRRP_ADVERT: 10,
  VERIFIED: 11,
  COUNT: 12,
} as const;

export const CLAIM_RESULT = {
  REFRESH: 0,
  CLAIM: 1,
  EVIDENCE: 2,
  LIVENESS: 3,
  INTENT: 4,
  REFUSED_NOT_MEMBER: 5,
  REFUSED_MALFORMED: 6,
  REFUSED_SPOOF: 7,
  BIND: 8,
  MOVE: 9,
  MAC_CHANGE: 10,
  HELD_BACK: 11,
  OVERTAKEN: 12,
  REFLECTED: 13,
  OBSERVED: 14,
  STRANGER: 15,
  REFUSED_HOP_LIMIT: 16,
  REFUSED_CHECKSUM: 17,
  REFUSED_OPTION: 18,
  REFUSED_CODE: 19,
  REFUSED_SOLICITED: 20,
  REFUSED_FRAGMENT: 21,
  RELEASED: 22,
  WITHDRAWN: 23,
  PORT_GONE: 24,
  COUNT: 25,
} as const;

export const REASON = {
  PASS_NOT_IP: 0,
  PASS_NOT_HAVIP: 1,
  PASS_OTHER_DOMAIN: 2,
  PASS_TRUNCATED: 3,
  PASS_GROUP_MAC: 4,
  PASS_FROM_HOLDER: 5,
  PASS_SAME_PORT: 6,
  PASS_UPLINK: 7,
  PASS_UNHELD: 8,
  PASS_PORT_GONE: 9,
  PASS_ANNOUNCEMENT: 10,
  PASS_EVIDENCE: 11,
  PASS_INTENT: 12,
  PASS_REFUSED_NOT_MEMBER: 13,
  PASS_REFUSED_MALFORMED: 14,
  PASS_REFUSED_SPOOF: 15,
  PASS_NOT_WRITABLE: 16,
  REWRITE_LEARN: 17,
  REWRITE_TOO_LONG: 18,
  REWRITE_NO_REDIRECT: 19,
  REWRITE_HOST: 20,
  REDIRECT_HOLDER: 21,
  DROP_UNHELD: 22,
  DROP_REFUSED_NOT_MEMBER: 23,
  DROP_REFUSED_MALFORMED: 24,
  DROP_REFUSED_SPOOF: 25,
  PASS_NO_PORT: 26,
  PASS_REFUSED_HOP_LIMIT: 27,
  DROP_REFUSED_HOP_LIMIT: 28,
  PASS_REFUSED_CHECKSUM: 29,
  DROP_REFUSED_CHECKSUM: 30,
  PASS_REFUSED_OPTION: 31,
  DROP_REFUSED_OPTION: 32,
  PASS_REFUSED_CODE: 33,
  DROP_REFUSED_CODE: 34,
  PASS_REFUSED_SOLICITED: 35,
  DROP_REFUSED_SOLICITED: 36,
  PASS_REFUSED_FRAGMENT: 37,
  DROP_REFUSED_FRAGMENT: 38,
  DROP_PORT_SECURITY: 39,
  PASS_ADVERT: 40,
  PASS_REFLECTED: 41,
  REDIRECT_BACK: 42,
  PASS_NO_WAY_BACK: 43,
  DROP_TTL: 44,
  REDIRECT_ANSWER: 45,
  REDIRECT_OUT: 46,
  PASS_EIP_TTL: 47,
  PASS_EIP_ROUTED: 48,
  DROP_EIP_UNHELD: 49,
  DROP_EIP_MALFORMED: 50,
  DROP_EIP_MISQUOTED: 51,
  DROP_EIP_NOT_HOLDER: 52,
  DROP_EIP_TOO_LONG: 53,
  DROP_EIP_NO_ROUTE: 54,
  DROP_EIP_NO_NEIGHBOUR: 55,
  DROP_EIP_NOT_WRITABLE: 56,
  DROP_EIP_NO_REDIRECT: 57,
  DROP_EIP_SPOOF: 58,
  REASON_COUNT: 59,
} as const;

export const CAUSE = {
  FRAME: 0,
  WINDOW: 1,
  COMMAND: 2,
} as const;

export const PUBLIC_FLAGS = {
  MANY: 1,
  HOLDER: 2,
  AWAY: 4,
} as const;

export const COMMAND_OP = {
  RELEASE: 1,
  BIND: 2,
  FORGET: 3,
  RESET: 4,
  ASK: 5,
  CLEAR: 6,
  PLACE: 7,
  DISPLACE: 8,
} as const;

export interface Holder {
  mac: Uint8Array;
  port: number;
}

export const Holder: Layout<Holder> = {
  size: 8,
  decode: (from, at = 0) => ({
    mac: from.subarray(at + 0, at + 6),
    port: from.readUInt16LE(at + 6),
  }),
  encode: (value, to = Buffer.alloc(8), at = 0) => {
    to.set(value.mac, at + 0);
    to.writeUInt16LE(value.port, at + 6);
    return to;
  },
};

export interface Key {
  subnet: number;
  address: Uint8Array;
}

export const Key: Layout<Key> = {
  size: 20,
  decode: (from, at = 0) => ({
    subnet: from.readUInt32LE(at + 0),
    address: from.subarray(at + 4, at + 20),
  }),
  encode: (value, to = Buffer.alloc(20), at = 0) => {
    to.writeUInt32LE(value.subnet, at + 0);
    to.set(value.address, at + 4);
    return to;
  },
};

export interface Binding {
  holder: Holder;
  former: Holder;
  sinceNs: bigint;
  havip: number;
  moves: number;
  by: number;
  reserved: number;
}

export const Binding: Layout<Binding> = {
  size: 40,
  decode: (from, at = 0) => ({
    holder: Holder.decode(from, at + 0),
    former: Holder.decode(from, at + 8),
    sinceNs: from.readBigUInt64LE(at + 16),
    havip: from.readUInt32LE(at + 24),
    moves: from.readUInt32LE(at + 28),
    by: from.readUInt32LE(at + 32),
    reserved: from.readUInt32LE(at + 36),
  }),
  encode: (value, to = Buffer.alloc(40), at = 0) => {
    Holder.encode(value.holder, to, at + 0);
    Holder.encode(value.former, to, at + 8);
    to.writeBigUInt64LE(value.sinceNs, at + 16);
    to.writeUInt32LE(value.havip, at + 24);
    to.writeUInt32LE(value.moves, at + 28);
    to.writeUInt32LE(value.by, at + 32);
    to.writeUInt32LE(value.reserved, at + 36);
    return to;
  },
};

export interface Sizes {
  buckets: number;
  havips: number;
}

export const Sizes: Layout<Sizes> = {
  size: 8,
  decode: (from, at = 0) => ({
    buckets: from.readUInt32LE(at + 0),
    havips: from.readUInt32LE(at + 4),
  }),
  encode: (value, to = Buffer.alloc(8), at = 0) => {
    to.writeUInt32LE(value.buckets, at + 0);
    to.writeUInt32LE(value.havips, at + 4);
    return to;
  },
};

export interface Bucket {
  words: bigint[];
  holders: Holder[];
}

export const Bucket: Layout<Bucket> = {
  size: 64,
  decode: (from, at = 0) => ({
    words: Array.from({ length: 4 }, (_, i) => from.readBigUInt64LE(at + 0 + 8 * i)),
    holders: Array.from({ length: 4 }, (_, i) => Holder.decode(from, at + 32 + 8 * i)),
  }),
  encode: (value, to = Buffer.alloc(64), at = 0) => {
    value.words.forEach((element, i) => to.writeBigUInt64LE(element, at + 0 + 8 * i));
    value.holders.forEach((element, i) => Holder.encode(element, to, at + 32 + 8 * i));
    return to;
  },
};

export interface Policy {
  key: Key;
  flags: number;
  windowNs: bigint;
  moves: number;
  serviceMac: Uint8Array;
}

export const Policy: Layout<Policy> = {
  size: 40,
  decode: (from, at = 0) => ({
    key: Key.decode(from, at + 0),
    flags: from.readUInt32LE(at + 20),
    windowNs: from.readBigUInt64LE(at + 24),
    moves: from.readUInt16LE(at + 32),
    serviceMac: from.subarray(at + 34, at + 40),
  }),
  encode: (value, to = Buffer.alloc(40), at = 0) => {
    Key.encode(value.key, to, at + 0);
    to.writeUInt32LE(value.flags, at + 20);
    to.writeBigUInt64LE(value.windowNs, at + 24);
    to.writeUInt16LE(value.moves, at + 32);
    to.set(value.serviceMac, at + 34);
    return to;
  },
};

export interface Member {
  havip: number;
  port: number;
}

export const Member: Layout<Member> = {
  size: 8,
  decode: (from, at = 0) => ({
    havip: from.readUInt32LE(at + 0),
    port: from.readUInt32LE(at + 4),
  }),
  encode: (value, to = Buffer.alloc(8), at = 0) => {
    to.writeUInt32LE(value.havip, at + 0);
    to.writeUInt32LE(value.port, at + 4);
    return to;
  },
};

export interface Port {
  slot: number;
  subnet: number;
  bridge: number;
  kind: number;
  learnEveryNs: bigint;
  generation: number;
  flags: number;
}

export const Port: Layout<Port> = {
  size: 32,
  decode: (from, at = 0) => ({
    slot: from.readUInt32LE(at + 0),
    subnet: from.readUInt32LE(at + 4),
    bridge: from.readUInt32LE(at + 8),
    kind: from.readUInt32LE(at + 12),
    learnEveryNs: from.readBigUInt64LE(at + 16),
    generation: from.readUInt32LE(at + 24),
    flags: from.readUInt32LE(at + 28),
  }),
  encode: (value, to = Buffer.alloc(32), at = 0) => {
    to.writeUInt32LE(value.slot, at + 0);
    to.writeUInt32LE(value.subnet, at + 4);
    to.writeUInt32LE(value.bridge, at + 8);
    to.writeUInt32LE(value.kind, at + 12);
    to.writeBigUInt64LE(value.learnEveryNs, at + 16);
    to.writeUInt32LE(value.generation, at + 24);
    to.writeUInt32LE(value.flags, at + 28);
    return to;
  },
};

export interface NearPort {
  port: Port;
  ifindex: number;
  reserved: number;
}

export const NearPort: Layout<NearPort> = {
  size: 40,
  decode: (from, at = 0) => ({
    port: Port.decode(from, at + 0),
    ifindex: from.readUInt32LE(at + 32),
    reserved: from.readUInt32LE(at + 36),
  }),
  encode: (value, to = Buffer.alloc(40), at = 0) => {
    Port.encode(value.port, to, at + 0);
    to.writeUInt32LE(value.ifindex, at + 32);
    to.writeUInt32LE(value.reserved, at + 36);
    return to;
  },
};

export interface Target {
  ifindex: number;
  mtu: number;
  kind: number;
  flags: number;
  generation: number;
  bridge: number;
  name: Uint8Array;
  mac: Uint8Array;
  reserved: number;
}

export const Target: Layout<Target> = {
  size: 48,
  decode: (from, at = 0) => ({
    ifindex: from.readUInt32LE(at + 0),
    mtu: from.readUInt32LE(at + 4),
    kind: from.readUInt32LE(at + 8),
    flags: from.readUInt32LE(at + 12),
    generation: from.readUInt32LE(at + 16),
    bridge: from.readUInt32LE(at + 20),
    name: from.subarray(at + 24, at + 40),
    mac: from.subarray(at + 40, at + 46),
    reserved: from.readUInt16LE(at + 46),
  }),
  encode: (value, to = Buffer.alloc(48), at = 0) => {
    to.writeUInt32LE(value.ifindex, at + 0);
    to.writeUInt32LE(value.mtu, at + 4);
    to.writeUInt32LE(value.kind, at + 8);
    to.writeUInt32LE(value.flags, at + 12);
    to.writeUInt32LE(value.generation, at + 16);
    to.writeUInt32LE(value.bridge, at + 20);
    to.set(value.name, at + 24);
    to.set(value.mac, at + 40);
    to.writeUInt16LE(value.reserved, at + 46);
    return to;
  },
};

export interface Domain {
  bridge: number;
  outer: number;
  inner: number;
}

export const Domain: Layout<Domain> = {
  size: 8,
  decode: (from, at = 0) => ({
    bridge: from.readUInt32LE(at + 0),
    outer: from.readUInt16LE(at + 4),
    inner: from.readUInt16LE(at + 6),
  }),
  encode: (value, to = Buffer.alloc(8), at = 0) => {
    to.writeUInt32LE(value.bridge, at + 0);
    to.writeUInt16LE(value.outer, at + 4);
    to.writeUInt16LE(value.inner, at + 6);
    return to;
  },
};

export interface Place {
  subnet: number;
  flags: number;
}

export const Place: Layout<Place> = {
  size: 8,
  decode: (from, at = 0) => ({
    subnet: from.readUInt32LE(at + 0),
    flags: from.readUInt32LE(at + 4),
  }),
  encode: (value, to = Buffer.alloc(8), at = 0) => {
    to.writeUInt32LE(value.subnet, at + 0);
    to.writeUInt32LE(value.flags, at + 4);
    return to;
  },
};

export interface Subnet {
  network: Uint8Array;
  name: Uint8Array;
  used: number;
  networkId: number;
}

export const Subnet: Layout<Subnet> = {
  size: 136,
  decode: (from, at = 0) => ({
    network: from.subarray(at + 0, at + 64),
    name: from.subarray(at + 64, at + 128),
    used: from.readUInt32LE(at + 128),
    networkId: from.readUInt32LE(at + 132),
  }),
  encode: (value, to = Buffer.alloc(136), at = 0) => {
    to.set(value.network, at + 0);
    to.set(value.name, at + 64);
    to.writeUInt32LE(value.used, at + 128);
    to.writeUInt32LE(value.networkId, at + 132);
    return to;
  },
};

export interface EipKey {
  address: Uint8Array;
}

export const EipKey: Layout<EipKey> = {
  size: 4,
  decode: (from, at = 0) => ({
    address: from.subarray(at + 0, at + 4),
  }),
  encode: (value, to = Buffer.alloc(4), at = 0) => {
    to.set(value.address, at + 0);
    return to;
  },
};

export interface Eip {
  havip: Key;
  network: number;
  flags: number;
}

export const Eip: Layout<Eip> = {
  size: 28,
  decode: (from, at = 0) => ({
    havip: Key.decode(from, at + 0),
    network: from.readUInt32LE(at + 20),
    flags: from.readUInt32LE(at + 24),
  }),
  encode: (value, to = Buffer.alloc(28), at = 0) => {
    Key.encode(value.havip, to, at + 0);
    to.writeUInt32LE(value.network, at + 20);
    to.writeUInt32LE(value.flags, at + 24);
    return to;
  },
};

export interface Public {
  eip: Uint8Array;
  havip: number;
  network: number;
  flags: number;
}

export const Public: Layout<Public> = {
  size: 16,
  decode: (from, at = 0) => ({
    eip: from.subarray(at + 0, at + 4),
    havip: from.readUInt32LE(at + 4),
    network: from.readUInt32LE(at + 8),
    flags: from.readUInt32LE(at + 12),
  }),
  encode: (value, to = Buffer.alloc(16), at = 0) => {
    to.set(value.eip, at + 0);
    to.writeUInt32LE(value.havip, at + 4);
    to.writeUInt32LE(value.network, at + 8);
    to.writeUInt32LE(value.flags, at + 12);
    return to;
  },
};

export interface Inside {
  prefix: number;
  network: number;
  address: Uint8Array;
}

export const Inside: Layout<Inside> = {
  size: 12,
  decode: (from, at = 0) => ({
    prefix: from.readUInt32LE(at + 0),
    network: from.readUInt32LE(at + 4),
    address: from.subarray(at + 8, at + 12),
  }),
  encode: (value, to = Buffer.alloc(12), at = 0) => {
    to.writeUInt32LE(value.prefix, at + 0);
    to.writeUInt32LE(value.network, at + 4);
    to.set(value.address, at + 8);
    return to;
  },
};

export interface FlowKey {
  havip: number;
  remote: Uint8Array;
  remotePort: number;
  ownPort: number;
  protocol: number;
}

export const FlowKey: Layout<FlowKey> = {
  size: 16,
  decode: (from, at = 0) => ({
    havip: from.readUInt32LE(at + 0),
    remote: from.subarray(at + 4, at + 8),
    remotePort: from.readUInt16LE(at + 8),
    ownPort: from.readUInt16LE(at + 10),
    protocol: from.readUInt32LE(at + 12),
  }),
  encode: (value, to = Buffer.alloc(16), at = 0) => {
    to.writeUInt32LE(value.havip, at + 0);
    to.set(value.remote, at + 4);
    to.writeUInt16LE(value.remotePort, at + 8);
    to.writeUInt16LE(value.ownPort, at + 10);
    to.writeUInt32LE(value.protocol, at + 12);
    return to;
  },
};

export interface Flow {
  eip: Uint8Array;
}

export const Flow: Layout<Flow> = {
  size: 4,
  decode: (from, at = 0) => ({
    eip: from.subarray(at + 0, at + 4),
  }),
  encode: (value, to = Buffer.alloc(4), at = 0) => {
    to.set(value.eip, at + 0);
    return to;
  },
};

export interface Claim {
  tsNs: bigint;
  by: Holder;
  havip: number;
  kind: number;
  result: number;
}

export const Claim: Layout<Claim> = {
  size: 24,
  decode: (from, at = 0) => ({
    tsNs: from.readBigUInt64LE(at + 0),
    by: Holder.decode(from, at + 8),
    havip: from.readUInt32LE(at + 16),
    kind: from.readUInt16LE(at + 20),
    result: from.readUInt16LE(at + 22),
  }),
  encode: (value, to = Buffer.alloc(24), at = 0) => {
    to.writeBigUInt64LE(value.tsNs, at + 0);
    Holder.encode(value.by, to, at + 8);
    to.writeUInt32LE(value.havip, at + 16);
    to.writeUInt16LE(value.kind, at + 20);
    to.writeUInt16LE(value.result, at + 22);
    return to;
  },
};

export interface ClaimKey {
  havip: number;
  port: number;
}

export const ClaimKey: Layout<ClaimKey> = {
  size: 8,
  decode: (from, at = 0) => ({
    havip: from.readUInt32LE(at + 0),
    port: from.readUInt32LE(at + 4),
  }),
  encode: (value, to = Buffer.alloc(8), at = 0) => {
    to.writeUInt32LE(value.havip, at + 0);
    to.writeUInt32LE(value.port, at + 4);
    return to;
  },
};

export interface Record {
  tsNs: bigint;
  decidedNs: bigint;
  doneNs: bigint;
  by: Holder;
  holder: Holder;
  former: Holder;
  havip: number;
  seq: number;
  generation: number;
  moves: number;
  kind: number;
  result: number;
  cause: number;
  vrid: number;
  priority: number;
  intervalCs: number;
  version: number;
  reserved: number;
}

export const Record: Layout<Record> = {
  size: 80,
  decode: (from, at = 0) => ({
    tsNs: from.readBigUInt64LE(at + 0),
    decidedNs: from.readBigUInt64LE(at + 8),
    doneNs: from.readBigUInt64LE(at + 16),
    by: Holder.decode(from, at + 24),
    holder: Holder.decode(from, at + 32),
    former: Holder.decode(from, at + 40),
    havip: from.readUInt32LE(at + 48),
    seq: from.readUInt32LE(at + 52),
    generation: from.readUInt32LE(at + 56),
    moves: from.readUInt32LE(at + 60),
    kind: from.readUInt16LE(at + 64),
    result: from.readUInt16LE(at + 66),
    cause: from.readUInt16LE(at + 68),
    vrid: from.readUInt8(at + 70),
    priority: from.readUInt8(at + 71),
    intervalCs: from.readUInt16LE(at + 72),
    version: from.readUInt16LE(at + 74),
    reserved: from.readUInt32LE(at + 76),
  }),
  encode: (value, to = Buffer.alloc(80), at = 0) => {
    to.writeBigUInt64LE(value.tsNs, at + 0);
    to.writeBigUInt64LE(value.decidedNs, at + 8);
    to.writeBigUInt64LE(value.doneNs, at + 16);
    Holder.encode(value.by, to, at + 24);
    Holder.encode(value.holder, to, at + 32);
    Holder.encode(value.former, to, at + 40);
    to.writeUInt32LE(value.havip, at + 48);
    to.writeUInt32LE(value.seq, at + 52);
    to.writeUInt32LE(value.generation, at + 56);
    to.writeUInt32LE(value.moves, at + 60);
    to.writeUInt16LE(value.kind, at + 64);
    to.writeUInt16LE(value.result, at + 66);
    to.writeUInt16LE(value.cause, at + 68);
    to.writeUInt8(value.vrid, at + 70);
    to.writeUInt8(value.priority, at + 71);
    to.writeUInt16LE(value.intervalCs, at + 72);
    to.writeUInt16LE(value.version, at + 74);
    to.writeUInt32LE(value.reserved, at + 76);
    return to;
  },
};

export interface RefusalKey {
  havip: number;
  port: number;
  result: number;
}

export const RefusalKey: Layout<RefusalKey> = {
  size: 12,
  decode: (from, at = 0) => ({
    havip: from.readUInt32LE(at + 0),
    port: from.readUInt32LE(at + 4),
    result: from.readUInt32LE(at + 8),
  }),
  encode: (value, to = Buffer.alloc(12), at = 0) => {
    to.writeUInt32LE(value.havip, at + 0);
    to.writeUInt32LE(value.port, at + 4);
    to.writeUInt32LE(value.result, at + 8);
    return to;
  },
};

export interface Refusal {
  total: bigint;
  toldNs: bigint;
  by: Holder;
  kind: bigint;
}

export const Refusal: Layout<Refusal> = {
  size: 32,
  decode: (from, at = 0) => ({
    total: from.readBigUInt64LE(at + 0),
    toldNs: from.readBigUInt64LE(at + 8),
    by: Holder.decode(from, at + 16),
    kind: from.readBigUInt64LE(at + 24),
  }),
  encode: (value, to = Buffer.alloc(32), at = 0) => {
    to.writeBigUInt64LE(value.total, at + 0);
    to.writeBigUInt64LE(value.toldNs, at + 8);
    Holder.encode(value.by, to, at + 16);
    to.writeBigUInt64LE(value.kind, at + 24);
    return to;
  },
};

export interface State {
  lock: Uint8Array;
  seq: number;
  window: Uint8Array;
  held: Holder;
  heldSinceNs: bigint;
  newest: Holder;
  newestNs: bigint;
  spokeNs: bigint;
  pending: Holder;
  pendingNs: bigint;
  pendingKind: number;
  moved: number;
  movedNs: bigint[];
  askedUntilNs: bigint;
}

export const State: Layout<State> = {
  size: 224,
  decode: (from, at = 0) => ({
    lock: from.subarray(at + 0, at + 4),
    seq: from.readUInt32LE(at + 4),
    window: from.subarray(at + 8, at + 24),
    held: Holder.decode(from, at + 24),
    heldSinceNs: from.readBigUInt64LE(at + 32),
    newest: Holder.decode(from, at + 40),
    newestNs: from.readBigUInt64LE(at + 48),
    spokeNs: from.readBigUInt64LE(at + 56),
    pending: Holder.decode(from, at + 64),
    pendingNs: from.readBigUInt64LE(at + 72),
    pendingKind: from.readUInt32LE(at + 80),
    moved: from.readUInt32LE(at + 84),
    movedNs: Array.from({ length: 16 }, (_, i) => from.readBigUInt64LE(at + 88 + 8 * i)),
    askedUntilNs: from.readBigUInt64LE(at + 216),
  }),
  encode: (value, to = Buffer.alloc(224), at = 0) => {
    to.set(value.lock, at + 0);
    to.writeUInt32LE(value.seq, at + 4);
    to.set(value.window, at + 8);
    Holder.encode(value.held, to, at + 24);
    to.writeBigUInt64LE(value.heldSinceNs, at + 32);
    Holder.encode(value.newest, to, at + 40);
    to.writeBigUInt64LE(value.newestNs, at + 48);
    to.writeBigUInt64LE(value.spokeNs, at + 56);
    Holder.encode(value.pending, to, at + 64);
    to.writeBigUInt64LE(value.pendingNs, at + 72);
    to.writeUInt32LE(value.pendingKind, at + 80);
    to.writeUInt32LE(value.moved, at + 84);
    value.movedNs.forEach((element, i) => to.writeBigUInt64LE(element, at + 88 + 8 * i));
    to.writeBigUInt64LE(value.askedUntilNs, at + 216);
    return to;
  },
};

export interface Advert {
  tsNs: bigint;
  toldNs: bigint;
  by: Holder;
  count: bigint;
  vrid: number;
  priority: number;
  intervalCs: number;
  version: number;
  firstNs: bigint;
  masterNs: bigint;
  masterPriority: bigint;
  resignedNs: bigint;
}

export const Advert: Layout<Advert> = {
  size: 72,
  decode: (from, at = 0) => ({
    tsNs: from.readBigUInt64LE(at + 0),
    toldNs: from.readBigUInt64LE(at + 8),
    by: Holder.decode(from, at + 16),
    count: from.readBigUInt64LE(at + 24),
    vrid: from.readUInt8(at + 32),
    priority: from.readUInt8(at + 33),
    intervalCs: from.readUInt16LE(at + 34),
    version: from.readUInt32LE(at + 36),
    firstNs: from.readBigUInt64LE(at + 40),
    masterNs: from.readBigUInt64LE(at + 48),
    masterPriority: from.readBigUInt64LE(at + 56),
    resignedNs: from.readBigUInt64LE(at + 64),
  }),
  encode: (value, to = Buffer.alloc(72), at = 0) => {
    to.writeBigUInt64LE(value.tsNs, at + 0);
    to.writeBigUInt64LE(value.toldNs, at + 8);
    Holder.encode(value.by, to, at + 16);
    to.writeBigUInt64LE(value.count, at + 24);
    to.writeUInt8(value.vrid, at + 32);
    to.writeUInt8(value.priority, at + 33);
    to.writeUInt16LE(value.intervalCs, at + 34);
    to.writeUInt32LE(value.version, at + 36);
    to.writeBigUInt64LE(value.firstNs, at + 40);
    to.writeBigUInt64LE(value.masterNs, at + 48);
    to.writeBigUInt64LE(value.masterPriority, at + 56);
    to.writeBigUInt64LE(value.resignedNs, at + 64);
    return to;
  },
};

export interface Speaker {
  tsNs: bigint;
  toldNs: bigint;
  count: bigint;
  probedNs: bigint;
}

export const Speaker: Layout<Speaker> = {
  size: 32,
  decode: (from, at = 0) => ({
    tsNs: from.readBigUInt64LE(at + 0),
    toldNs: from.readBigUInt64LE(at + 8),
    count: from.readBigUInt64LE(at + 16),
    probedNs: from.readBigUInt64LE(at + 24),
  }),
  encode: (value, to = Buffer.alloc(32), at = 0) => {
    to.writeBigUInt64LE(value.tsNs, at + 0);
    to.writeBigUInt64LE(value.toldNs, at + 8);
    to.writeBigUInt64LE(value.count, at + 16);
    to.writeBigUInt64LE(value.probedNs, at + 24);
    return to;
  },
};

export interface StationKey {
  subnet: number;
  mac: Uint8Array;
  reserved: number;
}

export const StationKey: Layout<StationKey> = {
  size: 12,
  decode: (from, at = 0) => ({
    subnet: from.readUInt32LE(at + 0),
    mac: from.subarray(at + 4, at + 10),
    reserved: from.readUInt16LE(at + 10),
  }),
  encode: (value, to = Buffer.alloc(12), at = 0) => {
    to.writeUInt32LE(value.subnet, at + 0);
    to.set(value.mac, at + 4);
    to.writeUInt16LE(value.reserved, at + 10);
    return to;
  },
};

export interface Stationed {
  port: number;
  reserved: number;
  toldNs: bigint;
}

export const Stationed: Layout<Stationed> = {
  size: 16,
  decode: (from, at = 0) => ({
    port: from.readUInt32LE(at + 0),
    reserved: from.readUInt32LE(at + 4),
    toldNs: from.readBigUInt64LE(at + 8),
  }),
  encode: (value, to = Buffer.alloc(16), at = 0) => {
    to.writeUInt32LE(value.port, at + 0);
    to.writeUInt32LE(value.reserved, at + 4);
    to.writeBigUInt64LE(value.toldNs, at + 8);
    return to;
  },
};

export interface Command {
  reserved: Uint8Array;
  op: number;
  havip: number;
  by: Holder;
  tsNs: bigint;
  kind: number;
  result: number;
  seq: number;
  count: number;
  done: number;
  unused: number;
  record: Record;
}

export const Command: Layout<Command> = {
  size: 144,
  decode: (from, at = 0) => ({
    reserved: from.subarray(at + 0, at + 16),
    op: from.readUInt32LE(at + 16),
    havip: from.readUInt32LE(at + 20),
    by: Holder.decode(from, at + 24),
    tsNs: from.readBigUInt64LE(at + 32),
    kind: from.readUInt32LE(at + 40),
    result: from.readUInt32LE(at + 44),
    seq: from.readUInt32LE(at + 48),
    count: from.readUInt32LE(at + 52),
    done: from.readUInt32LE(at + 56),
    unused: from.readUInt32LE(at + 60),
    record: Record.decode(from, at + 64),
  }),
  encode: (value, to = Buffer.alloc(144), at = 0) => {
    to.set(value.reserved, at + 0);
    to.writeUInt32LE(value.op, at + 16);
    to.writeUInt32LE(value.havip, at + 20);
    Holder.encode(value.by, to, at + 24);
    to.writeBigUInt64LE(value.tsNs, at + 32);
    to.writeUInt32LE(value.kind, at + 40);
    to.writeUInt32LE(value.result, at + 44);
    to.writeUInt32LE(value.seq, at + 48);
    to.writeUInt32LE(value.count, at + 52);
    to.writeUInt32LE(value.done, at + 56);
    to.writeUInt32LE(value.unused, at + 60);
    Record.encode(value.record, to, at + 64);
    return to;
  },
};

export interface Guest {
  port: number;
  generation: number;
}

export const Guest: Layout<Guest> = {
  size: 8,
  decode: (from, at = 0) => ({
    port: from.readUInt32LE(at + 0),
    generation: from.readUInt32LE(at + 4),
  }),
  encode: (value, to = Buffer.alloc(8), at = 0) => {
    to.writeUInt32LE(value.port, at + 0);
    to.writeUInt32LE(value.generation, at + 4);
    return to;
  },
};

export interface Trace {
  reason: number;
  subnet: number;
  havip: number;
  found: number;
  eip: Uint8Array;
  reserved: number;
  holder: Holder;
}

export const Trace: Layout<Trace> = {
  size: 32,
  decode: (from, at = 0) => ({
    reason: from.readUInt32LE(at + 0),
    subnet: from.readUInt32LE(at + 4),
    havip: from.readUInt32LE(at + 8),
    found: from.readUInt32LE(at + 12),
    eip: from.subarray(at + 16, at + 20),
    reserved: from.readUInt32LE(at + 20),
    holder: Holder.decode(from, at + 24),
  }),
  encode: (value, to = Buffer.alloc(32), at = 0) => {
    to.writeUInt32LE(value.reason, at + 0);
    to.writeUInt32LE(value.subnet, at + 4);
    to.writeUInt32LE(value.havip, at + 8);
    to.writeUInt32LE(value.found, at + 12);
    to.set(value.eip, at + 16);
    to.writeUInt32LE(value.reserved, at + 20);
    Holder.encode(value.holder, to, at + 24);
    return to;
  },
};

export interface Station {
  who: Holder;
  seenNs: bigint;
  tick: bigint;
}

export const Station: Layout<Station> = {
  size: 24,
  decode: (from, at = 0) => ({
    who: Holder.decode(from, at + 0),
    seenNs: from.readBigUInt64LE(at + 8),
    tick: from.readBigUInt64LE(at + 16),
  }),
  encode: (value, to = Buffer.alloc(24), at = 0) => {
    Holder.encode(value.who, to, at + 0);
    to.writeBigUInt64LE(value.seenNs, at + 8);
    to.writeBigUInt64LE(value.tick, at + 16);
    return to;
  },
};

export interface Tenure {
  sinceNs: bigint;
  firstToNs: bigint;
  lastToNs: bigint;
  firstFromNs: bigint;
  lastFromNs: bigint;
  missedNs: bigint;
  missed: bigint;
}

export const Tenure: Layout<Tenure> = {
  size: 56,
  decode: (from, at = 0) => ({
    sinceNs: from.readBigUInt64LE(at + 0),
    firstToNs: from.readBigUInt64LE(at + 8),
    lastToNs: from.readBigUInt64LE(at + 16),
    firstFromNs: from.readBigUInt64LE(at + 24),
    lastFromNs: from.readBigUInt64LE(at + 32),
    missedNs: from.readBigUInt64LE(at + 40),
    missed: from.readBigUInt64LE(at + 48),
  }),
  encode: (value, to = Buffer.alloc(56), at = 0) => {
    to.writeBigUInt64LE(value.sinceNs, at + 0);
    to.writeBigUInt64LE(value.firstToNs, at + 8);
    to.writeBigUInt64LE(value.lastToNs, at + 16);
    to.writeBigUInt64LE(value.firstFromNs, at + 24);
    to.writeBigUInt64LE(value.lastFromNs, at + 32);
    to.writeBigUInt64LE(value.missedNs, at + 40);
    to.writeBigUInt64LE(value.missed, at + 48);
    return to;
  },
};

export interface Sightings {
  one: Tenure;
  other: Tenure;
}

export const Sightings: Layout<Sightings> = {
  size: 112,
  decode: (from, at = 0) => ({
    one: Tenure.decode(from, at + 0),
    other: Tenure.decode(from, at + 56),
  }),
  encode: (value, to = Buffer.alloc(112), at = 0) => {
    Tenure.encode(value.one, to, at + 0);
    Tenure.encode(value.other, to, at + 56);
    return to;
  },
};

export interface Stamps {
  tick: number;
  left: number;
}

export const Stamps: Layout<Stamps> = {
  size: 8,
  decode: (from, at = 0) => ({
    tick: from.readUInt32LE(at + 0),
    left: from.readUInt32LE(at + 4),
  }),
  encode: (value, to = Buffer.alloc(8), at = 0) => {
    to.writeUInt32LE(value.tick, at + 0);
    to.writeUInt32LE(value.left, at + 4);
    return to;
  },
};

export interface Traffic {
  packets: bigint;
  bytes: bigint;
  saved: bigint;
  unheld: bigint;
  fromHolder: bigint;
  fromOthers: bigint;
  stamped: bigint;
  reserved: bigint;
}

export const Traffic: Layout<Traffic> = {
  size: 64,
  decode: (from, at = 0) => ({
    packets: from.readBigUInt64LE(at + 0),
    bytes: from.readBigUInt64LE(at + 8),
    saved: from.readBigUInt64LE(at + 16),
    unheld: from.readBigUInt64LE(at + 24),
    fromHolder: from.readBigUInt64LE(at + 32),
    fromOthers: from.readBigUInt64LE(at + 40),
    stamped: from.readBigUInt64LE(at + 48),
    reserved: from.readBigUInt64LE(at + 56),
  }),
  encode: (value, to = Buffer.alloc(64), at = 0) => {
    to.writeBigUInt64LE(value.packets, at + 0);
    to.writeBigUInt64LE(value.bytes, at + 8);
    to.writeBigUInt64LE(value.saved, at + 16);
    to.writeBigUInt64LE(value.unheld, at + 24);
    to.writeBigUInt64LE(value.fromHolder, at + 32);
    to.writeBigUInt64LE(value.fromOthers, at + 40);
    to.writeBigUInt64LE(value.stamped, at + 48);
    to.writeBigUInt64LE(value.reserved, at + 56);
    return to;
  },
};

export interface PortCounters {
  frames: bigint[];
  watched: bigint;
  stamped: bigint;
}

export const PortCounters: Layout<PortCounters> = {
  size: 488,
  decode: (from, at = 0) => ({
    frames: Array.from({ length: 59 }, (_, i) => from.readBigUInt64LE(at + 0 + 8 * i)),
    watched: from.readBigUInt64LE(at + 472),
    stamped: from.readBigUInt64LE(at + 480),
  }),
  encode: (value, to = Buffer.alloc(488), at = 0) => {
    value.frames.forEach((element, i) => to.writeBigUInt64LE(element, at + 0 + 8 * i));
    to.writeBigUInt64LE(value.watched, at + 472);
    to.writeBigUInt64LE(value.stamped, at + 480);
    return to;
  },
};

export interface ClaimCounters {
  claims: bigint[];
}

export const ClaimCounters: Layout<ClaimCounters> = {
  size: 2400,
  decode: (from, at = 0) => ({
    claims: Array.from({ length: 300 }, (_, i) => from.readBigUInt64LE(at + 0 + 8 * i)),
  }),
  encode: (value, to = Buffer.alloc(2400), at = 0) => {
    value.claims.forEach((element, i) => to.writeBigUInt64LE(element, at + 0 + 8 * i));
    return to;
  },
};

export interface Losses {
  ringFull: bigint;
  claimsFull: bigint;
}

export const Losses: Layout<Losses> = {
  size: 16,
  decode: (from, at = 0) => ({
    ringFull: from.readBigUInt64LE(at + 0),
    claimsFull: from.readBigUInt64LE(at + 8),
  }),
  encode: (value, to = Buffer.alloc(16), at = 0) => {
    to.writeBigUInt64LE(value.ringFull, at + 0);
    to.writeBigUInt64LE(value.claimsFull, at + 8);
    return to;
  },
};
