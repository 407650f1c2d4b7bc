// SPDX-License-Identifier: BSD-2-Clause
// Packets to a HAVIP, through every entry: who gets them, with which MAC, and what is counted. Whatever is no
// HAVIP's leaves byte for byte as it came.
import test from 'ava';
import { POLICY_FLAGS } from '../../src/kernel/layout.gen.js';
import { arp, BROADCAST, ethernet, ipv4, ipv6 } from './frames.js';
import { HOLDER, packet4, packet6, PEER_V4, PEER_V6, SENDER, sized4, STALE } from './names.js';
import { row } from './observe.js';
import { V4, V6, type Situation } from './world.js';

const link = { to: STALE, from: SENDER };
const byOther: Situation = { held: { v4: ['other', HOLDER], v6: ['other', HOLDER] } };
const from = (mac: string) => ({ to: STALE, from: mac });

test.serial(
  'LLDP is neither IP nor ARP and passes',
  row,
  byOther,
  ethernet(link, 0x88cc, Buffer.alloc(46, 7)),
  {
    reason: 'PASS_NOT_IP',
  },
);
test.serial('an 802.3 frame with a length passes', row, byOther, ethernet(link, 46, Buffer.alloc(46, 7)), {
  reason: 'PASS_NOT_IP',
});
test.serial(
  'IPv4 to an address that is no HAVIP passes, whatever its source',
  row,
  byOther,
  ipv4(link, { source: V4, destination: PEER_V4 }),
  { reason: 'PASS_NOT_HAVIP' },
);
test.serial(
  'IPv6 to an address that is no HAVIP passes, whatever its source',
  row,
  byOther,
  ipv6(link, { source: V6, destination: PEER_V6 }),
  { reason: 'PASS_NOT_HAVIP' },
);
test.serial(
  'IPv6 to the mapped form of an IPv4 HAVIP is not to that HAVIP',
  row,
  byOther,
  ipv6(link, { source: PEER_V6, destination: '::' }).fill(
    Buffer.from('00000000000000000000ffff0a000132', 'hex'),
    38,
    54,
  ),
  { reason: 'PASS_NOT_HAVIP' },
);
test.serial('IPv4 to a HAVIP is rewritten and redirected', row, byOther, packet4(), {
  reason: 'REDIRECT_HOLDER',
  to: HOLDER,
  delivered: ['v4', 1],
});
test.serial('IPv6 to a HAVIP is rewritten and redirected', row, byOther, packet6(), {
  reason: 'REDIRECT_HOLDER',
  to: HOLDER,
  delivered: ['v6', 1],
});
test.serial(
  'a packet with the right MAC is redirected, and not counted as saved',
  row,
  byOther,
  packet4(HOLDER),
  {
    reason: 'REDIRECT_HOLDER',
    to: HOLDER,
    delivered: ['v4', 0],
  },
);
test.serial(
  'one wrong bit in the last byte of the MAC is a stale MAC',
  row,
  byOther,
  packet4('02:00:00:00:00:03'),
  { reason: 'REDIRECT_HOLDER', to: HOLDER, delivered: ['v4', 1] },
);
test.serial(
  'IPv4 options do not hide the destination',
  row,
  byOther,
  ipv4(link, { source: PEER_V4, destination: V4, options: Buffer.from('9404000001010100', 'hex') }),
  { reason: 'REDIRECT_HOLDER', to: HOLDER, delivered: ['v4', 1] },
);
test.serial(
  'the first fragment of an IPv4 packet is delivered',
  row,
  byOther,
  ipv4(link, { source: PEER_V4, destination: V4, fragment: 0x2000 }),
  { reason: 'REDIRECT_HOLDER', to: HOLDER, delivered: ['v4', 1] },
);
test.serial(
  'a later fragment of an IPv4 packet is delivered',
  row,
  byOther,
  ipv4(link, { source: PEER_V4, destination: V4, fragment: 0x00b9 }),
  { reason: 'REDIRECT_HOLDER', to: HOLDER, delivered: ['v4', 1] },
);
test.serial(
  'an IPv6 fragment header does not hide the destination',
  row,
  byOther,
  ipv6(link, {
    source: PEER_V6,
    destination: V6,
    protocol: 44,
    options: Buffer.from('1100000112345678', 'hex'),
  }),
  { reason: 'REDIRECT_HOLDER', to: HOLDER, delivered: ['v6', 1] },
);
test.serial('an IPv4 header without anything behind it is enough', row, byOther, packet4().subarray(0, 34), {
  reason: 'REDIRECT_HOLDER',
  to: HOLDER,
  delivered: ['v4', 1],
});
test.serial('a broadcast frame to a HAVIP is not made unicast', row, byOther, packet4(BROADCAST), {
  reason: 'PASS_GROUP_MAC',
});
test.serial('a multicast frame to a HAVIP is not made unicast', row, byOther, packet4('01:00:5e:00:00:12'), {
  reason: 'PASS_GROUP_MAC',
});
test.serial('a group frame to an unheld HAVIP is not counted as unheld', row, {}, packet4(BROADCAST), {
  reason: 'PASS_GROUP_MAC',
});

const bySender: Situation = { held: { v4: ['guest', SENDER] } };

test.serial('what the holder itself sends to its HAVIP passes untouched (LVS-DR)', row, bySender, packet4(), {
  reason: 'PASS_FROM_HOLDER',
});
test.serial(
  "another station on the holder's port is left to what is behind that port",
  row,
  { held: { v4: ['guest', HOLDER] } },
  packet4(),
  { reason: 'PASS_SAME_PORT' },
);
test.serial(
  "the holder's MAC on another port is a sender like any other",
  row,
  byOther,
  ipv4(from(HOLDER), { source: PEER_V4, destination: V4 }),
  { reason: 'REDIRECT_HOLDER', to: HOLDER, delivered: ['v4', 1] },
);
test.serial(
  'a remote director behind the same uplink addresses a real server here',
  row,
  { in: 'uplink', held: { v4: ['uplink', SENDER] } },
  packet4(),
  { reason: 'PASS_FROM_HOLDER' },
);
test.serial(
  'from an uplink to a holder behind the same uplink: the wire delivers it',
  row,
  { in: 'uplink', held: { v4: ['uplink', HOLDER] } },
  packet4(),
  { reason: 'PASS_SAME_PORT' },
);
test.serial(
  'never from one uplink to another',
  row,
  { in: 'uplink', held: { v4: ['uplink2', HOLDER] } },
  packet4(),
  { reason: 'PASS_UPLINK' },
);
test.serial('from an uplink to a guest', row, { ...byOther, in: 'uplink' }, packet4(), {
  reason: 'REDIRECT_HOLDER',
  to: HOLDER,
  delivered: ['v4', 1],
});
test.serial(
  'from a guest to a holder behind an uplink',
  row,
  { held: { v4: ['uplink', HOLDER] } },
  packet4(),
  {
    reason: 'REDIRECT_HOLDER',
    to: HOLDER,
    delivered: ['v4', 1],
  },
);
test.serial('from the host to a guest', row, { ...byOther, in: 'host' }, packet4(), {
  reason: 'REDIRECT_HOLDER',
  to: HOLDER,
  delivered: ['v4', 1],
});
test.serial(
  'to the host as holder: rewritten, and the bridge hands it up',
  row,
  { held: { v4: ['host', HOLDER] } },
  packet4(),
  { reason: 'REWRITE_HOST', to: HOLDER, delivered: ['v4', 1] },
);

test.serial('nobody holds it: counted and passed', row, {}, packet4(), {
  reason: 'PASS_UNHELD',
  unheld: 'v4',
});
test.serial('nobody holds it: counted and passed (IPv6)', row, {}, packet6(), {
  reason: 'PASS_UNHELD',
  unheld: 'v6',
});
test.serial(
  'nobody holds it and `unheld: drop`: dropped',
  row,
  { flags: POLICY_FLAGS.OPEN | POLICY_FLAGS.UNHELD_DROP },
  packet4(),
  { reason: 'DROP_UNHELD', unheld: 'v4' },
);
test.serial(
  '`unheld: drop` drops nothing while somebody holds it',
  row,
  { ...byOther, flags: POLICY_FLAGS.OPEN | POLICY_FLAGS.UNHELD_DROP },
  packet4(),
  { reason: 'REDIRECT_HOLDER', to: HOLDER, delivered: ['v4', 1] },
);

test.serial("the holder's port has just left", row, { held: { v4: ['gone', HOLDER] } }, packet4(), {
  reason: 'PASS_PORT_GONE',
});
test.serial(
  'the device left between the two maps: XDP falls back to the bridge',
  row,
  { held: { v4: ['unmapped', HOLDER] } },
  packet4(),
  { reason: 'REDIRECT_HOLDER', to: HOLDER, delivered: ['v4', 1], xdp: { reason: 'REWRITE_NO_REDIRECT' } },
);
test.serial(
  "a holder's port that takes no frames from XDP is reached over the bridge",
  row,
  { held: { v4: ['noXdp', HOLDER] } },
  packet4(),
  { reason: 'REDIRECT_HOLDER', to: HOLDER, delivered: ['v4', 1], xdp: { reason: 'REWRITE_NO_REDIRECT' } },
);
test.serial('a tap takes redirected frames', row, { held: { v4: ['tap', HOLDER] } }, packet4(), {
  reason: 'REDIRECT_HOLDER',
  to: HOLDER,
  delivered: ['v4', 1],
});

const bySmall: Situation = { held: { v4: ['small', HOLDER] } };
test.serial('the longest frame that an MTU of 100 takes, tag included', row, bySmall, sized4(118), {
  reason: 'REDIRECT_HOLDER',
  to: HOLDER,
  delivered: ['v4', 1],
});
test.serial("one byte more than the holder's MTU: the bridge decides", row, bySmall, sized4(119), {
  reason: 'REWRITE_TOO_LONG',
  to: HOLDER,
  delivered: ['v4', 1],
});
test.serial(
  'a frame in several buffers to a port that takes only one',
  row,
  { held: { v4: ['jumbo', HOLDER] } },
  sized4(8000),
  { reason: 'REWRITE_NO_REDIRECT', to: HOLDER, delivered: ['v4', 1] },
  ['xdp'],
);
test.serial(
  'a frame in several buffers to a port that takes them',
  row,
  { held: { v4: ['jumboFrags', HOLDER] } },
  sized4(8000),
  { reason: 'REDIRECT_HOLDER', to: HOLDER, delivered: ['v4', 1] },
  ['xdp'],
);
test.serial(
  'a frame in several buffers that is too long for the port that takes them',
  row,
  byOther,
  sized4(8000),
  { reason: 'REWRITE_TOO_LONG', to: HOLDER, delivered: ['v4', 1] },
  ['xdp'],
);
test.serial(
  'an ARP question for a HAVIP by somebody else is ordinary ARP',
  row,
  byOther,
  arp({ to: BROADCAST, from: SENDER }, { senderIp: PEER_V4, targetIp: V4 }),
  { reason: 'PASS_NOT_HAVIP' },
);
