// SPDX-License-Identifier: BSD-2-Clause
// What each reason means to whoever asks why a packet went where it went: one sentence for every enum havip_reason that
// data can end with.

const FOREIGN = 'an announcement’s or a question’s, which a trace does not send';

export const REASON_WORDS: Readonly<Record<string, string>> = {
  'pass not-ip': 'neither IPv4, IPv6 nor ARP: the bridge delivers it',
  'pass not-havip':
    'its destination is no HAVIP of this subnet, and no EIP: the bridge delivers it, or by a gateway the host',
  'pass other-domain': 'its VLAN tags belong to no configured subnet on this bridge',
  'pass truncated': 'it ends before its headers do',
  'pass group-mac': 'it is addressed to a group of stations: not ours to give to one',
  'pass from-holder': 'the holder itself sends it (LVS direct routing hands packets on so): left alone',
  'pass same-port': 'the holder is behind the port that it comes in by',
  'pass uplink': 'from one uplink to another nothing is sent: the wire delivers it',
  'pass unheld': 'nobody holds the HAVIP: the bridge delivers by the MAC that the sender believes in',
  'pass port-gone': 'the holder’s port has just left',
  'pass not-writable': 'the kernel would not let the frame be changed',
  'pass no-port': 'the port has just left',
  'pass no-way-back': 'a stale sender’s, but this uplink cannot send from its own hook',
  'rewrite learn': 'with the holder’s MAC over the bridge, so that the bridge remembers the sender',
  'rewrite too-long': 'longer than the holder’s MTU: with the holder’s MAC over the bridge, which decides',
  'rewrite no-redirect': 'the holder’s port takes no redirected frames: with its MAC over the bridge',
  'rewrite host': 'the host itself holds it: with its MAC into the bridge',
  'redirect holder': 'straight to the holder’s port, with the holder’s MAC',
  'redirect back':
    'a stale sender’s on the wire: back out of the uplink with the holder’s MAC, one hop older',
  'redirect out': 'from a HAVIP to outside: out by the gateway, as its EIP',
  'pass eip-ttl':
    'to or from an EIP, but its TTL is used up: left to the host, which may say so to the sender',
  'pass eip-routed':
    'to an EIP, but the holder’s port takes no redirected frames: to the host as a packet to the HAVIP, to be routed',
  'drop eip-unheld': 'nobody holds the HAVIP behind the EIP',
  'drop eip-malformed': 'to or from an EIP, and its headers, or those that it quotes, are cut short',
  'drop eip-misquoted': 'an ICMP error to or from an EIP that quotes a packet of somebody else',
  'drop eip-not-holder': 'from a HAVIP by another than its holder, and `egress: holder`',
  'drop eip-too-long': 'to or from an EIP, and longer than the MTU where it would have to go',
  'drop eip-no-route': 'from a HAVIP to outside, and the host has no route to there by a gateway',
  'drop eip-no-neighbour': 'from a HAVIP to outside, and XDP cannot ask for the MAC of the next hop',
  'drop eip-no-redirect': 'from a HAVIP to outside, and the gateway takes no frames redirected by XDP',
  'drop eip-spoof': 'to an EIP from outside, with an address of the inside as its source',
  'drop eip-not-writable': 'to or from an EIP: the kernel would not let the frame be changed',
  'drop unheld': 'nobody holds the HAVIP, and `unheld: drop`',
  'drop ttl': 'a stale sender’s whose TTL or hop limit is used up: hosts disagree about the holder',
  'drop port-security': 'its source MAC is not the vNIC’s own (`portSecurity`)',
};

export const wordsFor = (verdict: string, reason: string): string =>
  REASON_WORDS[`${verdict} ${reason}`] ?? FOREIGN;
