// SPDX-License-Identifier: BSD-2-Clause
// Questions byte by byte, as tcpdump shows those of arping -D and of the kernel's own neighbour discovery.
import test from 'ava';
import { question } from '../../src/net/questions.js';

const MAC = '02:11:22:33:44:55';
const UNTAGGED = { outer: 0, inner: 0 };

test('IPv4: an ARP probe, whose sender is nobody', (t) => {
  const frame = question('10.0.1.50', { mac: MAC, vlan: UNTAGGED }).toString('hex');
  t.is(
    frame,
    'ffffffffffff0211223344550806' + '0001080006040001' + '02112233445500000000' + '0000000000000a000132',
  );
});

test('IPv6: a solicitation by a link-local address, to the solicited node', (t) => {
  const frame = question('fd00:1::50', { mac: MAC, vlan: UNTAGGED }).toString('hex');
  t.is(frame.slice(0, 28), '3333ff00005002112233445586dd');
  t.is(frame.slice(28, 44), '6000000000203aff');
  t.is(frame.slice(44, 76), 'fe800000000000000011' + '22fffe334455');
  t.is(frame.slice(76, 108), 'ff0200000000000000000001ff000050');
  t.is(frame.slice(108, 112) + frame.slice(116, 124), '8700' + '00000000');
  t.is(frame.slice(124, 156), 'fd000001000000000000000000000050');
  t.is(frame.slice(156), '0101' + '021122334455');
  t.is(sumOf(frame), 0xffff);
});

/** Of pseudo header and message (RFC 4443 section 2.3). */
function sumOf(frame: string): number {
  const words = (frame.slice(44, 108) + '00000020' + '0000003a' + frame.slice(108)).match(/..../g) ?? [];
  let sum = words.reduce((total, word) => total + parseInt(word, 16), 0);
  while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

test('under one tag, and under two', (t) => {
  const tagsOf = (outer: number, inner: number): string =>
    question('10.0.1.50', { mac: MAC, vlan: { outer, inner } }).toString('hex').slice(24, 44);
  t.is(tagsOf(100, 0).slice(0, 12), '810000640806');
  t.is(tagsOf(100, 7), '88a8006481000007' + '0806');
});

test('a MAC that is none is refused', (t) => {
  t.throws(() => question('10.0.1.50', { mac: '', vlan: UNTAGGED }), { instanceOf: RangeError });
});
