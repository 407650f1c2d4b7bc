// SPDX-License-Identifier: BSD-2-Clause
// The parts of a configuration that the rules compare, taken from whatever the file holds. A part that schema.ts
// refuses is left out here, so that one mistake does not hide the others.
import { formatCidr, parseAddress, parseCidr, type Address, type Cidr } from '../net/addresses.js';
import type { Path } from './problem.js';

export interface OutlineCidr {
  readonly cidr: Cidr;
  readonly path: Path;
}

export interface OutlineHavip {
  readonly address: Address;
  /** Index in the subnet's list; the path is made only for a finding (there may be 100,000). */
  readonly index: number;
}

export interface OutlineSubnet {
  readonly path: Path;
  readonly name: string | null;
  readonly cidrs: readonly OutlineCidr[];
  /** Whether all its cidrs could be read: else nobody can say what lies outside. */
  readonly isCidrComplete: boolean;
  readonly bridge: string | null;
  /** The tag stack as text; null when it is not valid. */
  readonly vlan: string | null;
  readonly havips: readonly OutlineHavip[];
  readonly uplinks: readonly OutlineUplink[];
}

export interface OutlineUplink {
  readonly name: string;
  readonly isGateway: boolean;
  readonly path: Path;
}

export interface OutlineEip {
  readonly address: Address;
  readonly havip: Address | null;
  readonly egress: string;
  readonly path: Path;
}

export interface OutlineNetwork {
  readonly path: Path;
  readonly name: string | null;
  readonly subnets: readonly OutlineSubnet[];
  readonly eips: readonly OutlineEip[];
}

export interface Outline {
  readonly networks: readonly OutlineNetwork[];
  readonly capacityHavips: number | null;
  /** How many HAVIPs the file lists, unreadable ones included. */
  readonly havipCount: number;
}

export function outlineOf(file: unknown): Outline {
  const networks = list(member(file, 'networks')).map((network, index) =>
    outlineNetwork(network, ['networks', index]),
  );
  const capacity = member(member(file, 'capacity'), 'havips');
  return {
    networks,
    capacityHavips: typeof capacity === 'number' ? capacity : null,
    havipCount: countHavips(file),
  };
}

function countHavips(file: unknown): number {
  const subnets = list(member(file, 'networks')).flatMap((network) => list(member(network, 'subnets')));
  return subnets.reduce<number>((sum, subnet) => sum + list(member(subnet, 'havips')).length, 0);
}

function outlineNetwork(network: unknown, path: Path): OutlineNetwork {
  const subnets = list(member(network, 'subnets'));
  return {
    path,
    name: textOf(member(network, 'name')),
    subnets: subnets.map((subnet, index) => outlineSubnet(subnet, [...path, 'subnets', index])),
    eips: list(member(network, 'eips')).flatMap((eip, index) => outlineEip(eip, [...path, 'eips', index])),
  };
}

function outlineEip(eip: unknown, path: Path): OutlineEip[] {
  const address = addressOf(member(eip, 'address'));
  if (address === null) return [];
  const havip = addressOf(member(eip, 'havip'));
  return [{ address, havip, egress: textOf(member(eip, 'egress')) ?? 'any', path }];
}

function outlineUplink(uplink: unknown, path: Path): OutlineUplink[] {
  const name = textOf(uplink) ?? textOf(member(uplink, 'name'));
  return name === null ? [] : [{ name, isGateway: member(uplink, 'gateway') === true, path }];
}

function outlineSubnet(subnet: unknown, path: Path): OutlineSubnet {
  const written = member(subnet, 'cidr');
  const cidrs = outlineCidrs(written, [...path, 'cidr']);
  return {
    path,
    name: textOf(member(subnet, 'name')),
    cidrs,
    isCidrComplete: cidrs.length > 0 && cidrs.length === (Array.isArray(written) ? written.length : 1),
    bridge: textOf(member(subnet, 'bridge')),
    vlan: vlanOf(member(subnet, 'vlan')),
    havips: list(member(subnet, 'havips')).flatMap(outlineHavip),
    uplinks: list(member(subnet, 'uplinks')).flatMap((uplink, index) =>
      outlineUplink(uplink, [...path, 'uplinks', index]),
    ),
  };
}

function outlineCidrs(written: unknown, path: Path): OutlineCidr[] {
  if (!Array.isArray(written)) return outlineCidr(written, path);
  return written.flatMap((one: unknown, index) => outlineCidr(one, [...path, index]));
}

function outlineCidr(written: unknown, path: Path): OutlineCidr[] {
  const cidr = typeof written === 'string' ? parseCidr(written) : null;
  // With host bits set it is refused, and which block was meant is a guess.
  const isExact = cidr !== null && formatCidr(cidr) === canonicalCidr(written as string);
  return isExact ? [{ cidr, path }] : [];
}

function canonicalCidr(written: string): string {
  const [host = '', prefix = ''] = written.split('/');
  return `${parseAddress(host)?.text ?? ''}/${prefix}`;
}

function outlineHavip(havip: unknown, index: number): OutlineHavip[] {
  const address = addressOf(member(havip, 'address'));
  return address === null ? [] : [{ address, index }];
}

function vlanOf(written: unknown): string | null {
  if (written === undefined) return 'untagged';
  if (!Array.isArray(written) || written.length > 2) return null;
  const ids: readonly unknown[] = written;
  if (!ids.every((id) => Number.isInteger(id))) return null;
  return ids.length === 0 ? 'untagged' : `VLAN ${ids.join(', ')}`;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return (value as Record<string, unknown>)[key];
}

function addressOf(written: unknown): Address | null {
  return typeof written === 'string' ? parseAddress(written) : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
