// SPDX-License-Identifier: BSD-2-Clause
// Addresses: text to bytes and back, blocks, MACs.
import test from 'ava';
import fc from 'fast-check';
import * as net from '../../src/net/addresses.js';

const hex = (bytes: Uint8Array | null | undefined): string | null =>
  bytes ? Buffer.from(bytes).toString('hex') : null;

const reads = test.macro((t, text: string, canonical: string | null, bytes?: string) => {
  const address = net.parseAddress(text);
  t.is<unknown, unknown>(address?.text ?? null, canonical);
  t.is(net.canonicalAddress(text), canonical);
  if (address === null) return;
  t.is(hex(address.bytes), bytes ?? hex(address.bytes));
  t.is<unknown, unknown>(net.formatAddress(address.bytes), canonical);
  t.is(address.family === 4, net.isIpv4Bytes(address.bytes));
});

test(
  'an IPv4 address is its mapped 16 bytes',
  reads,
  '10.0.1.50',
  '10.0.1.50',
  '00000000000000000000ffff0a000132',
);
test(
  'an IPv6 address is its 16 bytes',
  reads,
  'fd00:1::50',
  'fd00:1::50',
  'fd000001000000000000000000000050',
);
test('upper case and leading zeros go', reads, 'FD00:0001::00A0', 'fd00:1::a0');
test('the longest run of zeros is shortened', reads, '2001:0:0:1:0:0:0:1', '2001:0:0:1::1');
test('of two equal runs the first is shortened', reads, '2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1');
test('a single zero group is written out', reads, '2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1');
test('a group shortened by :: alone is written out', reads, '2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1');
test('all zeros is ::', reads, '0:0:0:0:0:0:0:0', '::');
test('loopback is ::1', reads, '::0001', '::1');
test('dotted tail in IPv6 becomes hex', reads, 'fd00::10.0.0.1', 'fd00::a00:1');
test('leading zeros in IPv4 are refused', reads, '010.0.0.1', null);
test('a bare number is refused', reads, '1', null);
test('an IPv4-mapped spelling is refused', reads, '::ffff:10.0.0.1', null);
test('a zone is refused', reads, 'fe80::1%eth0', null);
test('white space is refused', reads, ' 10.0.0.1', null);
test('a prefix length is refused', reads, '10.0.0.1/24', null);
test('the empty text is refused', reads, '', null);

test('any 16 bytes survive text and back', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        return hex(net.addressBytes(net.formatAddress(bytes))) === hex(bytes);
      }),
    ),
  );
});

test('addressBytes says what is no address', (t) => {
  t.throws(() => net.addressBytes('10.0.0'), {
    instanceOf: RangeError,
    message: 'not an IP address: "10.0.0"',
  });
});

test('a wrong number of bytes is refused', (t) => {
  t.throws(() => net.formatAddress(new Uint8Array(4)), { message: 'an IP address has 16 bytes, found 4' });
  t.throws(() => net.formatMac(new Uint8Array(5)), { message: 'a MAC address has 6 bytes, found 5' });
});

const special = test.macro((t, text: string, expected: ReturnType<typeof net.specialAddress>) => {
  const bytes = net.addressBytes(text);
  t.is(net.specialAddress(bytes), expected);
  t.is(net.isUnicastAddress(bytes), expected === null);
});

test('10.0.0.1 is unicast', special, '10.0.0.1', null);
test('240.0.0.1 is unicast', special, '240.0.0.1', null);
test('223.255.255.255 is below multicast', special, '223.255.255.255', null);
test('0.0.0.0 is unspecified', special, '0.0.0.0', 'unspecified');
test('127.1.2.3 is loopback', special, '127.1.2.3', 'loopback');
test('224.0.0.18 is multicast', special, '224.0.0.18', 'multicast');
test('239.255.255.255 is multicast', special, '239.255.255.255', 'multicast');
test('255.255.255.255 is the limited broadcast', special, '255.255.255.255', 'limited broadcast');
test(':: is unspecified', special, '::', 'unspecified');
test('::1 is loopback', special, '::1', 'loopback');
test('::2 is unicast', special, '::2', null);
test('ff02::12 is multicast', special, 'ff02::12', 'multicast');
test('fe80::1 is unicast', special, 'fe80::1', null);

test('link-local is fe80::/10 and nothing beside', (t) => {
  const texts = ['fe80::1', 'febf::1', 'fec0::1', 'fd00::1', '169.254.0.1'];
  t.deepEqual(
    texts.map((text) => net.isLinkLocalIpv6(net.addressBytes(text))),
    [true, true, false, false, false],
  );
});

interface Block {
  readonly cidr: string;
  readonly last: string;
  readonly network: string | null;
  readonly broadcast: string | null;
}

const block = test.macro((t, text: string, expected: Block | null) => {
  const cidr = net.parseCidr(text);
  if (cidr === null || expected === null) return t.is<unknown, unknown>(cidr, expected);
  const textOf = (bytes: Uint8Array | null): string | null =>
    bytes === null ? null : net.formatAddress(bytes);
  t.deepEqual(
    {
      cidr: net.formatCidr(cidr),
      last: textOf(net.lastAddress(cidr)),
      network: textOf(net.networkAddress(cidr)),
      broadcast: textOf(net.broadcastAddress(cidr)),
    },
    expected,
  );
});

const plain = (cidr: string, last: string, network: string | null, broadcast: string | null): Block => {
  return { cidr, last, network, broadcast };
};

test('a /24', block, '10.0.1.0/24', plain('10.0.1.0/24', '10.0.1.255', '10.0.1.0', '10.0.1.255'));
test(
  'host bits are cleared',
  block,
  '10.0.1.77/26',
  plain('10.0.1.64/26', '10.0.1.127', '10.0.1.64', '10.0.1.127'),
);
test('a /0', block, '0.0.0.0/0', plain('0.0.0.0/0', '255.255.255.255', '0.0.0.0', '255.255.255.255'));
test('a /31 has two hosts', block, '10.0.0.2/31', plain('10.0.0.2/31', '10.0.0.3', null, null));
test('a /32 is a host', block, '10.0.0.2/32', plain('10.0.0.2/32', '10.0.0.2', null, null));
test(
  'an IPv6 /64 has no broadcast',
  block,
  'fd00:1::/64',
  plain('fd00:1::/64', 'fd00:1::ffff:ffff:ffff:ffff', 'fd00:1::', null),
);
test(
  'a short IPv6 prefix has no broadcast either',
  block,
  'fd00::/16',
  plain('fd00::/16', 'fd00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fd00::', null),
);
test('an odd IPv6 prefix', block, 'fd00::f/125', plain('fd00::8/125', 'fd00::f', 'fd00::8', null));
test('an IPv6 /127 has two hosts', block, 'fd00::2/127', plain('fd00::2/127', 'fd00::3', null, null));
test('IPv4 has no prefix 33', block, '10.0.0.0/33', null);
test('IPv6 has no prefix 129', block, 'fd00::/129', null);
test('a prefix with a leading zero is refused', block, '10.0.0.0/08', null);
test('a missing prefix is refused', block, '10.0.0.0', null);
test('an empty prefix is refused', block, '10.0.0.0/', null);
test('a second slash is refused', block, '10.0.0.0/8/8', null);

const contains = test.macro((t, cidr: string, address: string, expected: boolean) => {
  const parsed = net.parseCidr(cidr);
  t.true(parsed !== null);
  if (parsed !== null) t.is(net.cidrContains(parsed, net.addressBytes(address)), expected);
});

test('the first address is inside', contains, '10.0.1.64/26', '10.0.1.64', true);
test('the last address is inside', contains, '10.0.1.64/26', '10.0.1.127', true);
test('the next address is outside', contains, '10.0.1.64/26', '10.0.1.128', false);
test('the one before is outside', contains, '10.0.1.64/26', '10.0.1.63', false);
test('0.0.0.0/0 holds all IPv4', contains, '0.0.0.0/0', '203.0.113.1', true);
test('::/0 holds IPv6', contains, '::/0', 'fd00::1', true);
test('::/0 holds no IPv4, mapped as it is', contains, '::/0', '10.0.0.1', false);
test('IPv6 inside', contains, 'fd00:1::/64', 'fd00:1::ffff', true);
test('IPv6 outside', contains, 'fd00:1::/64', 'fd00:1:0:1::', false);

const mac = test.macro((t, text: string, canonical: string | null, isUnicast?: boolean) => {
  const bytes = net.parseMac(text);
  t.is(bytes === null ? null : net.formatMac(bytes), canonical);
  if (bytes !== null) t.is<unknown, unknown>(net.isUnicastMac(bytes), isUnicast);
});

test('a MAC', mac, '52:54:00:12:34:56', '52:54:00:12:34:56', true);
test('a MAC in upper case with dashes', mac, '00-00-5E-00-01-33', '00:00:5e:00:01:33', true);
test('a multicast MAC', mac, '01:00:5e:00:00:12', '01:00:5e:00:00:12', false);
test('the broadcast MAC', mac, 'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff', false);
test('the zero MAC is nobody', mac, '00:00:00:00:00:00', '00:00:00:00:00:00', false);
test('mixed separators are refused', mac, '52:54-00:12:34:56', null);
test('five bytes are refused', mac, '52:54:00:12:34', null);
test('seven bytes are refused', mac, '52:54:00:12:34:56:78', null);
test('a short pair is refused', mac, '52:54:0:12:34:56', null);

test('sameBytes compares length and content', (t) => {
  t.true(net.sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
  t.false(net.sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
  t.false(net.sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3)));
});
