// SPDX-License-Identifier: BSD-2-Clause
// What the doctor sees of a host, as plain data: the looks fill it in, the checks judge it, a test makes it up.
import type { DaemonStatus } from '../api/types.js';
import type { Config, EipConfig, SubnetConfig } from '../config/types.js';
import type { Plan } from '../control/plan.js';
import type { Hook } from '../kernel/attachments.js';
import type { Binding, Holder, Key, Losses, Policy, Port, Subnet, Target } from '../kernel/layout.gen.js';
import type { PinnedProgram } from '../kernel/pinned-programs.js';
import type { PortVlan } from '../net/bridge-vlans.js';
import type { Device } from '../net/devices.js';
import type { HostAddress } from '../net/host-addresses.js';

export interface KernelSight {
  /** For instance 6.1.0-18-amd64. */
  readonly release: string;
  readonly libbpf: string;
  readonly node: string;
  readonly btf: boolean;
  /** net.core.bpf_jit_enable; null: not told in this namespace. */
  readonly jit: string | null;
  readonly features: readonly { readonly name: string; readonly present: boolean }[];
  readonly tcx: boolean;
  /** The netdev family: it says which devices take frames redirected by XDP. */
  readonly xdpFeatures: boolean;
}

/** The programs of this installation. */
export interface ObjectSight {
  /** The path of one that is not there; null: all are. */
  readonly missing: string | null;
  /** Why the verifier refuses them; null: it does not. */
  readonly refused: string | null;
  /** By hook, 16 hex digits. */
  readonly tags: ReadonlyMap<Hook, string>;
}

export interface CallerSight {
  readonly uid: number;
  /** CapEff, 16 hex digits. */
  readonly capabilities: string;
}

export interface PinsSight {
  readonly path: string;
  /** The nearest folder above it (itself included) that exists; null: none that may be seen. */
  readonly nearest: string | null;
  readonly bpffs: boolean;
  readonly exists: boolean;
  /** Of the folder, or of `nearest`. */
  readonly uid: number;
  readonly mode: number;
  readonly parentMode: number;
  /** Whether any version of ours has pinned something. */
  readonly used: boolean;
  readonly foreign: readonly string[];
}

export interface ProcessSight {
  readonly pid: number;
  readonly uid: number;
  /** R, S, D, T, Z, ... of /proc/PID/stat. */
  readonly state: string;
  readonly capabilities: string;
  /** Ids of the maps that it has open; null: they may not be seen. */
  readonly mapIds: ReadonlySet<number> | null;
}

export interface DaemonSight {
  readonly socket: string;
  /** Who works on the pin folder; null: nobody, or nobody who can be seen. */
  readonly process: ProcessSight | null;
  /** What answers on the socket; null: nothing. */
  readonly status: DaemonStatus | null;
  readonly error: { readonly message: string; readonly permission: boolean } | null;
  readonly ownVersion: string;
}

export interface ConfigSight {
  /** null: none is known. */
  readonly path: string | null;
  /** null: it does not parse, or there is none. */
  readonly config: Config | null;
  readonly problems: readonly string[];
  readonly changedWallNs: bigint;
}

export interface NetworkSight {
  readonly devices: ReadonlyMap<number, Device>;
  readonly subnets: readonly SubnetConfig[];
  readonly eips: readonly EipConfig[];
  readonly plan: Plan;
  /** undefined: the kernel does not say. */
  readonly xdpFeatures: (ifindex: number) => bigint | undefined;
  readonly offloads: ReadonlyMap<number, ReadonlySet<string>>;
  readonly vlans: ReadonlyMap<number, readonly PortVlan[]>;
  readonly addresses: readonly HostAddress[];
}

/** A program or filter on a device. */
export interface Attached {
  readonly ifindex: number;
  readonly place: 'xdp' | 'ingress' | 'egress';
  /** For people: `tcx`, `clsact`, `xdp link`, `xdp netlink`, with what tells it from others there. */
  readonly how: string;
  /** 0: no BPF program. */
  readonly programId: number;
  readonly name: string;
  readonly tag: string;
  /** null: they may not be seen. */
  readonly mapIds: readonly number[] | null;
  readonly ours: boolean;
}

export interface ProgramsSight {
  readonly pinned: readonly PinnedProgram[];
  /** Of the ports and of whatever we are pinned to; of one device and place in the order in which they run. */
  readonly attached: readonly Attached[];
}

/** The pinned maps, as far as the checks need them. */
export interface MapsSight {
  readonly ids: ReadonlySet<number>;
  readonly bindings: readonly (readonly [Key, Binding])[];
  /** Where packets go, by the HAVIP's index; of those that a full bucket has spilled, where `bindings` says. */
  readonly steered: ReadonlyMap<number, Holder>;
  readonly spilled: boolean;
  readonly policies: ReadonlyMap<number, Policy>;
  readonly subnets: ReadonlyMap<number, Subnet>;
  readonly ports: ReadonlyMap<number, Port>;
  /** As programs look them up first. */
  readonly nearPorts: ReadonlyMap<number, Port>;
  readonly targets: ReadonlyMap<number, Target>;
  /** How many ports there is room for. */
  readonly targetSlots: number;
  /** By slot; a slot without is empty. */
  readonly redirects: ReadonlyMap<number, number>;
  /** Canonical addresses. */
  readonly eips: readonly { readonly address: string; readonly havip: Key }[];
  readonly losses: Losses;
  readonly fill: readonly { readonly map: string; readonly used: number; readonly room: number }[];
}

export interface Sight {
  readonly kernel: KernelSight;
  readonly object: ObjectSight;
  readonly caller: CallerSight;
  readonly pins: PinsSight;
  readonly daemon: DaemonSight;
  readonly config: ConfigSight;
  readonly network: NetworkSight;
  readonly programs: ProgramsSight;
  /** null: nothing is pinned, or another ABI's. */
  readonly maps: MapsSight | null;
  /** net.ipv4.ip_forward as its parts; null: not here. */
  readonly sysctl: (...parts: readonly string[]) => string | null;
}
