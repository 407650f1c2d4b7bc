// SPDX-License-Identifier: BSD-2-Clause
// ANNOUNCEMENTS.md, "Valid for ARP": each field wrong by itself, in every form and with both guards, and each field
// that carries no meaning. A frame that is not valid but names a HAVIP is refused like a stranger's.
import test from 'ava';
import { POLICY_FLAGS } from '../../src/kernel/layout.gen.js';
import { BROADCAST, type ArpFields, type Link } from './frames.js';
import {
  answer,
  announceReply,
  announceRequest,
  HOLDER,
  PEER_V4,
  probe,
  question,
  SENDER,
  STALE,
  VRRP_MAC,
} from './names.js';
import { row, type Expected } from './observe.js';
import type { Situation } from './world.js';

const others: Situation = { held: { v4: ['other', HOLDER] } };
const MAKERS = {
  ARP_REQUEST: announceRequest,
  ARP_REPLY: announceReply,
  ARP_ANSWER: answer,
  ARP_QUESTION: question,
} as const;
type Kind = keyof typeof MAKERS;

interface Wrong {
  readonly is: string;
  readonly fields: Partial<ArpFields>;
  readonly link?: Partial<Link>;
  readonly result: 'REFUSED_MALFORMED' | 'REFUSED_SPOOF';
}

const malformed = (is: string, fields: Partial<ArpFields>, link: Partial<Link> = {}): Wrong => ({
  is,
  fields,
  link,
  result: 'REFUSED_MALFORMED',
});
const spoofed = (is: string, fields: Partial<ArpFields>, link: Partial<Link> = {}): Wrong => ({
  is,
  fields,
  link,
  result: 'REFUSED_SPOOF',
});

const WRONG: readonly Wrong[] = [
  malformed('hardware type of IEEE 802', { hardwareType: 6 }),
  malformed('hardware type in the other byte order', { hardwareType: 0x0100 }),
  malformed('protocol type of IPv6', { protocolType: 0x86dd }),
  malformed('protocol type of ARP', { protocolType: 0x0806 }),
  malformed('hardware addresses of 0 bytes', { hardwareBytes: 0 }),
  malformed('hardware addresses of 8 bytes', { hardwareBytes: 8 }),
  malformed('protocol addresses of 0 bytes', { protocolBytes: 0 }),
  malformed('protocol addresses of 16 bytes', { protocolBytes: 16 }),
  malformed('a sender hardware address of zeros', { senderMac: '00:00:00:00:00:00' }),
  malformed('a sender hardware address that is broadcast', { senderMac: BROADCAST }),
  malformed('a sender hardware address that is multicast', { senderMac: '03:00:00:00:00:01' }),
  malformed(
    'source and sender alike multicast',
    { senderMac: '03:00:00:00:00:01' },
    { from: '03:00:00:00:00:01' },
  ),
  spoofed("somebody else's hardware address", { senderMac: HOLDER }),
  spoofed('a hardware address that differs in the first byte', { senderMac: '06:00:00:00:00:01' }),
  spoofed('a hardware address that differs in the last byte', { senderMac: '02:00:00:00:00:00' }),
  spoofed("another frame's source", {}, { from: STALE }),
  spoofed('a VRRP virtual MAC as source of another sender', { senderMac: SENDER }, { from: VRRP_MAC }),
  spoofed('the virtual MAC of VRRP for IPv6', { senderMac: '00:00:5e:00:02:33' }),
  spoofed('nearly a virtual MAC: first byte', { senderMac: '02:00:5e:00:01:33' }),
  spoofed('nearly a virtual MAC: second byte', { senderMac: '00:01:5e:00:01:33' }),
  spoofed('nearly a virtual MAC: third byte', { senderMac: '00:00:5f:00:01:33' }),
  spoofed('nearly a virtual MAC: fourth byte', { senderMac: '00:00:5e:01:01:33' }),
  spoofed('nearly a virtual MAC: fifth byte', { senderMac: '00:00:5e:00:03:33' }),
];

/** The link's source must not follow a wrong sender hardware address, so it is said each time. */
const make = (kind: Kind, { fields, link }: Pick<Wrong, 'fields' | 'link'>): Buffer =>
  MAKERS[kind]({ senderMac: SENDER, ...fields }, { from: SENDER, ...link });

for (const kind of Object.keys(MAKERS) as Kind[]) {
  for (const wrong of WRONG) {
    for (const monitor of [false, true]) {
      const flags = POLICY_FLAGS.OPEN | (monitor ? POLICY_FLAGS.GUARD_MONITOR : 0);
      test.serial(
        `${kind} with ${wrong.is}, guard ${monitor ? 'monitor' : 'enforce'}: ${wrong.result.toLowerCase()}`,
        row,
        { ...others, flags },
        make(kind, wrong),
        {
          reason: `${monitor ? 'PASS' : 'DROP'}_${wrong.result}`,
          claim: [kind, wrong.result, wrong.fields.senderMac ?? SENDER],
        },
      );
    }
  }
}

for (const operation of [0, 3, 8, 9, 0x0100, 0x0200, 0xffff]) {
  test.serial(`operation ${operation} is no announcement`, row, others, announceRequest({ operation }), {
    reason: 'DROP_REFUSED_MALFORMED',
    claim: ['ARP_REPLY', 'REFUSED_MALFORMED', SENDER],
  });
}

const claimed = (kind: Kind, mac = SENDER): Expected => ({
  reason: 'PASS_ANNOUNCEMENT',
  claim: [kind, 'CLAIM', mac],
});
for (const targetMac of ['00:00:00:00:00:00', BROADCAST, SENDER, HOLDER, '01:02:03:04:05:06']) {
  for (const kind of ['ARP_REQUEST', 'ARP_REPLY'] as const) {
    test.serial(
      `${kind} with the target hardware address ${targetMac}, which means nothing`,
      row,
      others,
      make(kind, { fields: { targetMac } }),
      claimed(kind),
    );
  }
}
for (const kind of ['ARP_REQUEST', 'ARP_REPLY'] as const) {
  for (const last of ['00', '01', 'ff']) {
    const senderMac = `00:00:5e:00:01:${last}`;
    test.serial(
      `${kind} with the virtual MAC ${senderMac} from a station of another`,
      row,
      others,
      make(kind, { fields: { senderMac } }),
      claimed(kind, senderMac),
    );
  }
  test.serial(
    `${kind} that is padded to 60 bytes`,
    row,
    others,
    MAKERS[kind]({}, { padTo: 60 }),
    claimed(kind),
  );
  test.serial(
    `${kind} with a trailer of 1,500 bytes`,
    row,
    others,
    MAKERS[kind]({}, { padTo: 1500 }),
    claimed(kind),
  );
}

test.serial(
  'a holder whose announcement is malformed is refused too',
  row,
  { held: { v4: ['guest', SENDER] } },
  announceRequest({ protocolBytes: 16 }),
  {
    reason: 'DROP_REFUSED_MALFORMED',
    claim: ['ARP_REQUEST', 'REFUSED_MALFORMED', SENDER],
  },
);
test.serial(
  'a stranger whose announcement is malformed is refused as a stranger',
  row,
  { ...others, flags: 0 },
  announceRequest({ protocolBytes: 16 }),
  {
    reason: 'DROP_REFUSED_NOT_MEMBER',
    claim: ['ARP_REQUEST', 'REFUSED_NOT_MEMBER', SENDER],
  },
);
test.serial(
  'a malformed frame about no HAVIP is none of ours',
  row,
  others,
  announceRequest({ senderIp: PEER_V4, protocolBytes: 16 }),
  {
    reason: 'PASS_NOT_HAVIP',
  },
);
test.serial(
  'an announcement of another address passes',
  row,
  others,
  announceRequest({ senderIp: PEER_V4, targetIp: PEER_V4 }),
  {
    reason: 'PASS_NOT_HAVIP',
  },
);
test.serial('a probe for another address passes', row, others, probe({ targetIp: PEER_V4 }), {
  reason: 'PASS_NOT_HAVIP',
});
test.serial("a probe in another's name is only a probe", row, others, probe({ senderMac: HOLDER }), {
  reason: 'PASS_INTENT',
  claim: ['ARP_PROBE', 'INTENT', HOLDER],
});
