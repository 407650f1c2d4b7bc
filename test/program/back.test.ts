// SPDX-License-Identifier: BSD-2-Clause
// A holder behind the very uplink that a frame comes in by: back out goes only what a stale sender on the wire still
// addresses to a guest here, with the uplink's own MAC as source and one hop less.
import test from 'ava';
import { ipv4, ipv6, type IpFields } from './frames.js';
import { HOLDER, packet4, PEER_V4, PEER_V6, probe, SENDER, STALE, tagged } from './names.js';
import { addressBytes, formatMac } from '../../src/net/addresses.js';
import { row, run, world } from './observe.js';
import { OWN_MAC, PORTS, TAG, V4, V6, type Situation } from './world.js';

const there: Situation = {
  in: 'uplink',
  held: { v4: ['uplink', HOLDER], v6: ['uplink', HOLDER] },
  guests: [[STALE, 'guest']],
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
  { ...there, guests: [] },
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
  'a guest behind an uplink is none of ours',
  row,
  { ...there, guests: [[STALE, 'uplink2']] },
  ipv4(stale, to4),
  {
    reason: 'PASS_SAME_PORT',
  },
);
test.serial('a guest that has left', row, { ...there, guests: [[STALE, 'gone']] }, ipv4(stale, to4), {
  reason: 'PASS_SAME_PORT',
});
test.serial(
  "a guest's port that is another guest's now",
  row,
  { ...there, guests: [[STALE, 'guest', 7]] },
  ipv4(stale, to4),
  {
    reason: 'PASS_SAME_PORT',
  },
);
test.serial(
  'a guest of another broadcast domain',
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
test.serial('who is a guest is learned from ARP and ND, and forgotten when the wire says otherwise', (t) => {
  const guests = (): string[] =>
    [...world.tables.guests.entries()].map(
      ([key, { port, generation }]) => `${formatMac(key.mac)} ${port} ${generation}`,
    );
  world.arrange({ shared: true });
  run('ingress', packet4());
  t.deepEqual(guests(), [], 'data says nothing');
  run('ingress', probe({ targetIp: '10.0.1.99' }));
  t.deepEqual(guests(), [`${SENDER} ${PORTS.guest.slot} 1`]);
  world.writePort({ shared: true, in: 'tap' });
  run('xdp', neighbourSolicitation());
  t.deepEqual(guests(), [`${SENDER} ${PORTS.tap.slot} 1`]);
  world.writePort({ shared: true, in: 'uplink' });
  run('xdp', probe({ targetIp: '10.0.1.99' }));
  t.deepEqual(guests(), []);
  world.writePort({ in: 'guest' });
  run('ingress', probe({ targetIp: '10.0.1.99' }));
  t.deepEqual(guests(), [], 'a bridge without an uplink has no wire');
});

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

function neighbourSolicitation(): Buffer {
  const payload = Buffer.concat([
    Buffer.from([135, 0, 0, 0, 0, 0, 0, 0]),
    Buffer.from(addressBytes('fd00:1::99')),
  ]);
  return ipv6(
    { to: '33:33:00:00:00:01', from: SENDER },
    { source: PEER_V6, destination: 'ff02::1', protocol: 58, ttl: 255, payload },
  );
}
