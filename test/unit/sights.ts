// SPDX-License-Identifier: BSD-2-Clause
// A host in good health as the doctor sees it, to be spoiled by a test: a bridge br0, the guests tap1 and tap2, the
// uplink eth1, one HAVIP held at tap1.
import type { DaemonStatus } from '../../src/api/types.js';
import type { Config, SubnetConfig } from '../../src/config/types.js';
import { policyRow } from '../../src/control/definitions.js';
import { planPorts } from '../../src/control/plan.js';
import type { MapsSight, NetworkSight, ProgramsSight, Sight } from '../../src/doctor/sight.js';
import { LIMITS, PORT_KIND, type Target } from '../../src/kernel/layout.gen.js';
import { fieldBytes } from '../../src/kernel/names.js';
import { addressBytes } from '../../src/net/addresses.js';
import type { BridgeSettings, Device, PortSettings } from '../../src/net/devices.js';
import type { Link } from '../../src/net/links.js';
import { XDP_FEATURE } from '../../src/net/netdev.js';
import { havip, subnet } from './configs.js';

export const VIP = '10.0.1.50';

const BRIDGE_SETTINGS: BridgeSettings = {
  stp: false,
  topologyChange: false,
  forwardDelayMs: 15_000,
  vlanFiltering: false,
  snooping: false,
  ipv4Querier: false,
  ipv6Querier: false,
  netfilter: false,
};

const PORT_SETTINGS: PortSettings = {
  state: 'forwarding',
  hairpin: false,
  learning: true,
  unicastFlood: true,
  multicastFlood: true,
  broadcastFlood: true,
  neighSuppress: false,
  isolated: false,
  locked: false,
};

export interface DeviceChange {
  readonly link?: Partial<Link>;
  readonly bridge?: Partial<BridgeSettings>;
  readonly port?: Partial<PortSettings>;
}

function device(ifindex: number, name: string, kind: string, change: DeviceChange = {}): Device {
  const isBridge = kind === 'bridge';
  const link: Link = {
    ifindex,
    name,
    kind,
    mac: `02:00:00:00:00:0${ifindex}`,
    mtu: 1500,
    up: true,
    masterIfindex: isBridge ? 0 : 1,
    peerElsewhere: false,
    peerIfindex: 0,
    ageingTimeMs: isBridge ? 300_000 : 0,
    ...change.link,
  };
  return {
    link,
    bridge: isBridge ? { ...BRIDGE_SETTINGS, ...change.bridge } : null,
    port: isBridge || link.masterIfindex === 0 ? null : { ...PORT_SETTINGS, ...change.port },
    xdp: [],
  };
}

export interface NetworkChange extends Partial<Omit<NetworkSight, 'plan' | 'devices' | 'subnets'>> {
  readonly subnet?: Partial<SubnetConfig>;
  readonly devices?: Readonly<Record<string, DeviceChange>>;
  readonly features?: bigint;
}

/** ifindexes: br0 1, tap1 2, tap2 3, eth1 4, and the gateways ext0 5 and ext1 6 where the subnet names them. */
export function network({
  subnet: change = {},
  devices = {},
  features,
  ...more
}: NetworkChange = {}): NetworkSight {
  const made = [
    device(1, 'br0', 'bridge', devices.br0),
    device(2, 'tap1', 'tun', devices.tap1),
    device(3, 'tap2', 'tun', devices.tap2),
    device(4, 'eth1', '', devices.eth1),
    device(5, 'ext0', '', { ...devices.ext0, link: { masterIfindex: 0, ...devices.ext0?.link } }),
    device(6, 'ext1', '', { ...devices.ext1, link: { masterIfindex: 0, ...devices.ext1?.link } }),
  ];
  const subnets = [subnet('web', [VIP], { uplinks: ['eth1'], ...change })];
  const all = XDP_FEATURE.BASIC | XDP_FEATURE.REDIRECT | XDP_FEATURE.NDO_XMIT;
  const xdpFeatures = (): bigint => features ?? all;
  const byIndex = new Map(made.map((one) => [one.link.ifindex, one]));
  const links = new Map(made.map(({ link }) => [link.ifindex, link]));
  return {
    devices: byIndex,
    subnets,
    eips: [],
    plan: planPorts(subnets, links, xdpFeatures),
    xdpFeatures,
    offloads: new Map(),
    vlans: new Map(),
    addresses: [],
    ...more,
  };
}

export const target = (ifindex: number, name: string, kind: number): Target => ({
  ifindex,
  mtu: 1500,
  kind,
  flags: 0,
  generation: 1,
  bridge: 1,
  name: fieldBytes(name, 16),
  mac: new Uint8Array(6),
  reserved: 0,
});

export const KEY = { subnet: 1, address: addressBytes(VIP) };
const HOLDER = { mac: new Uint8Array(6), port: 2 };

/** Slots are ifindexes. */
export function maps(change: Partial<MapsSight> = {}): MapsSight {
  const targets = [
    target(1, 'br0', PORT_KIND.HOST),
    target(2, 'tap1', PORT_KIND.VNIC),
    target(3, 'tap2', PORT_KIND.VNIC),
    target(4, 'eth1', PORT_KIND.UPLINK),
  ];
  const port = ({ ifindex: slot, kind }: Target) =>
    [slot, { slot, subnet: 1, bridge: 1, kind, learnEveryNs: 0n, generation: 1, flags: 0 }] as const;
  const row = { holder: HOLDER, former: HOLDER, sinceNs: 1n, havip: 0, moves: 1, by: 1, reserved: 0 };
  const ports = change.ports ?? new Map(targets.map(port));
  const bindings = change.bindings ?? [[KEY, row] as const];
  return {
    ids: new Set([10, 11]),
    bindings,
    steered: new Map(bindings.map(([, { havip: id, holder }]) => [id, holder])),
    spilled: false,
    policies: new Map([[0, policyRow(KEY, havip(VIP))]]),
    subnets: new Map([
      [1, { network: fieldBytes('blue', 64), name: fieldBytes('web', 64), used: 1, networkId: 1 }],
    ]),
    ports,
    nearPorts: ports,
    targets: new Map(targets.map((one) => [one.ifindex, one])),
    targetSlots: 1023,
    redirects: new Map(targets.map(({ ifindex }) => [ifindex, ifindex])),
    eips: [],
    losses: { ringFull: 0n, claimsFull: 0n },
    fill: [{ map: 'claims', used: 1, room: 100 }],
    ...change,
  };
}

export function config(change: Partial<Config> = {}): Sight['config'] {
  const whole: Config = {
    pinPath: '/sys/fs/bpf/havip',
    socket: '/run/havip/havip.sock',
    metricsListen: null,
    webListen: null,
    statePath: '/var/lib/havip',
    capacity: { havips: 4, ports: 8 },
    subnets: [subnet('web', [havip(VIP)], { uplinks: ['eth1'] })],
    eips: [],
    ...change,
  };
  return { path: '/etc/havip.yaml', config: whole, problems: [], changedWallNs: 5n };
}

const ALL_CAPABILITIES = '000001ffffffffff';

export const STATUS: DaemonStatus = {
  pid: 77,
  version: '0.1.0',
  startedWallNs: 1n,
  abi: LIMITS.ABI_VERSION,
  pinPath: '/sys/fs/bpf/havip',
  metricsAddress: null,
  webAddress: null,
  ports: [],
  absent: [],
  config: { path: '/etc/havip.yaml', stale: false, loadedWallNs: 10n, problems: [] },
  capacity: { havips: 4096, ports: 1024 },
  conflicts: [],
};

export const PROCESS = {
  pid: 77,
  uid: 0,
  state: 'S',
  capabilities: ALL_CAPABILITIES,
  mapIds: new Set([10, 11, 12]),
};

export function daemon(change: Partial<Sight['daemon']> = {}): Sight['daemon'] {
  const known = { socket: '/run/havip/havip.sock', ownVersion: '0.1.0' };
  return { ...known, process: PROCESS, status: STATUS, error: null, ...change };
}

export const NO_DAEMON = { process: null, status: null, error: { message: 'no daemon', permission: false } };

export const caller = (change: Partial<Sight['caller']> = {}): Sight['caller'] => ({
  uid: 0,
  capabilities: ALL_CAPABILITIES,
  ...change,
});

export const pins = (change: Partial<Sight['pins']> = {}): Sight['pins'] => ({
  path: '/sys/fs/bpf/havip',
  nearest: '/sys/fs/bpf/havip',
  bpffs: true,
  exists: true,
  uid: 0,
  mode: 0o40700,
  parentMode: 0o40700,
  used: true,
  foreign: [],
  ...change,
});

export const kernel = (change: Partial<Sight['kernel']> = {}): Sight['kernel'] => ({
  release: '6.1.0-18-amd64',
  libbpf: 'v1.1',
  node: 'v20.20.2',
  btf: true,
  jit: '1',
  features: [{ name: 'bpf_timer', present: true }],
  tcx: true,
  xdpFeatures: true,
  ...change,
});

export const object = (change: Partial<Sight['object']> = {}): Sight['object'] => ({
  missing: null,
  refused: null,
  tags: new Map([['tc', 'aa']]),
  ...change,
});

/** Ours on every port. */
export function programs(change: Partial<ProgramsSight> = {}): ProgramsSight {
  const pinned = [1, 2, 3, 4].map((ifindex) => ({
    file: `${ifindex}-tc`,
    hook: 'tc' as const,
    ifindex,
    programId: 5,
    linkId: ifindex,
    attached: true,
  }));
  return { pinned, attached: pinned.map(({ ifindex }) => attached(ifindex)), ...change };
}

export const attached = (
  ifindex: number,
  change: Partial<ProgramsSight['attached'][number]> = {},
): ProgramsSight['attached'][number] => ({
  ifindex,
  place: 'ingress',
  how: `tcx link ${ifindex}`,
  programId: 5,
  name: 'havip_ingress',
  tag: 'aa',
  mapIds: [10],
  ours: true,
  ...change,
});

const SYSCTLS: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': '1',
  'net/ipv4/conf/lo/forwarding': '1',
};

/** @param change By path: net/ipv4/ip_forward. */
export const sysctl =
  (change: Readonly<Record<string, string>> = {}): Sight['sysctl'] =>
  (...parts) =>
    change[parts.join('/')] ?? SYSCTLS[parts.join('/')] ?? null;

export const sight = (change: Partial<Sight> = {}): Sight => ({
  kernel: kernel(),
  object: object(),
  caller: caller(),
  pins: pins(),
  daemon: daemon(),
  config: config(),
  network: network(),
  programs: programs(),
  maps: maps(),
  sysctl: sysctl(),
  ...change,
});
