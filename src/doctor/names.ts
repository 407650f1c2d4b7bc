// SPDX-License-Identifier: BSD-2-Clause
// What the checks call things, and the ports of a bridge.
import type { WantedPort } from '../control/plan.js';
import { PORT_KIND } from '../kernel/layout.gen.js';
import type { Device } from '../net/devices.js';
import type { NetworkSight } from './sight.js';

export function nameOf({ devices }: Pick<NetworkSight, 'devices'>, ifindex: number): string {
  return devices.get(ifindex)?.link.name ?? `ifindex ${ifindex}`;
}

export interface ServedBridge {
  readonly device: Device;
  readonly name: string;
  /** vNICs and uplinks. */
  readonly ports: readonly WantedPort[];
}

export function bridgesOf({ plan, devices }: Pick<NetworkSight, 'plan' | 'devices'>): ServedBridge[] {
  return [...plan.bridges].flatMap(([name, ifindex]) => {
    const device = devices.get(ifindex);
    const isPort = ({ bridge, kind }: WantedPort): boolean =>
      bridge.ifindex === ifindex && kind !== PORT_KIND.HOST;
    return device ? [{ device, name, ports: [...plan.ports.values()].filter(isPort) }] : [];
  });
}

export const gatewaysOf = ({ plan }: Pick<NetworkSight, 'plan'>): WantedPort[] =>
  [...plan.ports.values()].filter(({ kind }) => kind === PORT_KIND.GATEWAY);
