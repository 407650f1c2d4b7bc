// SPDX-License-Identifier: BSD-2-Clause
// Netlink's wire format against literal bytes as the kernel sends them, the malformed included; no socket.

import test from 'ava';
import { type Link, parseLinkMessage } from '../../src/net/links.js';
import { parseFamily, parseFeatureMessage } from '../../src/net/netdev.js';
import {
  attributeString,
  attributeU16,
  attributeU32,
  attributeU64,
  buildAttribute,
  buildGeneric,
  buildMessage,
  buildString,
  buildU32,
  DumpCycle,
  listAttributes,
  messageErrno,
  netlinkError,
  type NetlinkMessage,
  parseAttributes,
  parseGeneric,
  parseMessages,
} from '../../src/net/netlink.js';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** nlmsghdr of 20 bytes: RTM_NEWLINK, MULTI, sequence 7, port 258, payload 4 bytes. */
const SMALL = '14000000 1000 0200 07000000 02010000 aabbccdd';

test('a message is read field by field, in host order', (t) => {
  t.deepEqual(parseMessages(hex(SMALL)), [
    { type: 16, flags: 2, sequence: 7, portId: 258, payload: hex('aabbccdd') },
  ]);
});

test('messages follow each other at multiples of four', (t) => {
  const odd = '11000000 1100 0000 00000000 00000000 ff 000000';
  t.deepEqual(
    parseMessages(hex(odd + SMALL)).map((message) => message.payload.toString('hex')),
    ['ff', 'aabbccdd'],
  );
});

const malformed = test.macro({
  exec(t, bytes: string, read: number) {
    t.is(parseMessages(hex(bytes)).length, read);
  },
  title: (title) => `the walk over messages ends at ${title ?? ''}`,
});
test('nothing', malformed, '', 0);
test('a header that is cut off', malformed, SMALL + '14000000 1000', 1);
test('a length of zero', malformed, SMALL + '00000000 1000 0000 00000000 00000000', 1);
test('a length shorter than the header', malformed, '0f000000 1000 0000 00000000 00000000', 0);
test('a length beyond the datagram', malformed, '15000000 1000 0000 00000000 00000000 aabbccdd', 0);
test('a length of four gigabytes', malformed, 'ffffffff 1000 0000 00000000 00000000 aabbccdd', 0);

test('what is built is what the kernel reads', (t) => {
  const message = buildMessage(18, 0x301, 5, buildU32(29, 8));
  t.is(message.toString('hex'), '180000001200010305000000000000000800' + '1d0008000000');
  t.is(buildString(3, 'eth0').toString('hex'), '09000300657468300000' + '0000');
  t.is(buildGeneric(3, 1).toString('hex'), '03010000');
});

test('an odd payload is padded, its length is not', (t) => {
  t.is(buildAttribute(1, hex('aabbcc')).toString('hex'), '07000100aabbcc00');
  t.is(buildMessage(1, 0, 0, hex('aa')).toString('hex'), '11000000010000000000000000000000aa000000');
});

test('attributes are found by type, whatever their flag bits, and nest', (t) => {
  // LINKINFO with NLA_F_NESTED { KIND "veth" }, MTU 1500
  const attributes = parseAttributes(hex('10001280 09000100 76657468 00000000 08000400 dc050000'));
  t.is(attributeU32(attributes, 4), 1500);
  const info = parseAttributes(attributes.get(18) ?? Buffer.alloc(0));
  t.is(attributeString(info, 1), 'veth');
});

test('numbers that are missing or too short are undefined', (t) => {
  const attributes = parseAttributes(hex('06000100 0700 0000 0c000200 0100000000000080 05000300 61000000'));
  t.is(attributeU16(attributes, 1), 7);
  t.is(attributeU32(attributes, 1), undefined);
  t.is(attributeU64(attributes, 2), 0x8000000000000001n);
  t.is(attributeU64(attributes, 1), undefined);
  t.is(attributeU32(attributes, 9), undefined);
  t.is(attributeString(attributes, 3), 'a');
  t.is(attributeString(attributes, 9), undefined);
});

const malformedAttributes = test.macro({
  exec(t, bytes: string, read: number) {
    t.is(listAttributes(hex(bytes)).length, read);
  },
  title: (title) => `the walk over attributes ends at ${title ?? ''}`,
});
test('an attribute header that is cut off', malformedAttributes, '05000100 61000000 0800', 1);
test('an attribute of length zero', malformedAttributes, '05000100 61000000 00000100', 1);
test('an attribute shorter than its header', malformedAttributes, '03000100 61000000', 0);
test('an attribute beyond the end', malformedAttributes, '09000100 61000000', 0);

test('an error carries a positive errno, an acknowledgement none', (t) => {
  const error = (payload: string): NetlinkMessage => ({
    type: 2,
    flags: 0,
    sequence: 1,
    portId: 0,
    payload: hex(payload),
  });
  t.is(messageErrno(error('f0ffffff 00')), 16);
  t.is(messageErrno(error('00000000')), 0);
  t.is(messageErrno(error('ff')), 0);
});

test('an error answer becomes one of ours', (t) => {
  const busy = netlinkError(16, 'RTM_GETLINK');
  t.is(busy.message, 'netlink RTM_GETLINK: EBUSY');
  t.like(busy.cause, { code: 'EBUSY', errno: 16, syscall: 'netlink' });
  t.is(netlinkError(1, 'RTM_SETLINK').code, 'PERMISSION');
});

test('a generic header is command, version and attributes', (t) => {
  const message = parseGeneric(hex('04010000 08000100 06000000'));
  t.is(message?.command, 4);
  t.is(message?.version, 1);
  t.is(message && attributeU32(message.attributes, 1), 6);
  t.is(parseGeneric(hex('0401')), undefined);
});

// --- the course of a dump

/** A cycle that writes down what it does; first: how the first dump ended. */
function cycle() {
  const log: string[] = [];
  const hooks = {
    request: 'TEST',
    send: (sequence: number) => void log.push(`send ${sequence}`),
    done: () => void log.push('done'),
    failed: (error: Error) => void log.push(error.message),
  };
  const made = new DumpCycle(hooks);
  return { log, cycle: made, first: made.first() };
}

const answer = (type: number, sequence: number, flags = 2, errno = 0): NetlinkMessage => {
  const payload = Buffer.alloc(4);
  payload.writeInt32LE(-errno);
  return { type, flags, sequence, portId: 0, payload };
};

test('a dump ends with DONE', async (t) => {
  const { log, cycle: dump, first } = cycle();
  dump.restart();
  t.false(dump.take(answer(16, 1)));
  t.true(dump.take(answer(3, 1)));
  await first;
  t.deepEqual(log, ['send 1', 'done']);
});

test('a restart during a dump waits for its end, and only the second one counts', (t) => {
  const { log, cycle: dump } = cycle();
  dump.restart();
  dump.restart();
  dump.restart();
  t.deepEqual(log, ['send 1']);
  dump.take(answer(3, 1));
  t.deepEqual(log, ['send 1', 'send 2']);
  dump.take(answer(3, 2));
  t.deepEqual(log, ['send 1', 'send 2', 'done']);
});

test('an interrupted dump is done again', (t) => {
  const { log, cycle: dump } = cycle();
  dump.restart();
  dump.take(answer(16, 1, 0x12));
  dump.take(answer(3, 1));
  dump.take(answer(3, 2));
  t.deepEqual(log, ['send 1', 'send 2', 'done']);
});

test('the end of another request is not the end of the dump', (t) => {
  const { log, cycle: dump } = cycle();
  dump.restart();
  t.true(dump.take(answer(2, 0, 0, 19)));
  t.true(dump.take(answer(3, 9)));
  t.false(dump.take(answer(16, 0)));
  t.deepEqual(log, ['send 1']);
});

test('a refused first dump rejects', async (t) => {
  const { cycle: dump, first } = cycle();
  dump.restart();
  dump.take(answer(2, 1, 0, 1));
  await t.throwsAsync(first, { message: 'netlink TEST: EPERM' });
});

test('a later one that is refused is told, and can be started again', (t) => {
  const { log, cycle: dump } = cycle();
  dump.restart();
  dump.take(answer(3, 1));
  dump.restart();
  dump.take(answer(3, 2, 2, 12));
  dump.restart();
  dump.take(answer(3, 3));
  t.deepEqual(log, ['send 1', 'done', 'send 2', 'netlink TEST: ENOMEM', 'send 3', 'done']);
});

test('stopping rejects who waits', async (t) => {
  const { cycle: dump, first } = cycle();
  dump.restart();
  dump.stop(netlinkError(4, 'TEST'));
  await t.throwsAsync(first, { message: 'netlink TEST: EINTR' });
  t.notThrows(() => dump.stop());
});

// --- links

/** ifinfomsg: family, ifindex, flags; then attributes. */
function linkMessage(type: number, family: string, ifindex: string, flags: string, attributes = '') {
  const [message] = parseMessages(
    buildMessage(type, 0, 0, hex(`${family}00 0100 ${ifindex} ${flags} ffffffff ${attributes}`)),
  );
  if (message === undefined) throw new Error('not a message');
  return message;
}

const NAME = '09000300 76657468 00000000'; // veth
const MAC = '0a000100 02fc0000 00010000';
const MTU = '08000400 dc050000';
const MASTER = '08000a00 09000000';
const PEER = '08000500 05000000';
const ELSEWHERE = '08002500 00000000';
const KIND_VETH = '10001200 09000100 76657468 00000000';
const UP_RUNNING = '43100100';
const UP_NO_CARRIER = '03100000';
const unknown = () => undefined;

const VETH: Link = {
  ifindex: 6,
  name: 'veth',
  kind: 'veth',
  mac: '02:fc:00:00:00:01',
  mtu: 1500,
  up: true,
  masterIfindex: 9,
  peerElsewhere: true,
  peerIfindex: 5,
  ageingTimeMs: 0,
};

test('a link with all that is said of it', (t) => {
  const all = NAME + MAC + MTU + MASTER + PEER + ELSEWHERE + KIND_VETH;
  t.deepEqual(parseLinkMessage(linkMessage(16, '00', '06000000', UP_RUNNING, all), unknown), { link: VETH });
});

test('a bridge has an ageing time, in hundredths of a second', (t) => {
  // LINKINFO { KIND "bridge", DATA { AGEING_TIME 30000 } }
  const bridge = '1c001200 0b000100 62726964 67650000 0c000200 08000400 30750000';
  const news = parseLinkMessage(linkMessage(16, '00', '06000000', UP_RUNNING, NAME + MTU + bridge), unknown);
  t.like(news, { link: { kind: 'bridge', ageingTimeMs: 300_000, mac: '', peerElsewhere: false } });
});

test('a link without carrier is not up', (t) => {
  const news = parseLinkMessage(linkMessage(16, '00', '06000000', UP_NO_CARRIER, NAME + MTU), unknown);
  t.like(news, { link: { up: false, kind: '', masterIfindex: 0 } });
});

test('a full message without a master means that it has left; its kind is kept', (t) => {
  const news = parseLinkMessage(linkMessage(16, '00', '06000000', UP_RUNNING, NAME + MAC + MTU), () => VETH);
  t.deepEqual(news, { link: { ...VETH, masterIfindex: 0, peerElsewhere: false, peerIfindex: 0 } });
});

test('a partial message changes only what it says', (t) => {
  const news = parseLinkMessage(linkMessage(16, '00', '06000000', UP_NO_CARRIER, NAME), () => VETH);
  t.deepEqual(news, { link: { ...VETH, up: false } });
});

test('a link that is gone', (t) => {
  t.deepEqual(parseLinkMessage(linkMessage(17, '00', '06000000', UP_RUNNING, NAME), unknown), { removed: 6 });
});

test("a bridge's own DELLINK is not the end of the link", (t) => {
  t.is(parseLinkMessage(linkMessage(17, '07', '06000000', UP_RUNNING, NAME + MASTER), unknown), undefined);
  t.is(parseLinkMessage(linkMessage(16, '07', '06000000', UP_RUNNING, NAME + MASTER), unknown), undefined);
});

test('other messages and short ones are none of ours', (t) => {
  t.is(parseLinkMessage(linkMessage(20, '00', '06000000', UP_RUNNING), unknown), undefined);
  const short = { type: 16, flags: 0, sequence: 0, portId: 0, payload: Buffer.alloc(15) };
  t.is(parseLinkMessage(short, unknown), undefined);
});

// --- XDP features

test('the family has a number and a group', (t) => {
  const name = buildString(1, 'mgmt');
  const groups = buildAttribute(
    7,
    Buffer.concat([
      buildAttribute(1, Buffer.concat([buildString(1, 'page-pool'), buildU32(2, 8)])),
      buildAttribute(2, Buffer.concat([name, buildU32(2, 7)])),
    ]),
  );
  const id = buildAttribute(1, hex('2300'));
  t.deepEqual(parseFamily(parseAttributes(Buffer.concat([id, groups]))), { id: 35, mgmtGroup: 7 });
  t.is(parseFamily(parseAttributes(id)), undefined);
  t.is(parseFamily(parseAttributes(groups)), undefined);
});

const IFINDEX_6 = '08000100 06000000';
const FEATURES_7 = '0c000300 0700000000000000';

const featureMessage = test.macro<[string, unknown]>({
  exec(t, payload, expected) {
    t.deepEqual(parseFeatureMessage(hex(payload)), expected as ReturnType<typeof parseFeatureMessage>);
  },
  title: (title) => `a netdev message: ${title ?? ''}`,
});
test('answer', featureMessage, '01010000' + IFINDEX_6 + FEATURES_7, { ifindex: 6, features: 7n });
test('change', featureMessage, '04010000' + IFINDEX_6 + FEATURES_7, { ifindex: 6, features: 7n });
test('no features', featureMessage, '02010000' + IFINDEX_6, { ifindex: 6, features: 0n });
test('gone', featureMessage, '03010000' + IFINDEX_6 + FEATURES_7, { ifindex: 6, features: undefined });
test('a page pool', featureMessage, '05010000' + IFINDEX_6, undefined);
test('no device', featureMessage, '04010000' + FEATURES_7, undefined);
test('cut off', featureMessage, '0401', undefined);
