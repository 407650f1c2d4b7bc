// SPDX-License-Identifier: BSD-2-Clause
// What the doctor reads from netlink, out of messages as the kernel builds them, the foreign and the short included.
import test from 'ava';
import { parseBridgeVlans } from '../../src/net/bridge-vlans.js';
import { parseDevice } from '../../src/net/devices.js';
import { parseFilter, parseQdisc } from '../../src/net/filters.js';
import { parseHostAddress } from '../../src/net/host-addresses.js';
import {
  buildAttribute,
  buildGeneric,
  buildString,
  buildU32,
  type NetlinkMessage,
} from '../../src/net/netlink.js';
import { parseOffloads } from '../../src/net/offloads.js';

const message = (type: number, head: Buffer, attributes: readonly Buffer[]): NetlinkMessage => ({
  type,
  flags: 2,
  sequence: 1,
  portId: 0,
  payload: Buffer.concat([head, ...attributes]),
});

const nested = (type: number, ...attributes: readonly Buffer[]): Buffer =>
  buildAttribute(type, Buffer.concat(attributes));
const u8 = (type: number, value: number): Buffer => buildAttribute(type, Buffer.from([value]));

function linkHead(ifindex: number, family = 0): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt8(family, 0);
  head.writeInt32LE(ifindex, 4);
  head.writeUInt32LE(0x10001, 8);
  return head;
}

test('a bridge has its settings, and what other queriers say', (t) => {
  const data = nested(
    2,
    buildU32(1, 1500),
    buildU32(5, 1),
    u8(7, 1),
    u8(14, 1),
    u8(23, 1),
    nested(47, buildU32(7, 1)),
    u8(38, 1),
  );
  const info = nested(18, buildString(1, 'bridge'), data);
  const device = parseDevice(message(16, linkHead(3), [buildString(3, 'br0'), buildU32(4, 1500), info]));
  t.deepEqual(device?.bridge, {
    stp: true,
    topologyChange: true,
    forwardDelayMs: 15_000,
    vlanFiltering: true,
    snooping: true,
    ipv4Querier: false,
    ipv6Querier: true,
    netfilter: true,
  });
  t.is(device?.port, null);
});

test('a port has its flags; what a kernel does not tell is as usual', (t) => {
  const slave = nested(
    18,
    buildString(1, 'veth'),
    buildString(4, 'bridge'),
    nested(5, u8(1, 4), u8(8, 0), u8(33, 1)),
  );
  const xdp = nested(43, u8(2, 2), buildU32(4, 77), buildU32(6, 77));
  const device = parseDevice(message(16, linkHead(4), [buildString(3, 'v0'), buildU32(4, 1500), slave, xdp]));
  t.like(device?.port, {
    state: 'blocking',
    learning: false,
    isolated: true,
    hairpin: false,
    broadcastFlood: true,
  });
  t.deepEqual(device?.xdp, [{ mode: 'generic', programId: 77 }]);
  t.is(device?.link.up, true);
});

test('a bridge’s own affair and a message that is none are no devices', (t) => {
  t.is(parseDevice(message(16, linkHead(4, 7), [])), undefined);
  t.is(parseDevice(message(17, linkHead(4), [])), undefined);
  t.is(parseDevice(message(16, Buffer.alloc(4), [])), undefined);
});

function tcHead(ifindex: number, handle: number, info = 0): Buffer {
  const head = Buffer.alloc(20);
  head.writeInt32LE(ifindex, 4);
  head.writeUInt32LE(handle, 8);
  head.writeUInt32LE(info, 16);
  return head;
}

test('a filter has its program; tables and heads of chains are none', (t) => {
  const bpf = [buildString(1, 'bpf'), nested(2, buildU32(11, 42))];
  t.deepEqual(parseFilter(message(44, tcHead(2, 1, 0x04a10300), bpf), 'egress'), {
    direction: 'egress',
    kind: 'bpf',
    handle: 1,
    priority: 0x4a1,
    programId: 42,
  });
  t.is(parseFilter(message(44, tcHead(2, 0), bpf), 'ingress'), undefined);
  t.is(parseFilter(message(44, tcHead(2, 0x80000000), [buildString(1, 'u32')]), 'ingress'), undefined);
  t.like(parseFilter(message(44, tcHead(2, 0x80000800), [buildString(1, 'u32')]), 'ingress'), {
    programId: 0,
  });
});

test('clsact and ingress qdiscs count, others do not', (t) => {
  const of = (kind: string) => parseQdisc(message(36, tcHead(9, 0xffff0000), [buildString(1, kind)]));
  t.deepEqual([of('clsact'), of('ingress'), of('fq_codel')], [9, 9, undefined]);
});

test('of an offload’s bits those that are on are named', (t) => {
  const bit = (name: string): Buffer => nested(1, buildU32(1, 3), buildString(2, name));
  const active = nested(
    4,
    buildAttribute(1, Buffer.alloc(0)),
    buildU32(2, 64),
    nested(3, bit('rx-lro'), bit('rx-gro')),
  );
  const payload = buildGeneric(11, 1, [nested(1, buildU32(1, 6), buildString(2, 'eth0')), active]);
  const found = parseOffloads({ type: 20, flags: 2, sequence: 1, portId: 0, payload });
  t.deepEqual(found, { ifindex: 6, active: new Set(['rx-lro', 'rx-gro']) });
  t.is(
    parseOffloads({ type: 20, flags: 2, sequence: 1, portId: 0, payload: buildGeneric(11, 1) }),
    undefined,
  );
});

test('the VLANs of a port', (t) => {
  const vlan = (flags: number, id: number): Buffer => {
    const info = Buffer.alloc(4);
    info.writeUInt16LE(flags, 0);
    info.writeUInt16LE(id, 2);
    return buildAttribute(2, info);
  };
  const found = parseBridgeVlans(message(16, linkHead(5, 7), [nested(26, vlan(6, 1), vlan(0, 100))]));
  t.deepEqual(found, {
    ifindex: 5,
    vlans: [
      { id: 1, pvid: true, untagged: true },
      { id: 100, pvid: false, untagged: false },
    ],
  });
});

test('an address is the host’s own, not its peer’s', (t) => {
  const head = Buffer.from([2, 32, 0, 0, 7, 0, 0, 0]);
  const pair = [buildAttribute(1, Buffer.from([10, 0, 0, 2])), buildAttribute(2, Buffer.from([10, 0, 0, 1]))];
  t.deepEqual(parseHostAddress(message(20, head, pair)), { ifindex: 7, address: '10.0.0.1', prefix: 32 });
  t.is(parseHostAddress(message(20, head, [buildAttribute(1, Buffer.from([1]))])), undefined);
});
