// SPDX-License-Identifier: BSD-2-Clause
// A way out of a lab's hypervisor: the gateway `ext0`, the router at the far end of its wire, and EIPs in between.
import type { Lab } from './lab.js';

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
