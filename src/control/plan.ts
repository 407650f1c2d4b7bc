// SPDX-License-Identifier: BSD-2-Clause
// Configuration and the host's links -> the ports that should be served, and how. Pure: reads no netlink itself.
import type { Gateway, Hook as HookChoice, SubnetConfig } from '../config/types.js';
import type { Hook } from '../kernel/attachments.js';
import { PORT_KIND, TARGET_FLAGS } from '../kernel/layout.gen.js';
import type { Link } from '../net/links.js';
import { XDP_FEATURE } from '../net/netdev.js';
import type { AbsentRecord } from '../observe/messages.js';

/** What the kernel says of a device's XDP: a set of XDP_FEATURE bits; undefined where it does not say (before 6.3). */
export type XdpFeatures = (ifindex: number) => bigint | undefined;

export interface WantedPort {
  readonly ifindex: number;
  readonly name: string;
  /** The device's own; '' where it has none. */
  readonly mac: string;
  /** PORT_KIND */
  readonly kind: number;
  readonly hook: Hook;
  /** Chosen by driver, not by the operator: where XDP is refused, tc will do. */
  readonly auto: boolean;
  readonly bridge: { readonly ifindex: number; readonly name: string };
  readonly mtu: number;
  /** TARGET_FLAGS */
  readonly flags: number;
  readonly learnEveryMs: number;
  readonly up: boolean;
  /** Of a gateway: it answers for the EIPs. */
  readonly proxyArp: boolean;
}

export interface Plan {
  readonly ports: ReadonlyMap<number, WantedPort>;
  /** Bridges that are here, by name. */
  readonly bridges: ReadonlyMap<string, number>;
  readonly absent: readonly AbsentRecord[];
}

/** A sender's bridge entry is refreshed this many times within the ageing time, so that a missed turn is no loss. */
const REFRESHES_PER_AGEING = 4;
const LEARN_EVERY_MIN_MS = 100;
/** Drivers whose frames come from a network stack on this host. */
const LOCAL_STACKS: ReadonlySet<string> = new Set(['veth', 'tun', 'bridge']);

export function planPorts(
  subnets: readonly SubnetConfig[],
  links: ReadonlyMap<number, Link>,
  features: XdpFeatures,
): Plan {
  const byName = new Map([...links.values()].map((link) => [link.name, link]));
  const ports = new Map<number, WantedPort>();
  const bridges = new Map<string, number>();
  const absent = new Map<string, AbsentRecord>();
  for (const name of new Set(subnets.map((subnet) => subnet.bridge))) {
    const bridge = byName.get(name);
    if (bridge?.kind !== 'bridge') {
      absent.set(name, { kind: 'bridge', name });
      continue;
    }
    bridges.set(name, bridge.ifindex);
    const choices = choicesOf(subnets.filter((subnet) => subnet.bridge === name));
    for (const uplink of choices.uplinks) {
      if (byName.get(uplink)?.masterIfindex !== bridge.ifindex)
        absent.set(uplink, { kind: 'uplink', name: uplink });
    }
    for (const link of links.values()) {
      if (link.masterIfindex !== bridge.ifindex && link !== bridge) continue;
      ports.set(link.ifindex, wantedPort(link, bridge, choices, features(link.ifindex)));
    }
  }
  for (const gateway of gatewaysOf(subnets).values()) {
    const { name } = gateway;
    const link = byName.get(name);
    const master = links.get(link?.masterIfindex ?? 0)?.name;
    // Behind a bridge it would be both: what it takes for an EIP, and what the guests see of the outside.
    if (!link || master)
      absent.set(name, { kind: 'gateway', name: master ? `${name} outside ${master}` : name });
    else ports.set(link.ifindex, gatewayPort(link, gateway, subnets, features(link.ifindex)));
  }
  return { ports, bridges, absent: [...absent.values()] };
}

function gatewaysOf(subnets: readonly SubnetConfig[]): Map<string, Gateway> {
  return new Map(
    subnets.flatMap(({ gateways }) => gateways.map((gateway) => [gateway.name, gateway] as const)),
  );
}

/** Hooks are those of every subnet that names it. */
function gatewayPort(
  link: Link,
  { name, proxyArp }: Gateway,
  subnets: readonly SubnetConfig[],
  features: bigint | undefined,
): WantedPort {
  const hooks = subnets
    .filter(({ gateways }) => gateways.some((gateway) => gateway.name === name))
    .flatMap((subnet) => subnet.hooks);
  const { ifindex, mac, mtu, up } = link;
  return {
    ifindex,
    name,
    mac,
    kind: PORT_KIND.GATEWAY,
    ...hookOf(link, hooks, features),
    bridge: NO_BRIDGE,
    mtu,
    flags: targetFlags(link, features),
    learnEveryMs: 0,
    up,
    proxyArp,
  };
}

const NO_BRIDGE = { ifindex: 0, name: '' };

interface Choices {
  readonly uplinks: ReadonlySet<string>;
  readonly hooks: SubnetConfig['hooks'];
}

/** A port belongs to a bridge, and so to every subnet on it. */
function choicesOf(subnets: readonly SubnetConfig[]): Choices {
  return {
    uplinks: new Set(subnets.flatMap((subnet) => subnet.uplinks)),
    hooks: subnets.flatMap((subnet) => subnet.hooks),
  };
}

function wantedPort(link: Link, bridge: Link, choices: Choices, features: bigint | undefined): WantedPort {
  const kind = portKind(link, bridge, choices.uplinks);
  const learn =
    bridge.ageingTimeMs && Math.max(LEARN_EVERY_MIN_MS, bridge.ageingTimeMs / REFRESHES_PER_AGEING);
  return {
    ifindex: link.ifindex,
    name: link.name,
    mac: link.mac,
    kind,
    ...(kind === PORT_KIND.HOST ? HOST_HOOK : hookOf(link, choices.hooks, features)),
    bridge: { ifindex: bridge.ifindex, name: bridge.name },
    mtu: link.mtu,
    flags: targetFlags(link, features),
    learnEveryMs: kind === PORT_KIND.HOST ? 0 : learn,
    up: link.up,
    proxyArp: false,
  };
}

function portKind(link: Link, bridge: Link, uplinks: ReadonlySet<string>): number {
  if (link === bridge) return PORT_KIND.HOST;
  return uplinks.has(link.name) ? PORT_KIND.UPLINK : PORT_KIND.VNIC;
}

const HOST_HOOK = { hook: 'tc-egress', auto: false } as const;

function hookOf(
  link: Link,
  hooks: Choices['hooks'],
  features: bigint | undefined,
): Pick<WantedPort, 'hook' | 'auto'> {
  const chosen: HookChoice = hooks.find(({ pattern }) => matchesGlob(link.name, pattern))?.hook ?? 'auto';
  if (chosen !== 'auto') return { hook: chosen, auto: false };
  // Frames that a local stack made still owe checksums and segmentation, which XDP would lose.
  if (LOCAL_STACKS.has(link.kind)) return { hook: 'tc', auto: true };
  const native = XDP_FEATURE.BASIC | XDP_FEATURE.REDIRECT;
  const able = features !== undefined && (features & native) === native;
  return { hook: able ? 'xdp' : 'tc', auto: true };
}

function targetFlags(link: Link, features: bigint | undefined): number {
  // Kernels before 6.3 do not say; a tap always takes redirected frames, a veth only sometimes.
  const known = features ?? (link.kind === 'tun' ? XDP_FEATURE.NDO_XMIT : 0n);
  return (
    (link.kind === 'veth' && link.peerElsewhere ? TARGET_FLAGS.PEER : 0) |
    (known & XDP_FEATURE.NDO_XMIT ? TARGET_FLAGS.XDP : 0) |
    (known & XDP_FEATURE.NDO_XMIT_SG ? TARGET_FLAGS.XDP_FRAGS : 0)
  );
}

/** `*` stands for any run of characters, `?` for one. */
export function matchesGlob(name: string, pattern: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(name);
}
