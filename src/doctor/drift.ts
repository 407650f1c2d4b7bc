// SPDX-License-Identifier: BSD-2-Clause
// Drift: maps, devices, daemon and configuration, each against the others. Read one after the other, so that
// something in motion looks like it too: whoever finds drift looks twice (checks.ts).
import type { Config } from '../config/types.js';
import { policyRow } from '../control/definitions.js';
import { Holder, Policy, Port, PORT_FLAGS, type Key } from '../kernel/layout.gen.js';
import { fieldText } from '../kernel/names.js';
import { formatAddress } from '../net/addresses.js';
import { fail, ok, some, warn, word, type Verdict } from './finding.js';
import type { MapsSight, Sight } from './sight.js';

const RESTART = 'systemctl restart havip   # or end havip run and start it again: traffic is not disturbed';
const RELOAD = 'havip reload';

/** The daemon may hold maps that are pinned no more, or not yet. */
export function daemonMaps({ maps, daemon }: Pick<Sight, 'maps' | 'daemon'>): Verdict[] {
  const open = daemon.process?.mapIds;
  if (maps === null || !open || open.size === 0) return [];
  const missing = [...maps.ids].filter((id) => !open.has(id));
  if (missing.length === 0) return [ok('daemon', 'works on the maps that are pinned')];
  const detail = `the daemon works on other maps than those pinned (it has not opened ${some(missing.map(String))})`;
  return [fail('daemon', detail, RESTART)];
}

/** What the programs believe of each port, against the device. */
export function portRows({ maps, network, daemon }: Pick<Sight, 'maps' | 'network' | 'daemon'>): Verdict[] {
  if (maps === null) return [];
  const wrong = [...maps.targets].flatMap(([slot, target]) => {
    const name = fieldText(target.name);
    const link = network.devices.get(target.ifindex)?.link;
    const row = maps.ports.get(target.ifindex);
    if (!link) return [`${name} (slot ${slot}): its device has gone`];
    if (link.name !== name) return [`${name} (slot ${slot}): its ifindex is ${link.name}'s`];
    if (row?.slot !== slot) return [`${name}: ports says slot ${row?.slot ?? 'none'}, targets ${slot}`];
    if (row.generation !== target.generation)
      return [`${name}: generation ${row.generation} against ${target.generation}`];
    if (target.mtu !== link.mtu) return [`${name}: MTU ${target.mtu} in the map, ${link.mtu} on the device`];
    return [];
  });
  const astray = [...maps.ports].filter(([ifindex, { slot }]) => maps.targets.get(slot)?.ifindex !== ifindex);
  const near = [...maps.nearPorts].filter(([ifindex, port]) => !samePort(port, maps.ports.get(ifindex)));
  const all = [
    ...wrong,
    ...near.map(([ifindex]) => `ifindex ${ifindex}: near_ports says otherwise`),
    ...astray.map(([ifindex, { slot }]) => `ifindex ${ifindex}: slot ${slot} is not its own`),
  ];
  if (all.length === 0) return [ok('ports', `${maps.targets.size} agree with their devices`)];
  const detail = `ports in the maps are not those of the host: ${some(all)}`;
  return [daemon.process ? fail('ports', detail, RESTART) : warn('ports', detail, 'systemctl start havip')];
}

/** But for the flag that programs set themselves. */
function samePort(a: Port, b: Port | undefined): boolean {
  const flags = (port: Port): Port => ({ ...port, flags: port.flags | PORT_FLAGS.HOLDS });
  return b !== undefined && Port.encode(flags(a)).equals(Port.encode(flags(b)));
}

/** What XDP redirects by, against what tc does. */
export function redirectRows({ maps }: Pick<Sight, 'maps'>): Verdict[] {
  if (maps === null) return [];
  const wrong = [...maps.targets]
    .filter(([slot, { ifindex }]) => maps.redirects.get(slot) !== ifindex)
    .map(([slot, { name }]) => `${fieldText(name)} (slot ${slot}: ${maps.redirects.get(slot) ?? 'empty'})`);
  if (wrong.length === 0) return [ok('redirects', 'agree with targets')];
  return [fail('redirects', `XDP would lose what it redirects to ${some(wrong)}`, RESTART)];
}

/** Bindings to a port that is none: such frames are left to the bridge, by a MAC that has gone. */
export function heldPorts({ maps }: Pick<Sight, 'maps'>): Verdict[] {
  if (maps === null) return [];
  const held = maps.bindings.filter(([, { holder }]) => holder.port !== 0);
  const lost = held.filter(([, { holder }]) => !maps.targets.has(holder.port));
  if (lost.length === 0)
    return [ok('bindings', `${held.length} of ${maps.bindings.length} held, each at a port`)];
  const names = lost.map(([key, { holder }]) => `${formatAddress(key.address)} (slot ${holder.port})`);
  return [fail('bindings', `held at ports that have gone: ${some(names)}`, RESTART)];
}

/** What packets are steered by is written beside the binding, by the same hand. */
export function steeredRows({ maps }: Pick<Sight, 'maps'>): Verdict[] {
  if (maps === null) return [];
  const wrong = maps.bindings
    .filter(([, { havip, holder }]) => {
      const steered = maps.steered.get(havip);
      return steered ? !sameHolder(steered, holder) : !maps.spilled;
    })
    .map(([{ address }]) => formatAddress(address));
  if (wrong.length === 0) return [ok('steering', 'packets go where the bindings say')];
  return [fail('steering', `packets go elsewhere than the bindings say: ${some(wrong)}`, RESTART)];
}

const sameHolder = (a: Holder, b: Holder): boolean => Holder.encode(a).equals(Holder.encode(b));

const keyName = ({ subnet, address }: Key): string => `${subnet}|${formatAddress(address)}`;

/** The file's HAVIPs against the rows of the maps. */
export function policyRows({ maps, config, daemon }: Pick<Sight, 'maps' | 'config' | 'daemon'>): Verdict[] {
  if (maps === null || config.config === null) return [];
  const { missing, other, seen } = compare(maps, config.config);
  const extra = maps.bindings
    .filter(([key]) => !seen.has(keyName(key)))
    .map(([key]) => formatAddress(key.address));
  const found = [
    ...said('in the file and not served', missing),
    ...said('served under other rules than the file’s', other),
    // At run time HAVIPs may be defined without the file.
    ...(daemon.status === null ? said('served and not in the file', extra) : []),
  ];
  if (found.length === 0) return [ok('policies', 'agree with the configuration file')];
  const cure = daemon.process
    ? RELOAD
    : `systemctl start havip   # or: havip run --config ${word(config.path ?? 'FILE')}`;
  return [warn('policies', found.join('; '), cure)];
}

const said = (what: string, names: readonly string[]): string[] =>
  names.length ? [`${what}: ${some(names)}`] : [];

function compare(maps: MapsSight, config: Config): { missing: string[]; other: string[]; seen: Set<string> } {
  const byName = new Map(
    [...maps.subnets].map(([id, row]) => [`${fieldText(row.network)}/${fieldText(row.name)}`, id]),
  );
  const bound = new Map(maps.bindings.map(([key, row]) => [keyName(key), { key, havip: row.havip }]));
  const result = { missing: [] as string[], other: [] as string[], seen: new Set<string>() };
  for (const { network, name, havips } of config.subnets) {
    const subnet = byName.get(`${network}/${name}`) ?? 0;
    for (const havip of havips) {
      const row = bound.get(`${subnet}|${havip.address}`);
      if (!row) {
        result.missing.push(havip.address);
        continue;
      }
      result.seen.add(keyName(row.key));
      const policy = maps.policies.get(row.havip);
      if (!policy || !samePolicy(policy, policyRow(row.key, havip))) result.other.push(havip.address);
    }
  }
  return result;
}

const samePolicy = (a: Policy, b: Policy): boolean => Policy.encode(a).equals(Policy.encode(b));

export function eipRows({ maps, config, daemon }: Pick<Sight, 'maps' | 'config' | 'daemon'>): Verdict[] {
  if (maps === null || config.config === null) return [];
  const served = new Map(maps.eips.map(({ address, havip }) => [address, formatAddress(havip.address)]));
  const { eips } = config.config;
  const missing = eips.filter(({ address }) => !served.has(address)).map(({ address }) => address);
  const other = eips
    .filter(({ address, havip }) => (served.get(address) ?? havip) !== havip)
    .map(({ address, havip }) => `${address} to ${served.get(address)} instead of ${havip}`);
  const names = new Set(eips.map(({ address }) => address));
  const extra = [...served.keys()].filter((address) => !names.has(address));
  const found = [
    ...said('in the file and not served', missing),
    ...said('led elsewhere', other),
    ...(daemon.status === null ? said('served and not in the file', extra) : []),
  ];
  if (found.length) return [warn('EIPs', found.join('; '), RELOAD)];
  return eips.length ? [ok('EIPs', `${eips.length} agree with the configuration file`)] : [];
}
