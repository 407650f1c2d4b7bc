// SPDX-License-Identifier: BSD-2-Clause
// The pair of pair.ts with a way out: the gateway `ext0` of the hypervisor, the router `outside` at the far end of its
// wire, and EIPs in between.
import type { ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { ADDRESSES, VIP } from '../../src/lab/topology.js';
import { webConfig } from './daemon.js';
import { labFor } from './lab.js';
import { addFarGuest, addGuest, both, type ClientKind, type Kind } from './pair.js';

/** On the wire between gateway and router, so that the router asks for it by ARP. */
export const EIP = '203.0.113.10';
export const EIP2 = '203.0.113.11';
export const OUTSIDE = {
  /** The host's own address on `ext0`. */
  gateway: '203.0.113.2',
  /** The router at the other end. */
  router: '203.0.113.1',
  /** Somewhere behind it. */
  far: '198.51.100.7',
} as const;

export interface OutsideOptions {
  /** Of the guests. @default 'veth' */
  kind?: Kind;
  /** @default 'veth' */
  client?: ClientKind;
  /** Guests on br-app, behind the router guest and behind the host. @default false */
  routed?: boolean;
}

export async function outsideLab(t: ExecutionContext, options: OutsideOptions = {}): Promise<Lab> {
  const { kind = 'veth', client = 'veth' } = options;
  const lab = await labFor(t);
  await lab.addNamespace('hv');
  await lab.addBridge('hv', 'br-web', { addresses: both(ADDRESSES.host) });
  for (const name of ['vm-a', 'vm-b'] as const) {
    await addGuest(lab, name, ADDRESSES[name], kind);
    await lab.ip(name, [`route add default via ${ADDRESSES.host} dev eth0`]);
    // XDP redirects into a veth arrive only while its far end has NAPI.
    await lab.exec(name, ['ethtool', '-K', 'eth0', 'gro', 'on']);
  }
  if (client === 'uplink') await addFarGuest(lab, 'client', ADDRESSES.client);
  else await addGuest(lab, 'client', ADDRESSES.client, client);
  await lab.ip('client', [`route add default via ${ADDRESSES.host} dev eth0`]);
  await addOutside(lab, 'hv');
  return lab;
}

/** `ext0` of a hypervisor, and the router at its far end. */
export async function addOutside(lab: Lab, host: string, far = 'outside'): Promise<void> {
  await lab.addNamespace(far);
  await lab.addWire({
    host,
    port: 'ext0',
    near: { addresses: [`${OUTSIDE.gateway}/24`], gateway: OUTSIDE.router },
    far,
    farDevice: 'eth0',
    addresses: [`${OUTSIDE.router}/24`, `${OUTSIDE.far}/32`],
  });
}

export const gatewayUplink = { name: 'ext0', gateway: true };

/** @param hook Of the gateway. */
export function eipConfig(
  hook: 'xdp' | 'tc',
  eips: readonly object[] = [{ address: EIP, havip: VIP }],
  more: object = {},
  havip: object = {},
): object {
  const subnet = { uplinks: [gatewayUplink], hooks: { ext0: hook }, ...more };
  const { networks } = webConfig([{ address: VIP, ...havip }], subnet) as { networks: object[] };
  return { networks: networks.map((network) => ({ ...network, eips })) };
}
