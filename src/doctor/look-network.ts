// SPDX-License-Identifier: BSD-2-Clause
// Looks at devices, bridges, ports, addresses and offloads of this namespace, and plans the ports as the daemon does.
import type { EipConfig, SubnetConfig } from '../config/types.js';
import { planPorts } from '../control/plan.js';
import { listBridgeVlans } from '../net/bridge-vlans.js';
import { listDevices } from '../net/devices.js';
import { listHostAddresses } from '../net/host-addresses.js';
import { XdpFeatureWatcher } from '../net/netdev.js';
import { listOffloads } from '../net/offloads.js';
import type { NetworkSight } from './sight.js';

export type XdpFeatures = NetworkSight['xdpFeatures'];

/** null: the kernel has no netdev family. Errors: HavipError. */
export async function lookAtXdpFeatures(): Promise<XdpFeatures | null> {
  const watcher = new XdpFeatureWatcher({ onChange: () => undefined, onError: () => undefined });
  await watcher.start();
  const { supported, features } = watcher;
  const found = new Map(features);
  watcher.stop();
  return supported ? (ifindex) => found.get(ifindex) ?? 0n : null;
}

/** Errors: HavipError. */
export async function lookAtNetwork(
  subnets: readonly SubnetConfig[],
  eips: readonly EipConfig[],
  features: XdpFeatures | null,
): Promise<NetworkSight> {
  const xdpFeatures = features ?? (() => undefined);
  const [devices, addresses, offloads, vlans] = await Promise.all([
    listDevices(),
    listHostAddresses(),
    // A kernel that does not tell of them has none to warn of.
    listOffloads().catch(() => new Map<number, ReadonlySet<string>>()),
    listBridgeVlans(),
  ]);
  const links = new Map([...devices].map(([ifindex, { link }]) => [ifindex, link]));
  const plan = planPorts(subnets, links, xdpFeatures);
  return { devices, subnets, eips, plan, xdpFeatures, offloads, vlans, addresses };
}
