// SPDX-License-Identifier: BSD-2-Clause
// The lines of `ip -batch` and the sysctls that make a namespace, a bridge, a guest's NIC or a wire. Text
// only: lab.ts runs them.
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { HavipError } from '../errors.js';

export interface BridgeOptions {
  /** Seconds until the bridge forgets a silent MAC. @default 300 */
  ageingTimeS?: number;
  /** The host's own addresses on this bridge, with prefix length. @default none */
  addresses?: string[];
  mac?: string;
  /** @default false */
  vlanFiltering?: boolean;
}

export interface LegOptions {
  /** Namespace of the hypervisor and its bridge. */
  host: string;
  bridge: string;
  /** veth: a container. tap: a virtual machine, its cable played by a process. @default 'veth' */
  kind?: 'veth' | 'tap';
  /** With prefix length, IPv4 and IPv6. */
  addresses: string[];
  /** @default made from guest and device, the same in every run */
  mac?: string;
  /** The host-side name, at most 15 characters. @default `vnic-GUEST`, `vnic-GUEST-1` for its eth1 */
  port?: string;
  /** Default gateways, one of each family. */
  gateway?: string | string[];
  mtu?: number;
}

export interface WireOptions {
  host: string;
  /** @default none: a NIC of the host's own */
  bridge?: string;
  /** Of such a NIC. */
  near?: Pick<LegOptions, 'addresses' | 'gateway'>;
  /** The uplink's name on the host. */
  port: string;
  /** The namespace at the other end, and the device's name there. */
  far: string;
  farDevice: string;
  /** Bridge at the far end that it becomes a port of. */
  farBridge?: string;
  /** Addresses of the far device, where it is no port. */
  addresses?: string[];
  /** @default made from the names */
  mac?: string;
  farMac?: string;
  mtu?: number;
}

interface Setup {
  mac?: string | undefined;
  mtu?: number | undefined;
}

/** No detection of duplicates, no router discovery: addresses work at once and guests speak when asked to. */
export const NAMESPACE_SYSCTLS = [
  ...['all', 'default'].flatMap((scope) => [
    `net.ipv6.conf.${scope}.disable_ipv6=0`,
    `net.ipv6.conf.${scope}.accept_dad=0`,
    `net.ipv6.conf.${scope}.accept_ra=0`,
    `net.ipv6.conf.${scope}.router_solicitations=0`,
    `net.ipv4.conf.${scope}.rp_filter=0`,
  ]),
];

/** Absent unless br_netfilter is loaded; with it, every bridged frame would cross the host's iptables. */
export const BRIDGE_SYSCTLS = ['iptables', 'ip6tables', 'arptables'].map(
  (table) => `net.bridge.bridge-nf-call-${table}=0`,
);

/** A locally administered unicast MAC, the same for the same name. */
export function stableMac(name: string): string {
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 10);
  return `02:${(digest.match(/../g) ?? []).join(':')}`;
}

export function bridgeLines(host: string, name: string, options: BridgeOptions): string[] {
  const ageing = Math.round((options.ageingTimeS ?? 300) * 100);
  // Named only when wanted: kernels without VLAN bridging refuse the very word.
  const filtering = options.vlanFiltering === true ? ' vlan_filtering 1' : '';
  return [
    `link add ${checkDevice(name)} address ${options.mac ?? stableMac(`${host}/${name}`)} type bridge ageing_time ${ageing} ` +
      `stp_state 0 forward_delay 0 mcast_snooping 0${filtering}`,
    // Without an IPv6 address of its own the bridge keeps quiet about IPv6.
    ...(options.addresses?.some(isIPv6Prefix) === true ? [] : [`link set ${name} addrgenmode none`]),
    ...addressLines(name, options.addresses ?? []),
    `link set ${name} up`,
  ];
}

export function vethLine(port: string, mac: string, device: string, namespace: string): string {
  return `link add ${checkDevice(port)} type veth peer name ${checkDevice(device)} address ${mac} netns ${namespace}`;
}

/** A port of a bridge has no addresses, IPv6 link-local ones included. */
export function portLines(port: string, bridge: string, options: Setup): string[] {
  return [
    `link set ${port} addrgenmode none`,
    ...settings(port, options),
    `link set ${port} master ${bridge}`,
    `link set ${port} up`,
  ];
}

/** A guest's NIC. */
export function nicLines(
  device: string,
  mac: string,
  options: Pick<LegOptions, 'addresses' | 'gateway' | 'mtu'>,
): string[] {
  return [
    ...settings(device, { ...options, mac }),
    ...addressLines(device, options.addresses),
    `link set ${device} up`,
    ...[options.gateway ?? []].flat().map((gateway) => `route add default via ${gateway} dev ${device}`),
  ];
}

/** The far end of a wire: a port of a switch, or a NIC of its own. */
export function farLines(mac: string, options: WireOptions): string[] {
  const { farDevice, farBridge, addresses } = options;
  if (farBridge === undefined) return nicLines(farDevice, mac, { ...options, addresses: addresses ?? [] });
  return portLines(farDevice, farBridge, { ...options, mac });
}

function settings(device: string, options: Setup): string[] {
  return [
    ...(options.mac === undefined ? [] : [`link set ${device} address ${options.mac}`]),
    ...(options.mtu === undefined ? [] : [`link set ${device} mtu ${options.mtu}`]),
  ];
}

export function addressLines(device: string, addresses: readonly string[]): string[] {
  return addresses.map(
    (address) => `address add ${address} dev ${device}${isIPv6Prefix(address) ? ' nodad' : ''}`,
  );
}

export function checkDevice(name: string): string {
  if (/^[\w.-]{1,15}$/.test(name)) return name;
  throw new HavipError('USAGE', `"${name}" is no device name: 1 to 15 letters, digits, ".", "_" or "-"`);
}

function isIPv6Prefix(address: string): boolean {
  return isIPv6(address.split('/')[0] ?? '');
}
