// SPDX-License-Identifier: BSD-2-Clause
// A hypervisor with one of everything that a frame can meet, and the frames that meet it, each with the verdict that it
// must get: a cost of something else would be no figure.
import { announcement } from '../lab/frames.js';
import type { Lab } from '../lab/lab.js';
import { addOutside, EIP, OUTSIDE } from '../lab/outside.js';
import { ping } from '../lab/traffic.js';
import { packetFrame } from '../net/packets.js';
import type { CostRun } from './cost-types.js';
import { addressOf, announceAll, runDaemon, type BenchDaemon } from './host.js';
import { CLIENT, GUEST, HOLDER_MAC, linkOf, packetLab, SPREAD, STALE_MAC, UPLINK } from './packet-site.js';

const TAGS = [100, 7] as const;
const HAVIP = {
  v4: addressOf(0),
  v6: 'fd00::50',
  /** At a guest that takes no redirected frames. */
  slow: '10.0.0.60',
  /** That only GUEST may claim. */
  guarded: '10.0.0.61',
  tagged: '172.16.0.50',
  /** Behind an EIP, on a bridge of its own: a network's EIPs cost its other packets a look-up. */
  front: '10.1.0.50',
} as const;
const SLOW = { name: 'slow', address: '10.0.0.13' } as const;
const FRONT = { name: 'vm-e', address: '10.1.0.11', host: '10.1.0.2' } as const;
const NOBODYS = { v4: '10.0.0.99', v6: 'fd00::99' } as const;
const SENDER = { v4: CLIENT.address, v6: 'fd00::10', tagged: '172.16.0.10' } as const;

export interface CostCase extends CostRun {
  readonly what: string;
  /** verdict/reason of the metric havip_frames_total. */
  readonly verdict: string;
  /** Of the nanoseconds above an empty program. */
  readonly bar: string;
}

/** A lab with the daemon in it, every HAVIP held. */
export async function costLab(): Promise<{ lab: Lab; daemon: BenchDaemon; cases: CostCase[] }> {
  const lab = await packetLab('wire');
  await lab.addGuest(CLIENT.name, { host: 'hv', bridge: 'br-web', addresses: [`10.0.0.14/8`] });
  await lab.addGuest(SLOW.name, { host: 'hv', bridge: 'br-web', addresses: [`${SLOW.address}/8`] });
  await lab.addBridge('hv', 'br-front', { addresses: [`${FRONT.host}/16`] });
  await lab.addGuest(FRONT.name, { host: 'hv', bridge: 'br-front', addresses: [`${FRONT.address}/16`] });
  await lab.must(FRONT.name, ['ethtool', '-K', 'eth0', 'gro', 'on']);
  await addOutside(lab, 'hv');
  const daemon = await runDaemon(lab, JSON.stringify(networks(lab)));
  await holdAll(lab);
  return { lab, daemon, cases: [...(await wireCases(lab)), ...(await guestCases(lab))] };
}

function networks(lab: Lab): object[] {
  const many = Array.from({ length: SPREAD }, (_, i) => ({ address: addressOf(i) }));
  const guarded = { address: HAVIP.guarded, members: [lab.port(GUEST.name)] };
  const web = {
    ...{ name: 'web', cidr: ['10.0.0.0/8', 'fd00::/64'], bridge: 'br-web', uplinks: [UPLINK] },
    hooks: { [UPLINK]: 'xdp' },
    havips: [...many, { address: HAVIP.v6 }, { address: HAVIP.slow }, guarded],
  };
  const tagged = {
    ...{ name: 'tagged', cidr: '172.16.0.0/16', bridge: 'br-web', vlan: TAGS, uplinks: [UPLINK] },
    ...{ hooks: { [UPLINK]: 'xdp' }, havips: [{ address: HAVIP.tagged }] },
  };
  const front = {
    ...{ name: 'front', cidr: '10.1.0.0/16', bridge: 'br-front', uplinks: [{ name: 'ext0', gateway: true }] },
    ...{ hooks: { ext0: 'xdp' }, havips: [{ address: HAVIP.front }] },
  };
  return [
    { name: 'bench', subnets: [web, tagged] },
    { name: 'public', subnets: [front], eips: [{ address: EIP, havip: HAVIP.front }] },
  ];
}

async function holdAll(lab: Lab): Promise<void> {
  const addresses = Array.from({ length: SPREAD }, (_, i) => addressOf(i));
  await announceAll(lab, GUEST.name, [...addresses, HAVIP.v6, HAVIP.guarded]);
  await announceAll(lab, SLOW.name, [HAVIP.slow]);
  await announceAll(lab, FRONT.name, [HAVIP.front]);
  await lab.sendFrames(GUEST.name, 'eth0', [tagged(announcement(HAVIP.tagged, HOLDER_MAC, 'request'))]);
  // So that the way out is known.
  await ping(lab, 'hv', OUTSIDE.router, 2);
}

/** Behind both tags. */
function tagged(frame: string): string {
  const [outer, inner] = TAGS.map((id) => id.toString(16).padStart(4, '0'));
  return `${frame.slice(0, 24)}88a8${outer}8100${inner}${frame.slice(24)}`;
}

const ABOVE_EMPTY = '<= 12';

/** In by the uplink, which is XDP's. */
async function wireCases(lab: Lab): Promise<CostCase[]> {
  const [sourceMac, destinationMac] = [lab.mac('wire'), STALE_MAC];
  const packet = (from: string, to: string, vlan: readonly number[] = []): string =>
    padded(packetFrame({ transport: 'udp', from, to, sourceMac, destinationMac, vlan }).toString('hex'));
  const atUplink = { port: UPLINK, bar: '' };
  const held = { ...atUplink, verdict: 'redirect/holder' };
  const notOurs = { port: UPLINK, bar: ABOVE_EMPTY, verdict: 'pass/not-havip' };
  const toEip = packetFrame({
    ...{ transport: 'udp', from: OUTSIDE.router, to: EIP, vlan: [] },
    ...{ sourceMac: lab.mac('outside'), destinationMac: (await linkOf(lab, 'hv', 'ext0')).address },
  });
  return [
    { ...notOurs, what: 'XDP, no HAVIP’s, IPv4', frame: packet(SENDER.v4, NOBODYS.v4) },
    { ...notOurs, what: 'XDP, no HAVIP’s, IPv6', frame: packet(SENDER.v6, NOBODYS.v6) },
    { ...held, what: 'XDP, redirect, IPv4', frame: packet(SENDER.v4, HAVIP.v4) },
    {
      ...held,
      what: 'XDP, redirect, one of 1,024 at random',
      frame: packet(SENDER.v4, HAVIP.v4),
      spread: SPREAD,
    },
    { ...held, what: 'XDP, redirect, IPv6', frame: packet(SENDER.v6, HAVIP.v6) },
    { ...held, what: 'XDP, redirect, two VLAN tags', frame: packet(SENDER.tagged, HAVIP.tagged, TAGS) },
    {
      ...{ ...atUplink, what: 'XDP, rewrite, then the bridge', verdict: 'rewrite/no-redirect' },
      frame: packet(SENDER.v4, HAVIP.slow),
    },
    {
      ...{ what: 'XDP, to an EIP', port: 'ext0', verdict: 'redirect/holder', bar: '', spread: 0 },
      frame: padded(toEip.toString('hex')),
    },
  ];
}

/** In by a vNIC, which is tc's. */
async function guestCases(lab: Lab): Promise<CostCase[]> {
  const [client, holder, front] = [CLIENT.name, GUEST.name, FRONT.name].map((name) => lab.port(name)) as [
    ...[string, string, string],
  ];
  const sourceMac = lab.mac(CLIENT.name);
  const packet = (from: string, to: string): string =>
    padded(
      packetFrame({ transport: 'udp', from, to, sourceMac, destinationMac: STALE_MAC, vlan: [] }).toString(
        'hex',
      ),
    );
  const says = (address: string, mac: string): string => padded(announcement(address, mac, 'request'));
  const held = { port: client, bar: '', verdict: 'redirect/holder' };
  const notOurs = { port: client, bar: ABOVE_EMPTY, verdict: 'pass/not-havip' };
  const out = packetFrame({
    ...{ transport: 'udp', from: HAVIP.front, to: OUTSIDE.far, vlan: [], sourceMac: lab.mac(FRONT.name) },
    destinationMac: (await linkOf(lab, 'hv', 'br-front')).address,
  });
  return [
    { ...notOurs, what: 'tc, no HAVIP’s, IPv4', frame: packet(SENDER.v4, NOBODYS.v4) },
    { ...notOurs, what: 'tc, no HAVIP’s, IPv6', frame: packet(SENDER.v6, NOBODYS.v6) },
    { ...held, what: 'tc, redirect, IPv4', frame: packet(SENDER.v4, HAVIP.v4) },
    { ...held, what: 'tc, redirect, IPv6', frame: packet(SENDER.v6, HAVIP.v6) },
    {
      ...{
        what: 'tc, from a HAVIP, out as its EIP',
        port: front,
        verdict: 'redirect/out',
        bar: '',
        spread: 0,
      },
      frame: padded(out.toString('hex')),
    },
    { ...notOurs, bar: '', what: 'tc, ARP about no HAVIP', frame: says(NOBODYS.v4, sourceMac) },
    {
      ...{ what: 'tc, announcement by the holder', port: holder, verdict: 'pass/announcement', bar: '' },
      frame: says(HAVIP.v4, HOLDER_MAC),
    },
    {
      ...{ what: 'tc, announcement, refused', port: client, verdict: 'drop/refused-not-member', bar: '' },
      frame: says(HAVIP.guarded, sourceMac),
    },
  ];
}

/** To Ethernet's shortest. */
const padded = (frame: string): string => frame.padEnd(2 * 60, '0');
