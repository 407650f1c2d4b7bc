// SPDX-License-Identifier: BSD-2-Clause
// The configuration as the rest of the program sees it: checked, defaults filled in, addresses in canonical text.
// What the file may look like is schema.ts; this is what it means.

export type Guard = 'enforce' | 'monitor';
export type Unheld = 'pass' | 'drop';
export type Hook = 'xdp' | 'tc' | 'auto';

/** A budget of moves (ANNOUNCEMENTS.md, "Budget"). Shape: `moves` 1..16. Unit: milliseconds. */
export interface Damping {
  readonly moves: number;
  readonly windowMs: number;
}

export interface HavipConfig {
  /** Canonical text: dotted quad, or RFC 5952. */
  readonly address: string;
  /** Interface names that may claim the address; null: every port of the subnet. Never empty. */
  readonly members: readonly string[] | null;
  readonly guard: Guard;
  readonly unheld: Unheld;
  readonly rebind: 'kernel' | 'loader';
  /** After an alarm: re-bind to the one member that answers in the holder's place, or only report. */
  readonly heal: 'verify' | 'alarm';
  /** Who asks for it is answered where it asks, on the holder's behalf; with `serviceMac`, always the same. */
  readonly arp: 'proxy' | 'off';
  /** Lower case with colons; null: the holder's own. */
  readonly serviceMac: string | null;
  readonly damping: Damping;
}

/** One line of `hooks`. Shape: `pattern` is an interface name or a glob with `*` and `?`. */
export interface HookChoice {
  readonly pattern: string;
  readonly hook: Hook;
}

/** `uplinks: [{ name, gateway: true }]`. */
export interface Gateway {
  readonly name: string;
  /** It answers ARP for the EIPs and announces them; else they are routed to it. */
  readonly proxyArp: boolean;
}

/** A public address in front of a HAVIP. */
export interface EipConfig {
  readonly network: string;
  /** Canonical, IPv4. */
  readonly address: string;
  /** Canonical; a HAVIP of an untagged subnet of the network. */
  readonly havip: string;
  /** Who may leave by it: anybody who sends as the HAVIP (LVS real servers do), or its holder alone. */
  readonly egress: 'any' | 'holder';
}

export interface SubnetConfig {
  readonly network: string;
  readonly name: string;
  /** Canonical, without host bits; at least one. */
  readonly cidrs: readonly string[];
  readonly bridge: string;
  /** The tag stack of the broadcast domain. Shape: ids 1..4094; 0: no such tag. */
  readonly vlan: { readonly outer: number; readonly inner: number };
  /** Ports of the bridge that are uplinks. */
  readonly uplinks: readonly string[];
  /** Devices of no bridge by which the network's EIPs are reached. */
  readonly gateways: readonly Gateway[];
  /** First match wins: full names first, then globs in the order of the file. A port that none matches is `auto`. */
  readonly hooks: readonly HookChoice[];
  /** The source MAC of a vNIC's frames is pinned to its first sender's, VRRP's virtual MACs apart. */
  readonly portSecurity: boolean;
  readonly havips: readonly HavipConfig[];
}

/** A place to serve HTTP. Shape: host without brackets; port 0: the kernel picks one. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

export interface Config {
  /** Absolute folder on a bpffs. */
  readonly pinPath: string;
  /** Absolute path of the API's Unix socket, at most 107 bytes. */
  readonly socket: string;
  /** Where metrics are served; null: nowhere. */
  readonly metricsListen: Listen | null;
  /** Where the status page is served; null: nowhere. */
  readonly webListen: Listen | null;
  /** Absolute folder of the history, and of what was defined at run time without a file. */
  readonly statePath: string;
  /** Sizes of the BPF maps. */
  readonly capacity: { readonly havips: number; readonly ports: number };
  readonly subnets: readonly SubnetConfig[];
  /** In the order of the file: a HAVIP with several leaves as its first one. */
  readonly eips: readonly EipConfig[];
}
