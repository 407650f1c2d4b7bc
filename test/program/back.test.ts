// SPDX-License-Identifier: BSD-2-Clause
// A holder behind the very uplink that a frame comes in by: back out goes only what a stale sender on the wire still
// addresses to a former holder here, with the uplink's own MAC as source and one hop less.
import test from 'ava';
import { ipv4, ipv6, type IpFields } from './frames.js';
import { HOLDER, PEER_V4, PEER_V6, SENDER, STALE, tagged } from './names.js';
import { row } from './observe.js';
import { OWN_MAC, TAG, V4, V6, type Situation } from './world.js';

const there: Situation = {
  in: 'uplink',
  held: { v4: ['uplink', HOLDER], v6: ['uplink', HOLDER] },
  stationed: [[STALE, 'guest']],
};
const stale = { to: STALE, from: SENDER };
const sent = { to: HOLDER, from: OWN_MAC };
const to4: IpFields = { source: PEER_V4, destination: V4 };
const to6: IpFields = { source: PEER_V6, destination: V6 };

test.serial('IPv4', row, there, ipv4(stale, to4), {
  reason: 'REDIRECT_BACK',
  out: ipv4(sent, { ...to4, ttl: 63 }),
});
test.serial('IPv6', row, there, ipv6(stale, to6), {
  reason: 'REDIRECT_BACK',
  out: ipv6(sent, { ...to6, ttl: 63 }),
});
test.serial('under a priority tag', row, there, ipv4({ ...stale, ...tagged(0) }, to4), {
  reason: 'REDIRECT_BACK',
  out: ipv4({ ...sent, ...tagged(0) }, { ...to4, ttl: 63 }),
});
test.serial(
  "with another fragment's header and options",
  row,
  there,
  ipv4(stale, { ...to4, fragment: 0x2001, options: Buffer.alloc(4, 1) }),
  {
    reason: 'REDIRECT_BACK',
    out: ipv4(sent, { ...to4, fragment: 0x2001, options: Buffer.alloc(4, 1), ttl: 63 }),
  },
);
for (const ttl of [255, 128, 3, 2]) {
  test.serial(`a TTL of ${ttl}`, row, there, ipv4(stale, { ...to4, ttl }), {
    reason: 'REDIRECT_BACK',
    out: ipv4(sent, { ...to4, ttl: ttl - 1 }),
  });
}
for (const ttl of [1, 0]) {
  test.serial(`a TTL of ${ttl} has gone in circles`, row, there, ipv4(stale, { ...to4, ttl }), {
    reason: 'DROP_TTL',
  });
  test.serial(`a hop limit of ${ttl}`, row, there, ipv6(stale, { ...to6, ttl }), { reason: 'DROP_TTL' });
}

test.serial(
  'a copy that the wire has flooded is left alone',
  row,
  { ...there, stationed: [] },
  ipv4(stale, to4),
  {
    reason: 'PASS_SAME_PORT',
  },
);
test.serial(
  "addressed to the holder's own MAC, it is on its way",
  row,
  there,
  ipv4({ ...stale, to: HOLDER }, to4),
  {
    reason: 'PASS_SAME_PORT',
  },
);
test.serial(
  'what a remote director hands to a real server here',
  row,
  there,
  ipv4({ ...stale, from: HOLDER }, to4),
  {
    reason: 'PASS_FROM_HOLDER',
  },
);
test.serial(
  'a former holder behind an uplink is none of ours',
  row,
  { ...there, stationed: [[STALE, 'uplink2']] },
  ipv4(stale, to4),
  {
    reason: 'PASS_SAME_PORT',
  },
);
test.serial(
  'a former holder that has left',
  row,
  { ...there, stationed: [[STALE, 'gone']] },
  ipv4(stale, to4),
  {
    reason: 'PASS_SAME_PORT',
  },
);
test.serial(
  "a former holder's port that is another guest's now",
  row,
  { ...there, stationed: [[STALE, 'guest', 7]] },
  ipv4(stale, to4),
  {
    reason: 'PASS_SAME_PORT',
  },
);
test.serial(
  'a former holder of another broadcast domain',
  row,
  { ...there, held: { tagged: ['uplink', HOLDER] } },
  ipv4({ ...stale, ...tagged(TAG.outer) }, to4),
  {
    reason: 'PASS_SAME_PORT',
  },
);
test.serial(
  'never to another uplink',
  row,
  { ...there, held: { v4: ['uplink2', HOLDER] } },
  ipv4(stale, to4),
  {
    reason: 'PASS_UPLINK',
  },
);
test.serial(
  'a guest is no wire',
  row,
  { ...there, in: 'guest', held: { v4: ['guest', HOLDER] } },
  ipv4(stale, to4),
  {
    reason: 'PASS_SAME_PORT',
  },
);
test.serial(
  'an uplink that cannot send from XDP',
  row,
  { ...there, in: 'dumbUplink', held: { v4: ['dumbUplink', HOLDER] } },
  ipv4(stale, to4),
  {
    reason: 'REDIRECT_BACK',
    out: ipv4(sent, { ...to4, ttl: 63 }),
    xdp: { reason: 'PASS_NO_WAY_BACK', out: ipv4(stale, to4) },
  },
);
