// SPDX-License-Identifier: BSD-2-Clause
// ANNOUNCEMENTS.md, "Frame by frame": every form of ARP from every kind of party, with both guards. What is accepted
// travels on byte for byte; what is refused is dropped, or with `guard: monitor` counted and passed.
import test from 'ava';
import { CLAIM_KIND, CLAIM_RESULT, POLICY_FLAGS } from '../../src/kernel/layout.gen.js';
import {
  answer,
  announceReply,
  announceRequest,
  HOLDER,
  probe,
  question,
  SENDER,
  STALE,
  VRRP_MAC,
} from './names.js';
import { row, type Expected } from './observe.js';
import type { PortName, Situation } from './world.js';

type Kind = keyof typeof CLAIM_KIND;
type Result = keyof typeof CLAIM_RESULT;

interface Form {
  readonly says: string;
  readonly frame: Buffer;
  readonly kind: Kind;
  /** From the holder; from another member; from a member while nobody holds it; from a stranger. */
  readonly results: readonly [holder: Result, member: Result, unheld: Result, stranger: Result];
}

const ANNOUNCES = ['REFRESH', 'CLAIM', 'CLAIM', 'REFUSED_NOT_MEMBER'] as const;
const ANSWERS = ['LIVENESS', 'EVIDENCE', 'CLAIM', 'REFUSED_NOT_MEMBER'] as const;
const ASKS = ['LIVENESS', 'EVIDENCE', 'EVIDENCE', 'REFUSED_NOT_MEMBER'] as const;
const PROBES = ['INTENT', 'INTENT', 'INTENT', 'INTENT'] as const;
const FORMS: readonly Form[] = [
  { says: 'an announcement by request', frame: announceRequest(), kind: 'ARP_REQUEST', results: ANNOUNCES },
  {
    says: 'an announcement by request to one station',
    frame: announceRequest({}, { to: STALE }),
    kind: 'ARP_REQUEST',
    results: ANNOUNCES,
  },
  { says: 'an announcement by reply', frame: announceReply(), kind: 'ARP_REPLY', results: ANNOUNCES },
  {
    says: 'a reply to everyone about another target',
    frame: announceReply({ targetIp: '10.0.1.1', targetMac: STALE }),
    kind: 'ARP_REPLY',
    results: ANNOUNCES,
  },
  { says: 'a reply to one station', frame: answer(), kind: 'ARP_ANSWER', results: ANSWERS },
  {
    says: 'an announcement by reply, but to one station',
    frame: announceReply({}, { to: STALE }),
    kind: 'ARP_ANSWER',
    results: ANSWERS,
  },
  {
    says: 'a reply to a multicast group',
    frame: announceReply({}, { to: '01:00:5e:00:00:12' }),
    kind: 'ARP_ANSWER',
    results: ANSWERS,
  },
  { says: 'a question by its user', frame: question(), kind: 'ARP_QUESTION', results: ASKS },
  {
    says: 'a question by its user to one station',
    frame: question({}, { to: STALE }),
    kind: 'ARP_QUESTION',
    results: ASKS,
  },
  { says: 'a probe', frame: probe(), kind: 'ARP_PROBE', results: PROBES },
];

interface Party {
  readonly is: string;
  readonly situation: Situation;
  readonly column: 0 | 1 | 2 | 3;
}

const open = POLICY_FLAGS.OPEN;
const by = (port: PortName, mac = HOLDER): Pick<Situation, 'held'> => ({ held: { v4: [port, mac] } });
const PARTIES: readonly Party[] = [
  { is: 'the holder', situation: by('guest', SENDER), column: 0 },
  {
    is: 'the holder, listed',
    situation: { ...by('guest', SENDER), flags: 0, members: ['guest', 'other'] },
    column: 0,
  },
  { is: 'a holder behind an uplink', situation: { in: 'uplink', ...by('uplink', SENDER) }, column: 0 },
  { is: 'another port of an open HAVIP', situation: by('other'), column: 1 },
  {
    is: 'another listed member',
    situation: { ...by('other'), flags: 0, members: ['guest', 'other'] },
    column: 1,
  },
  { is: 'an uplink of an open HAVIP', situation: { in: 'uplink', ...by('other') }, column: 1 },
  { is: "the holder's port with another MAC", situation: by('guest'), column: 1 },
  { is: "another port with the holder's MAC", situation: by('other', SENDER), column: 1 },
  {
    is: "another station behind the holder's uplink",
    situation: { in: 'uplink', ...by('uplink') },
    column: 1,
  },
  {
    is: 'the host, listed',
    situation: { in: 'host', ...by('other'), flags: 0, members: ['host'] },
    column: 1,
  },
  { is: 'any port while nobody holds it', situation: {}, column: 2 },
  { is: 'a listed member while nobody holds it', situation: { flags: 0, members: ['guest'] }, column: 2 },
  { is: 'a port that is not listed', situation: { ...by('other'), flags: 0, members: ['other'] }, column: 3 },
  { is: 'a port while nobody is listed', situation: { ...by('other'), flags: 0 }, column: 3 },
  {
    is: 'a port that is not listed while nobody holds it',
    situation: { flags: 0, members: ['other'] },
    column: 3,
  },
  {
    is: 'a holder that is listed no more',
    situation: { ...by('guest', SENDER), flags: 0, members: ['other'] },
    column: 3,
  },
  {
    is: 'the host, though the HAVIP is open',
    situation: { in: 'host', ...by('other'), flags: open },
    column: 3,
  },
  {
    is: 'an uplink that is not listed',
    situation: { in: 'uplink', ...by('other'), flags: 0, members: ['other'] },
    column: 3,
  },
];

function expectation(kind: Kind, result: Result, monitor: boolean): Expected {
  const claim = [kind, result, SENDER] as const;
  if (result.startsWith('REFUSED')) {
    return { reason: `${monitor ? 'PASS' : 'DROP'}_${result as 'REFUSED_NOT_MEMBER'}`, claim };
  }
  if (result === 'CLAIM' || result === 'REFRESH') return { reason: 'PASS_ANNOUNCEMENT', claim };
  return { reason: result === 'INTENT' ? 'PASS_INTENT' : 'PASS_EVIDENCE', claim };
}

for (const { says, frame, kind, results } of FORMS) {
  for (const { is, situation, column } of PARTIES) {
    for (const guard of ['enforce', 'monitor'] as const) {
      const monitor = guard === 'monitor';
      const flags = (situation.flags ?? open) | (monitor ? POLICY_FLAGS.GUARD_MONITOR : 0);
      const result = results[column];
      test.serial(
        `${says}, from ${is}, guard ${guard}: ${result.toLowerCase()}`,
        row,
        { ...situation, flags },
        frame,
        expectation(kind, result, monitor),
      );
    }
  }
}

const anywhere: Situation = by('other');
test.serial(
  "a VRRP master announces its virtual MAC as the frame's source",
  row,
  anywhere,
  announceRequest({ senderMac: VRRP_MAC }, { from: VRRP_MAC }),
  {
    reason: 'PASS_ANNOUNCEMENT',
    claim: ['ARP_REQUEST', 'CLAIM', VRRP_MAC],
  },
);
test.serial(
  'a failover between two nodes of one virtual MAC',
  row,
  by('other', VRRP_MAC),
  announceRequest({ senderMac: VRRP_MAC }, { from: VRRP_MAC }),
  {
    reason: 'PASS_ANNOUNCEMENT',
    claim: ['ARP_REQUEST', 'CLAIM', VRRP_MAC],
  },
);
test.serial(
  "a holder that is back after another's announcement is heard again",
  row,
  { ...by('guest', SENDER), newest: { v4: ['other', HOLDER] } },
  announceRequest(),
  {
    reason: 'PASS_ANNOUNCEMENT',
    claim: ['ARP_REQUEST', 'CLAIM', SENDER],
  },
);
