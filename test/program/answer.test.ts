// SPDX-License-Identifier: BSD-2-Clause
// `arp: proxy`: a question is answered from the map where it comes in, byte for byte as the holder would; probes, DAD
// and announcements never are, nor is anything for a HAVIP that nobody holds.
import test from 'ava';
import { POLICY_FLAGS } from '../../src/kernel/layout.gen.js';
import { addressBytes } from '../../src/net/addresses.js';
import { arp, BROADCAST, ipv6 } from './frames.js';
import {
  announceReply,
  announceRequest,
  arpBy,
  HOLDER,
  PEER_V4,
  PEER_V6,
  probe,
  SENDER,
  tagged,
} from './names.js';
import { row } from './observe.js';
import { SUBNET, TAG, V4, V6, type Situation } from './world.js';

const SERVICE = '02:00:00:00:00:5e';
const flags = POLICY_FLAGS.OPEN | POLICY_FLAGS.ARP_PROXY;
const held: Situation = {
  flags,
  held: { v4: ['other', HOLDER], v6: ['other', HOLDER], tagged: ['other', HOLDER] },
};

const asks = (fields = {}, link = {}): Buffer =>
  arpBy({ operation: 1, senderIp: PEER_V4, targetIp: V4, ...fields }, link);
const reply = (mac: string, link = {}): Buffer =>
  arp(
    { to: SENDER, from: mac, ...link },
    { operation: 2, senderMac: mac, senderIp: V4, targetMac: SENDER, targetIp: PEER_V4 },
  );
const answered = (mac: string, link = {}): { reason: 'REDIRECT_ANSWER'; out: Buffer } => ({
  reason: 'REDIRECT_ANSWER',
  out: reply(mac, link),
});

test.serial('a request, to everybody', row, held, asks(), answered(HOLDER));
test.serial(
  'a request to the MAC that the asker still believes in',
  row,
  held,
  asks({}, { to: '02:00:00:00:00:99' }),
  answered(HOLDER),
);
test.serial(
  'padded to Ethernet’s shortest',
  row,
  held,
  asks({}, { padTo: 60 }),
  answered(HOLDER, { padTo: 60 }),
);
test.serial(
  'in a tagged subnet',
  row,
  held,
  asks({}, tagged(TAG.outer)),
  answered(HOLDER, tagged(TAG.outer)),
);
test.serial('with a service MAC', row, { ...held, serviceMac: SERVICE }, asks(), answered(SERVICE));
test.serial('from the wire, to a holder here', row, { ...held, in: 'uplink' }, asks(), answered(HOLDER));
test.serial(
  'from a guest, to a holder on the wire',
  row,
  { ...held, held: { v4: ['uplink', HOLDER] } },
  asks(),
  answered(HOLDER),
);
test.serial('from the host', row, { ...held, in: 'host' }, asks(), {
  ...answered(HOLDER),
  xdp: { reason: 'PASS_NOT_HAVIP', out: asks() },
});

const left = (reason: 'PASS_NOT_HAVIP' | 'PASS_INTENT'): { reason: typeof reason } => ({ reason });
test.serial('nobody holds it', row, { flags }, asks(), left('PASS_NOT_HAVIP'));
test.serial(
  'the holder has left',
  row,
  { ...held, held: { v4: ['gone', HOLDER] } },
  asks(),
  left('PASS_NOT_HAVIP'),
);
test.serial('not asked for', row, { ...held, flags: POLICY_FLAGS.OPEN }, asks(), left('PASS_NOT_HAVIP'));
test.serial(
  'the holder is behind the port that asks',
  row,
  { ...held, in: 'other' },
  asks(),
  left('PASS_NOT_HAVIP'),
);
test.serial(
  'from one uplink, to a holder behind another',
  row,
  { ...held, in: 'uplink', held: { v4: ['uplink2', HOLDER] } },
  asks(),
  left('PASS_NOT_HAVIP'),
);
test.serial('about another address', row, held, asks({ targetIp: '10.0.1.99' }), left('PASS_NOT_HAVIP'));
test.serial(
  'under another subnet’s tag',
  row,
  { ...held, untagged: SUBNET.web, held: { v4: ['other', HOLDER] } },
  asks({}, tagged(TAG.outer)),
  left('PASS_NOT_HAVIP'),
);
test.serial('a probe', row, held, probe(), { reason: 'PASS_INTENT', claim: ['ARP_PROBE', 'INTENT', SENDER] });
test.serial('a reply is no question', row, held, asks({ operation: 2 }), left('PASS_NOT_HAVIP'));
test.serial('of another kind of hardware', row, held, asks({ hardwareType: 6 }), left('PASS_NOT_HAVIP'));
test.serial(
  'by a group of stations',
  row,
  held,
  arp({ to: BROADCAST, from: '03:00:00:00:00:01' }, { operation: 1, senderIp: PEER_V4, targetIp: V4 }),
  left('PASS_NOT_HAVIP'),
);
for (const [name, frame, kind] of [
  ['request', announceRequest(), 'ARP_REQUEST'],
  ['reply', announceReply(), 'ARP_REPLY'],
] as const) {
  test.serial(`an announcement by ${name} travels on`, row, held, frame, {
    reason: 'PASS_ANNOUNCEMENT',
    claim: [kind, 'CLAIM', SENDER],
  });
}

const LINK_LAYER = Buffer.from('0101020000000001', 'hex');
interface Solicitation {
  readonly source?: string;
  readonly options?: Buffer;
  readonly ttl?: number;
  readonly wrong?: boolean;
  readonly group?: boolean;
}

function nd(
  type: number,
  flagBits: number,
  link: { to: string; from: string },
  from: string,
  to: string,
  options: Buffer,
  more: { ttl?: number; wrong?: boolean } = {},
): Buffer {
  const payload = Buffer.concat([Buffer.from([type, 0, 0, 0, flagBits, 0, 0, 0]), addressBytes(V6), options]);
  const pseudo = Buffer.concat([
    addressBytes(from),
    addressBytes(to),
    Buffer.from([0, 0, 0, payload.length, 0, 0, 0, 58]),
    payload,
  ]);
  let sum = 0;
  for (let at = 0; at < pseudo.length; at += 2) sum += pseudo.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  payload.writeUInt16BE((~sum & 0xffff) ^ (more.wrong ? 1 : 0), 2);
  return ipv6(link, { source: from, destination: to, protocol: 58, ttl: more.ttl ?? 255, payload });
}

function solicits({
  source = PEER_V6,
  options = LINK_LAYER,
  group = true,
  ...more
}: Solicitation = {}): Buffer {
  const to = group ? 'ff02::1:ff00:50' : V6;
  return nd(135, 0, { to: group ? '33:33:ff:00:00:50' : HOLDER, from: SENDER }, source, to, options, more);
}

const advertises = (mac: string): Buffer =>
  nd(
    136,
    0x60,
    { to: SENDER, from: mac },
    V6,
    PEER_V6,
    Buffer.concat([Buffer.from([2, 1]), Buffer.from(mac.replaceAll(':', ''), 'hex')]),
  );
const says = (mac: string): { reason: 'REDIRECT_ANSWER'; out: Buffer } => ({
  reason: 'REDIRECT_ANSWER',
  out: advertises(mac),
});

test.serial('a solicitation', row, held, solicits(), says(HOLDER));
test.serial(
  'a solicitation with a service MAC',
  row,
  { ...held, serviceMac: SERVICE },
  solicits(),
  says(SERVICE),
);
test.serial(
  'a solicitation without an option: the answer is longer',
  row,
  held,
  solicits({ options: Buffer.alloc(0) }),
  says(HOLDER),
);
test.serial(
  'a solicitation with two: the answer is shorter',
  row,
  held,
  solicits({ options: Buffer.concat([LINK_LAYER, LINK_LAYER]) }),
  says(HOLDER),
);
test.serial('duplicate address detection', row, held, solicits({ source: '::', options: Buffer.alloc(0) }), {
  reason: 'PASS_INTENT',
  claim: ['ND_PROBE', 'INTENT', SENDER, 'v6'],
});
test.serial('a solicitation through a router', row, held, solicits({ ttl: 254 }), left('PASS_NOT_HAVIP'));
test.serial(
  'a solicitation with a wrong checksum',
  row,
  held,
  solicits({ wrong: true }),
  left('PASS_NOT_HAVIP'),
);
test.serial('a solicitation for what nobody holds', row, { flags }, solicits(), left('PASS_NOT_HAVIP'));
