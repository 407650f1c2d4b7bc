// SPDX-License-Identifier: BSD-2-Clause
// The standard lab: one hypervisor with two bridges, a redundant pair of guests, a client beside them and one
// behind a router. What runs in it is decided by the demo and the tests.
import { type Lab } from './lab.js';

export const VIP = '10.0.1.50';
export const VIP6 = 'fd00:1::50';

export type GuestName = 'client' | 'vm-a' | 'vm-b' | 'router' | 'client2';

/** Where each guest lives; with IPv6, `fd00:1::/64` and `fd00:2::/64` have the same host parts. */
export const ADDRESSES = {
  client: '10.0.1.10',
  'vm-a': '10.0.1.11',
  'vm-b': '10.0.1.12',
  router: '10.0.1.1',
  routerApp: '10.0.2.1',
  client2: '10.0.2.10',
  host: '10.0.1.2',
  hostApp: '10.0.2.2',
} as const;

export interface StandardLabOptions {
  /** For all guests, or guest by guest. @default 'veth' */
  kind?: 'veth' | 'tap' | Partial<Record<GuestName, 'veth' | 'tap'>>;
  /** @default 300 */
  ageingTimeS?: number;
  /** The router, br-app and client2 as well. @default true */
  routed?: boolean;
}

/** Builds it: namespace `hv` with bridges `br-web` and `br-app`, ports called `vnic-GUEST`. */
export async function standardLab(lab: Lab, options: StandardLabOptions = {}): Promise<void> {
  const ageing = options.ageingTimeS === undefined ? {} : { ageingTimeS: options.ageingTimeS };
  await lab.addNamespace('hv');
  await lab.addBridge('hv', 'br-web', { ...ageing, addresses: both(ADDRESSES.host) });
  const gateway = options.routed === false ? {} : { gateway: [ADDRESSES.router, ipv6(ADDRESSES.router)] };
  const web = (name: 'client' | 'vm-a' | 'vm-b'): Promise<void> =>
    lab.addGuest(name, { ...place('br-web', name, options), addresses: both(ADDRESSES[name]), ...gateway });
  await Promise.all([web('client'), web('vm-a'), web('vm-b')]);
  if (options.routed !== false) await addRoutedPart(lab, options, ageing);
}

async function addRoutedPart(
  lab: Lab,
  options: StandardLabOptions,
  ageing: { ageingTimeS?: number },
): Promise<void> {
  await lab.addBridge('hv', 'br-app', { ...ageing, addresses: both(ADDRESSES.hostApp) });
  await lab.addGuest('router', { ...place('br-web', 'router', options), addresses: both(ADDRESSES.router) });
  await lab.addLeg('router', 'eth1', {
    ...place('br-app', 'router', options),
    addresses: both(ADDRESSES.routerApp),
  });
  await lab.sysctl('router', ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
  await lab.addGuest('client2', {
    ...place('br-app', 'client2', options),
    addresses: both(ADDRESSES.client2),
    gateway: [ADDRESSES.routerApp, ipv6(ADDRESSES.routerApp)],
  });
}

/** The IPv6 twin of one of ADDRESSES: 10.0.1.10 -> fd00:1::10. */
export function ipv6(address: string): string {
  const [, , subnet, host] = address.split('.');
  return `fd00:${subnet}::${host}`;
}

function both(address: string): string[] {
  return [`${address}/24`, `${ipv6(address)}/64`];
}

function place(
  bridge: string,
  guest: GuestName,
  options: StandardLabOptions,
): { host: string; bridge: string; kind: 'veth' | 'tap' } {
  const kind = typeof options.kind === 'string' ? options.kind : options.kind?.[guest];
  return { host: 'hv', bridge, kind: kind ?? 'veth' };
}
