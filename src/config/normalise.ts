// SPDX-License-Identifier: BSD-2-Clause
// A checked file -> Config: canonical addresses, milliseconds, one flat list of subnets. Never called on a file with
// problems, so what cannot be read here is a defect of the checks and throws.
import { addressBytes, formatAddress, formatCidr, parseCidr } from '../net/addresses.js';
import { parseDuration, parseListen } from './fields.js';
import { DEFAULTS, MAX_HAVIPS, type ConfigFile, type HavipFile, type SubnetFile } from './schema.js';
import type {
  Config,
  Damping,
  EipConfig,
  Gateway,
  HavipConfig,
  HookChoice,
  Listen,
  SubnetConfig,
} from './types.js';

export function normalise(file: ConfigFile): Config {
  const shared = new Shared();
  const subnets = file.networks.flatMap((network) =>
    network.subnets.map((subnet) => normaliseSubnet(network.name, subnet, shared)),
  );
  const configured = subnets.reduce((sum, subnet) => sum + subnet.havips.length, 0);
  return {
    pinPath: withoutTrailingSlash(file.pinPath),
    socket: file.api.socket,
    metricsListen: normaliseListen('metrics.listen', file.metrics.listen),
    webListen: normaliseListen('web.listen', file.web.listen),
    statePath: withoutTrailingSlash(file.statePath),
    capacity: { havips: file.capacity.havips ?? defaultCapacity(configured), ports: file.capacity.ports },
    subnets,
    eips: file.networks.flatMap(normaliseEips),
  };
}

function normaliseEips({ name, eips }: ConfigFile['networks'][number]): EipConfig[] {
  return eips.map(({ address, havip, egress }) => ({
    network: name,
    address: canonical(address),
    havip: canonical(havip),
    egress,
  }));
}

const canonical = (address: string): string => formatAddress(addressBytes(address));

function withoutTrailingSlash(folder: string): string {
  return folder.replace(/(?<=[^/])\/+$/, '');
}

function normaliseListen(key: string, text: string): Listen | null {
  const listen = parseListen(text) ?? unchecked(key, text);
  return listen === 'off' ? null : listen;
}

/** Room for twice as many as today, as a power of two, so that a reload seldom needs a larger map. */
export function defaultCapacity(configured: number): number {
  const doubled = 2 ** Math.ceil(Math.log2(Math.max(1, configured * 2)));
  return Math.min(MAX_HAVIPS, Math.max(DEFAULTS.havips, doubled));
}

function normaliseSubnet(network: string, subnet: SubnetFile, shared: Shared): SubnetConfig {
  const [outer = 0, inner = 0] = subnet.vlan;
  return {
    network,
    name: subnet.name,
    cidrs: [subnet.cidr].flat().map(canonicalCidr),
    bridge: subnet.bridge,
    vlan: { outer, inner },
    uplinks: [...new Set(subnet.uplinks.flatMap(uplinkName))],
    gateways: gatewaysOf(subnet),
    hooks: orderHooks(subnet.hooks),
    portSecurity: subnet.portSecurity,
    havips: subnet.havips.map((havip) => normaliseHavip(havip, shared)),
  };
}

function canonicalCidr(text: string): string {
  return formatCidr(parseCidr(text) ?? unchecked('cidr', text));
}

function uplinkName(uplink: SubnetFile['uplinks'][number]): string[] {
  if (typeof uplink === 'string') return [uplink];
  return uplink.gateway ? [] : [uplink.name];
}

/** Named twice, the last word counts. */
function gatewaysOf({ uplinks }: SubnetFile): Gateway[] {
  const gateways = uplinks.filter((uplink) => typeof uplink !== 'string').filter(({ gateway }) => gateway);
  return [...new Map(gateways.map(({ name, proxyArp = true }) => [name, { name, proxyArp }])).values()];
}

/** A full name beats a glob wherever it stands: YAML gives the order of keys no meaning. */
function orderHooks(hooks: SubnetFile['hooks']): HookChoice[] {
  const choices = Object.entries(hooks).map(([pattern, hook]) => ({ pattern, hook }));
  const isGlob = ({ pattern }: HookChoice): boolean => /[*?]/.test(pattern);
  return [...choices.filter((choice) => !isGlob(choice)), ...choices.filter(isGlob)];
}

function normaliseHavip(havip: HavipFile, shared: Shared): HavipConfig {
  return {
    address: canonical(havip.address),
    members: havip.members === undefined ? null : shared.members(havip.members),
    guard: havip.guard,
    unheld: havip.unheld,
    rebind: havip.rebind,
    heal: havip.heal,
    arp: havip.arp,
    serviceMac: havip.serviceMac?.toLowerCase() ?? null,
    damping: shared.damping(havip.damping),
  };
}

/** Equal options of 100,000 HAVIPs as one object each, here and (structured clone keeps them) beyond the worker. */
class Shared {
  readonly #dampings = new Map<string, Damping>();
  readonly #members = new Map<string, readonly string[]>();

  damping({ moves, window }: HavipFile['damping']): Damping {
    return once(this.#dampings, `${moves} ${window}`, () => {
      return { moves, windowMs: parseDuration(window) ?? unchecked('window', window) };
    });
  }

  members(names: readonly string[]): readonly string[] {
    return once(this.#members, names.join(' '), () => [...new Set(names)]);
  }
}

function once<T>(known: Map<string, T>, key: string, make: () => T): T {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

function unchecked(key: string, value: string): never {
  throw new TypeError(`${key}: ${JSON.stringify(value)} came through the checks`);
}
