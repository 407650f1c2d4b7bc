// SPDX-License-Identifier: BSD-2-Clause
// What the pinned maps say of a configuration that there is no file of: which bridges, uplinks and gateways are served.
import type { SubnetConfig } from '../config/types.js';
import { PORT_KIND, type Target } from '../kernel/layout.gen.js';
import { fieldText } from '../kernel/names.js';
import type { MapsSight } from './sight.js';

/** One subnet a bridge: enough to plan the ports by. Empty where nothing is pinned. */
export function servedSubnets(maps: Pick<MapsSight, 'targets'> | null): SubnetConfig[] {
  const targets = [...(maps?.targets.values() ?? [])];
  const bridges = targets.filter(({ kind }) => kind === PORT_KIND.HOST);
  const gateways = namesOf(targets.filter(({ kind }) => kind === PORT_KIND.GATEWAY));
  return bridges.map((bridge, at) => {
    const ports = targets.filter((target) => target.bridge === bridge.ifindex);
    return {
      network: '',
      name: fieldText(bridge.name),
      cidrs: [],
      bridge: fieldText(bridge.name),
      vlan: { outer: 0, inner: 0 },
      uplinks: namesOf(ports.filter(({ kind }) => kind === PORT_KIND.UPLINK)),
      gateways: at === 0 ? gateways.map((name) => ({ name, proxyArp: true })) : [],
      hooks: [],
      portSecurity: false,
      havips: [],
    };
  });
}

const namesOf = (targets: readonly Target[]): string[] => targets.map(({ name }) => fieldText(name));
