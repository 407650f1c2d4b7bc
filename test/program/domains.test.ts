// SPDX-License-Identifier: BSD-2-Clause
// Which broadcast domain a frame is in: the bridge and the tag stack. The same address is a HAVIP of three subnets
// here, each held by another port, so that a frame in the wrong one is seen.
import test from 'ava';
import { ethernet, TAG_8021AD, type Tag } from './frames.js';
import { announceRequest, HOLDER, packet4, packet6, SENDER, STALE, tagged } from './names.js';
import { row, type Expected } from './observe.js';
import { type Situation } from './world.js';

const WEB = HOLDER;
const TAGGED = '02:00:00:00:01:00';
const DOUBLE = '02:00:00:00:01:07';
const held: Situation = {
  held: { v4: ['other', WEB], v6: ['other', WEB], tagged: ['tap', TAGGED], double: ['uplink', DOUBLE] },
};
const toWeb: Expected = { reason: 'REDIRECT_HOLDER', to: WEB, delivered: ['v4', 1] };
const toTagged: Expected = { reason: 'REDIRECT_HOLDER', to: TAGGED, delivered: ['tagged', 1] };
const toDouble: Expected = { reason: 'REDIRECT_HOLDER', to: DOUBLE, delivered: ['double', 1] };
const elsewhere: Expected = { reason: 'PASS_OTHER_DOMAIN' };
const tags = (...stack: Tag[]) => packet4(STALE, { tags: stack });

test.serial("no tag: the port's own subnet", row, held, tags(), toWeb);
test.serial('a priority tag counts as none', row, held, tags({ id: 0 }), toWeb);
test.serial(
  'a priority tag with all its priority bits counts as none',
  row,
  held,
  tags({ id: 0, control: 0xf000 }),
  toWeb,
);
test.serial(
  'an 802.1ad priority tag counts as none',
  row,
  held,
  tags({ id: 0, protocol: TAG_8021AD }),
  toWeb,
);
test.serial('two priority tags count as none', row, held, tags({ id: 0 }, { id: 0 }), toWeb);
test.serial('a priority tag does not hide an IPv6 destination', row, held, packet6(STALE, tagged(0)), {
  reason: 'REDIRECT_HOLDER',
  to: WEB,
  delivered: ['v6', 1],
});
test.serial('one tag: the subnet of that tag', row, held, tags({ id: 100 }), toTagged);
test.serial(
  'the priority bits are no part of the tag',
  row,
  held,
  tags({ id: 100, control: 0xf000 }),
  toTagged,
);
test.serial('an 802.1ad tag is a tag', row, held, tags({ id: 100, protocol: TAG_8021AD }), toTagged);
test.serial('a priority tag outside counts as none', row, held, tags({ id: 0 }, { id: 100 }), toTagged);
test.serial('a priority tag inside counts as none', row, held, tags({ id: 100 }, { id: 0 }), toTagged);
test.serial('two tags: the subnet of that stack', row, held, tags({ id: 100 }, { id: 7 }), toDouble);
test.serial(
  'two tags, the outer one 802.1ad',
  row,
  held,
  tags({ id: 100, protocol: TAG_8021AD }, { id: 7 }),
  toDouble,
);
test.serial(
  'the stack of two upside down is another domain',
  row,
  held,
  tags({ id: 7 }, { id: 100 }),
  elsewhere,
);
test.serial('another inner tag is another domain', row, held, tags({ id: 100 }, { id: 8 }), elsewhere);
test.serial('the inner tag alone is another domain', row, held, tags({ id: 7 }), elsewhere);
test.serial(
  'a tag that only another bridge knows is another domain',
  row,
  held,
  tags({ id: 101 }),
  elsewhere,
);
test.serial(
  'three tags are deeper than any subnet',
  row,
  held,
  tags({ id: 100 }, { id: 7 }, { id: 9 }),
  elsewhere,
);
test.serial('three tags of one id', row, held, tags({ id: 100 }, { id: 100 }, { id: 100 }), elsewhere);
test.serial(
  'three priority tags are deeper than is read',
  row,
  held,
  tags({ id: 0 }, { id: 0 }, { id: 0 }),
  elsewhere,
);
test.serial(
  "a port whose bridge has no untagged subnet: untagged frames are another domain's",
  row,
  { ...held, untagged: 0 },
  tags(),
  elsewhere,
);
test.serial(
  'a port whose bridge has no untagged subnet: priority tags count as none there too',
  row,
  { ...held, untagged: 0 },
  tags({ id: 0 }),
  elsewhere,
);
test.serial(
  'a port whose bridge has no untagged subnet serves the tagged one',
  row,
  { ...held, untagged: 0 },
  tags({ id: 100 }),
  toTagged,
);
test.serial(
  'a tagged frame that is neither IP nor ARP passes',
  row,
  held,
  ethernet({ to: STALE, from: SENDER, ...tagged(100) }, 0x88cc, Buffer.alloc(46)),
  { reason: 'PASS_NOT_IP' },
);
test.serial('a port that has just left: the bridge serves it', row, { ...held, unknownPort: true }, tags(), {
  reason: 'PASS_NO_PORT',
});
test.serial(
  'a port that has just left: an announcement passes too',
  row,
  { ...held, unknownPort: true },
  announceRequest(),
  { reason: 'PASS_NO_PORT' },
);
test.serial(
  'in one subnet held, in the other not',
  row,
  { held: { v4: ['other', WEB] } },
  tags({ id: 100 }),
  {
    reason: 'PASS_UNHELD',
    unheld: 'tagged',
  },
);

test.serial(
  "an announcement without a tag claims the untagged subnet's HAVIP",
  row,
  held,
  announceRequest(),
  {
    reason: 'PASS_ANNOUNCEMENT',
    claim: ['ARP_REQUEST', 'CLAIM', SENDER, 'v4'],
  },
);
test.serial('an announcement under a priority tag too', row, held, announceRequest({}, tagged(0)), {
  reason: 'PASS_ANNOUNCEMENT',
  claim: ['ARP_REQUEST', 'CLAIM', SENDER, 'v4'],
});
test.serial(
  "an announcement under a tag claims that subnet's HAVIP alone",
  row,
  held,
  announceRequest({}, tagged(100)),
  {
    reason: 'PASS_ANNOUNCEMENT',
    claim: ['ARP_REQUEST', 'CLAIM', SENDER, 'tagged'],
  },
);
test.serial('an announcement under two tags', row, held, announceRequest({}, tagged(100, 7)), {
  reason: 'PASS_ANNOUNCEMENT',
  claim: ['ARP_REQUEST', 'CLAIM', SENDER, 'double'],
});
test.serial(
  'an announcement under the tag of no subnet passes',
  row,
  held,
  announceRequest({}, tagged(101)),
  elsewhere,
);
test.serial(
  "a stranger's announcement under the tag of no subnet passes",
  row,
  { ...held, flags: 0 },
  announceRequest({}, tagged(7, 100)),
  elsewhere,
);
