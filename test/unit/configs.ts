// SPDX-License-Identifier: BSD-2-Clause
// Configurations as the control plane gets them, with everything that a test does not care for filled in.
import type { HavipConfig, SubnetConfig } from '../../src/config/types.js';

export const CAPACITY = { havips: 4, ports: 8 };
const NO_TAGS = { outer: 0, inner: 0 };

export const havip = (address: string, more: Partial<HavipConfig> = {}): HavipConfig => ({
  address,
  members: null,
  guard: 'enforce',
  unheld: 'pass',
  rebind: 'loader',
  heal: 'verify',
  arp: 'off',
  serviceMac: null,
  damping: { moves: 5, windowMs: 10_000 },
  ...more,
});

export const subnet = (
  name: string,
  havips: readonly (string | HavipConfig)[],
  more: Partial<SubnetConfig> = {},
): SubnetConfig => ({
  network: 'blue',
  name,
  cidrs: ['10.0.1.0/24'],
  bridge: 'br0',
  vlan: NO_TAGS,
  uplinks: [],
  gateways: [],
  hooks: [],
  portSecurity: false,
  havips: havips.map((one) => (typeof one === 'string' ? havip(one) : one)),
  ...more,
});
