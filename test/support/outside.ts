// SPDX-License-Identifier: BSD-2-Clause
// The pair of pair.ts with a way out: the gateway `ext0` of the hypervisor, the router `outside` at the far end of its
// wire, and EIPs in between.
import type { ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { addOutside, EIP } from '../../src/lab/outside.js';
import { ADDRESSES, VIP } from '../../src/lab/topology.js';
import { webConfig } from './daemon.js';
import { labFor } from './lab.js';
import { addFarGuest, addGuest, both, type ClientKind, type Kind } from './pair.js';

export { addOutside, EIP, EIP2, OUTSIDE } from '../../src/lab/outside.js';

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
