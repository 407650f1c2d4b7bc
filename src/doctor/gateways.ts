// SPDX-License-Identifier: BSD-2-Clause
// The ways to the outside: what EIPs ask of the host.
import { PORT_KIND, TARGET_FLAGS } from '../kernel/layout.gen.js';
import { fail, ok, some, warn, word, type Verdict } from './finding.js';
import { gatewaysOf } from './names.js';
import type { NetworkSight, Sight } from './sight.js';

const IPV4 = ['net', 'ipv4'] as const;

export function lookupsAllowed({ network, sysctl }: Pick<Sight, 'network' | 'sysctl'>): Verdict[] {
  if (gatewaysOf(network).length === 0) return [];
  const name = 'route look-ups';
  if (sysctl(...IPV4, 'conf', 'lo', 'forwarding') !== '0') return [ok(name, 'allowed from loopback')];
  const detail =
    'loopback does not forward, by which routes are looked up: what HAVIPs send out is dropped (eip-no-route)';
  return [fail(name, detail, 'sysctl -w net.ipv4.conf.lo.forwarding=1')];
}

/** Guests that a gateway's XDP program cannot reach itself: it hands their packets to the host's routing. */
function routedGuests({ plan }: NetworkSight): string[] {
  const ports = [...plan.ports.values()];
  if (!ports.some(({ kind, hook }) => kind === PORT_KIND.GATEWAY && hook === 'xdp')) return [];
  return ports
    .filter(({ kind, flags }) => kind === PORT_KIND.VNIC && (flags & TARGET_FLAGS.XDP) === 0)
    .map(({ name }) => name);
}

export function gatewayForwarding({ network, sysctl }: Pick<Sight, 'network' | 'sysctl'>): Verdict[] {
  const routed = routedGuests(network);
  if (routed.length === 0 || sysctl(...IPV4, 'ip_forward') !== '0') return [];
  const detail = `packets to EIPs held at ${some(routed)} are left to the host's routing (eip-routed), and it does not forward`;
  return [
    fail(
      'forwarding',
      detail,
      'sysctl -w net.ipv4.ip_forward=1   # or in those guests: ethtool -K eth0 gro on',
    ),
  ];
}

/** Strict: a packet is dropped where its answer would leave by another device. */
export function gatewayReturn({ network, sysctl }: Pick<Sight, 'network' | 'sysctl'>): Verdict[] {
  const gateways = gatewaysOf(network);
  if (gateways.length < 2 || routedGuests(network).length === 0) return [];
  const strict = gateways.filter(({ name }) => effective(sysctl, name, 'rp_filter') === 1);
  return strict.map(({ name }) => {
    const detail =
      'rp_filter is strict: of what the host routes to guests (eip-routed), it drops what came in by this gateway and would be answered by another';
    return warn(
      `gateway ${name}`,
      detail,
      `sysctl -w net/ipv4/conf/${word(name)}/rp_filter=2 net.ipv4.conf.all.rp_filter=0`,
    );
  });
}

export function gatewayMtu({ network }: Pick<Sight, 'network'>): Verdict[] {
  const gateways = gatewaysOf(network);
  const guests = [...network.plan.ports.values()].filter(({ kind }) => kind === PORT_KIND.VNIC);
  const largest = Math.max(0, ...guests.map(({ mtu }) => mtu));
  return gateways
    .filter(({ mtu }) => mtu < largest)
    .map(({ name, mtu }) => {
      const detail = `MTU ${mtu}, guests up to ${largest}: longer packets from HAVIPs are dropped (eip-too-long) without a word to the sender`;
      return warn(
        `gateway ${name}`,
        detail,
        `ip link set ${word(name)} mtu ${largest}   # or give the guests ${mtu}`,
      );
    });
}

/** The kernel takes the larger of a device's own value and that of `all`. */
export function effective(sysctl: Sight['sysctl'], device: string, setting: string): number {
  const values = ['all', device].map((scope) => Number(sysctl(...IPV4, 'conf', scope, setting) ?? 0));
  return Math.max(...values);
}
