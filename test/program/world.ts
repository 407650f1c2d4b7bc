// SPDX-License-Identifier: BSD-2-Clause
// The programs loaded once, with maps of a few entries, and a small network in them: one HAVIP pair on an untagged
// subnet, its address again on two tagged ones. Every device is loopback (ifindex 1); nothing is attached to it.
import {
  CLAIM_KIND,
  POLICY_FLAGS,
  PORT_FLAGS,
  PORT_KIND,
  PUBLIC_FLAGS,
  State,
  TARGET_FLAGS,
  type Binding,
  type Holder,
  type Tenure,
  type Key,
} from '../../src/kernel/layout.gen.js';
import { FastPath } from '../../src/kernel/fast-path.js';
import {
  openTables,
  RING_NAME,
  sizeMaps,
  TAIL_NAMES,
  type Capacity,
  type Tables,
} from '../../src/kernel/maps.js';
import { PortRows } from '../../src/kernel/port-rows.js';
import { placeHavips } from '../../src/kernel/steering.js';
import { addressBytes } from '../../src/net/addresses.js';
import { macBytes } from './frames.js';

export const LOOPBACK = 1;
export const BRIDGE = 10;
export const CAPACITY = { havips: 8, ports: 16 };
/** The kernel's smallest ring: one page, 128 records. */
export const RING_BYTES = 4096;

export const V4 = '10.0.1.50';
export const V6 = 'fd00:1::50';
export const SUBNET = { web: 1, tagged: 2, double: 3 } as const;
export const TAG = { outer: 100, inner: 7 } as const;

/** HAVIPs by name: V4 and V6 of subnet `web`, and V4's address again in the tagged subnets. */
export const HAVIP = { v4: 1, v6: 2, tagged: 3, double: 4 } as const;
export type HavipName = keyof typeof HAVIP;
export const KEYS: { readonly [N in HavipName]: Key } = {
  v4: { subnet: SUBNET.web, address: addressBytes(V4) },
  v6: { subnet: SUBNET.web, address: addressBytes(V6) },
  tagged: { subnet: SUBNET.tagged, address: addressBytes(V4) },
  double: { subnet: SUBNET.double, address: addressBytes(V4) },
};

const { PEER, XDP, XDP_FRAGS } = TARGET_FLAGS;

/** Slots by name. `gone` is a target whose device has left; `unmapped` one that only its devmap entry has left. */
export const PORTS = {
  guest: { slot: 1, kind: PORT_KIND.VNIC, mtu: 1500, flags: PEER | XDP | XDP_FRAGS },
  other: { slot: 2, kind: PORT_KIND.VNIC, mtu: 1500, flags: PEER | XDP | XDP_FRAGS },
  tap: { slot: 3, kind: PORT_KIND.VNIC, mtu: 1500, flags: XDP },
  uplink: { slot: 4, kind: PORT_KIND.UPLINK, mtu: 1500, flags: XDP | XDP_FRAGS },
  uplink2: { slot: 5, kind: PORT_KIND.UPLINK, mtu: 1500, flags: XDP | XDP_FRAGS },
  host: { slot: 6, kind: PORT_KIND.HOST, mtu: 1500, flags: 0 },
  noXdp: { slot: 7, kind: PORT_KIND.VNIC, mtu: 1500, flags: PEER },
  small: { slot: 8, kind: PORT_KIND.VNIC, mtu: 100, flags: XDP | XDP_FRAGS },
  jumbo: { slot: 9, kind: PORT_KIND.VNIC, mtu: 9000, flags: XDP },
  jumboFrags: { slot: 10, kind: PORT_KIND.VNIC, mtu: 9000, flags: XDP | XDP_FRAGS },
  gone: { slot: 11, kind: PORT_KIND.VNIC, mtu: 1500, flags: XDP },
  dumbUplink: { slot: 13, kind: PORT_KIND.UPLINK, mtu: 1500, flags: 0 },
  gateway: { slot: 14, kind: PORT_KIND.GATEWAY, mtu: 1500, flags: XDP | XDP_FRAGS },
  unmapped: { slot: 12, kind: PORT_KIND.VNIC, mtu: 1500, flags: XDP },
} as const;
/** In front of V4. */
export const EIP = '203.0.113.10';
export const EIP2 = '203.0.113.11';
const NETWORK = 1;
const NO_MAC = '00:00:00:00:00:00';
/** Of every port's device. */
export const OWN_MAC = '02:00:00:00:00:ee';
export type PortName = keyof typeof PORTS;

export type Held = readonly [port: PortName, mac: string];

/** How the maps stand when a frame comes. */
export interface Situation {
  /** The port that the frame comes in by. Default: guest. */
  readonly in?: PortName;
  /** Who holds which HAVIP; the rest are unheld. */
  readonly held?: { readonly [N in HavipName]?: Held };
  /** POLICY_FLAGS of every HAVIP. Default: OPEN. */
  readonly flags?: number;
  /** Ports in the member list of every HAVIP. */
  readonly members?: readonly PortName[];
  /** With POLICY_FLAGS.ARP_PROXY. Default: the holder's. */
  readonly serviceMac?: string;
  /** Who announced last, where it is not the holder. */
  readonly newest?: { readonly [N in HavipName]?: Held };
  /** Guests of subnet `web`: their MACs, and at which generation of which port. Default: none. */
  readonly guests?: readonly (readonly [mac: string, port: PortName, generation?: number])[];
  /** Default: never. */
  readonly learnEveryNs?: bigint;
  /** The subnet of untagged frames of the port. Default: web. */
  readonly untagged?: number;
  /** `portSecurity` of the port's untagged frames. Default: not. */
  readonly secure?: boolean;
  /** The bridge has an uplink. Default: not. */
  readonly shared?: boolean;
  /** The network of subnet `web` has EIPs in front of V4. Default: none. */
  readonly eips?: readonly string[];
  /** PUBLIC_FLAGS of V4, beside MANY. Default: none. */
  readonly publicFlags?: number;
  /** No `ports` row at all: attached a moment before the loader says what the port is. */
  readonly unknownPort?: boolean;
}

const NOBODY: Holder = { mac: new Uint8Array(6), port: 0 };
export const holderRow = (held: Held | undefined): Holder =>
  held ? { mac: macBytes(held[1]), port: PORTS[held[0]].slot } : NOBODY;

const NO_STATE = State.decode(Buffer.alloc(State.size));

export class World {
  readonly tables: Tables;
  readonly programs: { readonly xdp: number; readonly ingress: number; readonly egress: number };
  readonly ringFd: number;
  /** Of `TAIL_NAMES`, in their order. */
  readonly tails: readonly number[];
  private readonly rows: PortRows;
  readonly commandFd: number;

  constructor(private readonly capacity: Capacity = CAPACITY) {
    const object = new FastPath();
    try {
      sizeMaps(object, capacity);
      object.setMaxEntries(RING_NAME, RING_BYTES);
      object.load();
      this.tables = openTables((name) => object.mapFd(name));
      this.ringFd = object.mapFd(RING_NAME);
      // Open for as long as the process: the kernel empties them with their last descriptor.
      this.tails = TAIL_NAMES.map((name) => object.mapFd(name));
      const program = (name: string): number => object.programFd(name);
      this.programs = {
        xdp: program('havip_xdp'),
        ingress: program('havip_ingress'),
        egress: program('havip_egress'),
      };
      this.commandFd = program('havip_command');
    } finally {
      object.close();
    }
    this.rows = new PortRows(this.tables);
    this.buildPorts();
  }

  /** Packets go by what was written to `bindings`. */
  readonly steer = (...havips: number[]): bigint => placeHavips(this.commandFd, havips);

  /** What was seen of the binding of that time; undefined: nothing. */
  tenure(havip: number, sinceNs: bigint): Tenure | undefined {
    const seen = this.tables.sightings.get(havip);
    return [seen?.one, seen?.other].find((one) => one?.sinceNs === sinceNs);
  }

  /** Forgets all that frames have done, and makes the maps say `situation`. */
  arrange(situation: Situation): void {
    this.forget();
    const {
      held = {},
      newest = held,
      flags = POLICY_FLAGS.OPEN,
      members = [],
      guests = [],
      serviceMac = NO_MAC,
    } = situation;
    this.writePort(situation);
    this.writeEips(situation);
    for (const [mac, port, generation = 1] of guests) {
      const key = { subnet: SUBNET.web, mac: macBytes(mac), reserved: 0 };
      this.tables.guests.set(key, { port: PORTS[port].slot, generation });
    }
    for (const name of Object.keys(HAVIP) as HavipName[]) {
      const id = HAVIP[name];
      this.tables.havips.set(id, {
        key: KEYS[name],
        flags,
        windowNs: 10_000_000_000n,
        moves: 5,

        serviceMac: macBytes(serviceMac),
      });
      this.tables.bindings.set(KEYS[name], bindingRow(id, held[name]));
      this.tables.states.set(id, { ...NO_STATE, newest: holderRow(newest[name] ?? held[name]) });
      this.steer(id);
      for (const port of members) this.tables.members.set({ havip: id, port: PORTS[port].slot }, 1);
    }
  }

  /** What the loader writes when it has decided; the rest stays. */
  bind(name: HavipName, held: Held | undefined): void {
    this.tables.bindings.set(KEYS[name], bindingRow(HAVIP[name], held));
    this.steer(HAVIP[name]);
  }

  /** Another port takes the place of the one that frames come in by. */
  writePort({
    in: port = 'guest',
    learnEveryNs = 0n,
    untagged = SUBNET.web,
    secure = false,
    shared = false,
    eips = [],
    unknownPort,
  }: Situation): void {
    const { slot, kind } = PORTS[port];
    const isGateway = kind === PORT_KIND.GATEWAY;
    const flags =
      (secure ? PORT_FLAGS.SECURE : 0) |
      (shared ? PORT_FLAGS.SHARED : 0) |
      (eips.length ? PORT_FLAGS.EIPS : 0);
    if (unknownPort) this.rows.delete(LOOPBACK);
    else
      this.rows.set(LOOPBACK, {
        slot,
        subnet: isGateway ? 0 : untagged,
        bridge: isGateway ? 0 : BRIDGE,
        kind,
        learnEveryNs,
        generation: 1,
        flags: isGateway ? PORT_FLAGS.EIP_ARP : flags,
      });
  }

  private writeEips({ eips = [], publicFlags = 0 }: Situation): void {
    const { tables } = this;
    for (const [key] of [...tables.eips.entries()]) tables.eips.delete(key);
    for (const [key] of [...tables.publics.entries()]) tables.publics.delete(key);
    for (const [key] of [...tables.flows.entries()]) tables.flows.delete(key);
    const [first] = eips;
    const flags = publicFlags | (eips.length > 1 ? PUBLIC_FLAGS.MANY : 0);
    for (const eip of eips)
      tables.eips.set({ address: quad(eip) }, { havip: KEYS.v4, network: NETWORK, flags });
    if (first !== undefined)
      tables.publics.set(KEYS.v4, { eip: quad(first), havip: HAVIP.v4, network: NETWORK, flags });
  }

  private buildPorts(): void {
    const { targets, redirects, domains, subnets, insides, ports } = this.tables;
    const text = { network: Buffer.alloc(64), name: Buffer.alloc(64), used: 1 };
    subnets.set(SUBNET.web, { ...text, networkId: NETWORK });
    insides.set({ prefix: 32 + 24, network: NETWORK << 24, address: quad('10.0.1.0') }, 1);
    // The bridge itself, by which its own MAC is found.
    const { slot: host, kind: hostKind } = PORTS.host;
    const row = { subnet: SUBNET.web, bridge: BRIDGE, learnEveryNs: 0n, generation: 1, flags: 0 };
    ports.set(BRIDGE, { ...row, slot: host, kind: hostKind });
    for (const [name, { slot, kind, mtu, flags }] of Object.entries(PORTS)) {
      const ifindex = name === 'gone' ? 0 : LOOPBACK;
      const own = { name: Buffer.alloc(16), mac: macBytes(OWN_MAC), reserved: 0 };
      targets.set(slot, { ifindex, mtu, kind, flags, generation: 1, bridge: BRIDGE, ...own });
      if (name !== 'gone' && name !== 'unmapped') redirects.set(slot, LOOPBACK);
    }
    domains.set({ bridge: BRIDGE, outer: TAG.outer, inner: 0 }, { subnet: SUBNET.tagged, flags: 0 });
    domains.set({ bridge: BRIDGE, outer: TAG.outer, inner: TAG.inner }, { subnet: SUBNET.double, flags: 0 });
    // Another bridge's domain of the same tag, which must never be found.
    domains.set({ bridge: BRIDGE + 1, outer: TAG.outer + 1, inner: 0 }, { subnet: SUBNET.tagged, flags: 0 });
  }

  private forget(): void {
    const { tables } = this;
    for (const [key] of [...tables.claims.entries()]) tables.claims.delete(key);
    for (const [key] of [...tables.refusals.entries()]) tables.refusals.delete(key);
    for (const [key] of [...tables.speakers.entries()]) tables.speakers.delete(key);
    for (const [key] of [...tables.members.entries()]) tables.members.delete(key);
    for (const [key] of [...tables.stationed.entries()]) tables.stationed.delete(key);
    for (const [key] of [...tables.guests.entries()]) tables.guests.delete(key);
    for (let id = 0; id < this.capacity.havips; id++) tables.havip_counters.clear(id);
    for (let slot = 0; slot < this.capacity.ports; slot++) {
      tables.port_counters.clear(slot);
      tables.claim_counters.clear(slot);
    }
    tables.losses.clear(0);
  }
}

/** The four bytes of an IPv4 address. */
export const quad = (address: string): Buffer => Buffer.from(addressBytes(address).subarray(12));

function bindingRow(havip: number, held: Held | undefined): Binding {
  const holder = holderRow(held);
  return { holder, former: holder, sinceNs: 1n, havip, moves: 0, by: CLAIM_KIND.NONE, reserved: 0 };
}
