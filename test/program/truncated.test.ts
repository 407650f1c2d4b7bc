// SPDX-License-Identifier: BSD-2-Clause
// Every frame cut at every length from 14 bytes (an Ethernet header, the least that the kernel runs) to 60: too short
// for its headers passes untouched, long enough is served as ever.
import test from 'ava';
import { announceRequest, HOLDER, packet4, packet6, probe, SENDER, STALE, tagged } from './names.js';
import { check, ENTRIES, runsIn, type Expected } from './observe.js';
import { type Situation } from './world.js';

const SHORTEST = 14;
const LONGEST = 60;
const ETHERNET = 14;
const TAG = 4;

const [WEB, TAGGED, DOUBLE] = [HOLDER, '02:00:00:00:01:00', '02:00:00:00:01:07'];
const situation: Situation = {
  held: { v4: ['other', WEB], v6: ['other', WEB], tagged: ['tap', TAGGED], double: ['uplink', DOUBLE] },
};

const cut = test.macro((t, frame: Buffer, needed: number, whole: Expected) => {
  for (let length = SHORTEST; length <= LONGEST; length++) {
    const isShort = length < needed;
    const short = frame.subarray(0, length);
    for (const entry of ENTRIES.filter((one) => runsIn(one, short))) {
      check(t, entry, situation, short, isShort ? { reason: 'PASS_TRUNCATED' } : whole);
    }
  }
});

const toWeb: Expected = { reason: 'REDIRECT_HOLDER', to: WEB, delivered: ['v4', 1] };
const claims = (havip: 'v4' | 'tagged' | 'double'): Expected => ({
  reason: 'PASS_ANNOUNCEMENT',
  claim: ['ARP_REQUEST', 'CLAIM', SENDER, havip],
});
const long = { padTo: LONGEST };

test.serial('IPv4 cut at every length', cut, packet4(STALE, long), ETHERNET + 20, toWeb);
test.serial('IPv6 cut at every length', cut, packet6(STALE, long), ETHERNET + 40, {
  reason: 'REDIRECT_HOLDER',
  to: WEB,
  delivered: ['v6', 1],
});
test.serial(
  'IPv4 under a priority tag cut at every length',
  cut,
  packet4(STALE, { ...tagged(0), ...long }),
  ETHERNET + TAG + 20,
  toWeb,
);
test.serial(
  'IPv6 under a priority tag cut at every length',
  cut,
  packet6(STALE, { ...tagged(0), ...long }),
  ETHERNET + TAG + 40,
  {
    reason: 'REDIRECT_HOLDER',
    to: WEB,
    delivered: ['v6', 1],
  },
);
test.serial(
  'IPv4 under one tag cut at every length',
  cut,
  packet4(STALE, { ...tagged(100), ...long }),
  ETHERNET + TAG + 20,
  {
    reason: 'REDIRECT_HOLDER',
    to: TAGGED,
    delivered: ['tagged', 1],
  },
);
test.serial(
  'IPv4 under two tags cut at every length',
  cut,
  packet4(STALE, { ...tagged(100, 7), ...long }),
  ETHERNET + 2 * TAG + 20,
  { reason: 'REDIRECT_HOLDER', to: DOUBLE, delivered: ['double', 1] },
);
test.serial(
  'IPv4 under three tags cut at every length',
  cut,
  packet4(STALE, { ...tagged(100, 7, 9), ...long }),
  ETHERNET + 2 * TAG,
  {
    reason: 'PASS_OTHER_DOMAIN',
  },
);
test.serial(
  'an announcement cut at every length',
  cut,
  announceRequest({}, long),
  ETHERNET + 28,
  claims('v4'),
);
test.serial(
  'an announcement under one tag cut at every length',
  cut,
  announceRequest({}, { ...tagged(100), ...long }),
  ETHERNET + TAG + 28,
  claims('tagged'),
);
test.serial(
  'an announcement under two tags cut at every length',
  cut,
  announceRequest({}, { ...tagged(100, 7), ...long }),
  ETHERNET + 2 * TAG + 28,
  claims('double'),
);
test.serial('a probe cut at every length', cut, probe({}, long), ETHERNET + 28, {
  reason: 'PASS_INTENT',
  claim: ['ARP_PROBE', 'INTENT', SENDER],
});
