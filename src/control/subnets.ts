// SPDX-License-Identifier: BSD-2-Clause
// The operator's subnets: an index each, kept across restarts, and the broadcast domain that leads to it.
import type { SubnetConfig } from '../config/types.js';
import { HavipError } from '../errors.js';
import { LIMITS, PORT_FLAGS, type Domain, type Place } from '../kernel/layout.gen.js';
import { SUBNETS_MAX, type Tables } from '../kernel/maps.js';
import { fieldBytes, fieldText } from '../kernel/names.js';

export interface SubnetRecord {
  readonly id: number;
  readonly config: SubnetConfig;
}

const { NAME_BYTES } = LIMITS;
const NO_PLACE: Place = { subnet: 0, flags: 0 };
const NO_SUBNET = {
  network: new Uint8Array(NAME_BYTES),
  name: new Uint8Array(NAME_BYTES),
  used: 0,
  networkId: 0,
};

export class Subnets {
  private readonly byName = new Map<string, SubnetRecord>();
  /** What pinned state knew before the first configuration was applied. */
  private readonly pinned = new Map<string, number>();
  /** Networks that have EIPs. */
  private open: ReadonlySet<string> = new Set();
  private networkIds: ReadonlyMap<string, number> = new Map();

  constructor(private readonly maps: Pick<Tables, 'subnets' | 'domains'>) {
    for (const [id, row] of maps.subnets.entries()) {
      if (row.used) this.pinned.set(subnetName(fieldText(row.network), fieldText(row.name)), id);
    }
  }

  get(network: string, name: string): SubnetRecord | undefined {
    return this.byName.get(subnetName(network, name));
  }

  /** The subnet of untagged frames on a bridge. */
  untagged(bridge: string): Place {
    for (const { id, config } of this.byName.values()) {
      if (config.bridge === bridge && !config.vlan.outer) return { subnet: id, flags: this.flagsOf(config) };
    }
    return NO_PLACE;
  }

  /** The broadcast domain of every tagged subnet whose bridge is here. Untagged ones are written with each port. */
  writeDomains(bridges: ReadonlyMap<string, number>): void {
    const wanted = new Map<string, Domain & Place>();
    for (const { id, config } of this.byName.values()) {
      const bridge = bridges.get(config.bridge);
      if (bridge === undefined || !config.vlan.outer) continue;
      const { outer, inner } = config.vlan;
      wanted.set(`${bridge}/${outer}/${inner}`, {
        bridge,
        outer,
        inner,
        subnet: id,
        flags: this.flagsOf(config),
      });
    }
    for (const [domain, place] of [...this.maps.domains.entries()]) {
      const name = `${domain.bridge}/${domain.outer}/${domain.inner}`;
      const now = wanted.get(name);
      if (now?.subnet === place.subnet && now.flags === place.flags) wanted.delete(name);
      else if (!now) this.maps.domains.delete(domain);
    }
    for (const { subnet, flags, ...domain } of wanted.values())
      this.maps.domains.set(domain, { subnet, flags });
  }

  /** A network's number: that of its first subnet. 0: it has none. */
  networkId(network: string): number {
    return this.networkIds.get(network) ?? 0;
  }

  /**
   * @param open Networks that have EIPs.
   * Errors: FAILED when there are more subnets than the map has room for; nothing is changed then.
   */
  apply(configs: readonly SubnetConfig[], open: ReadonlySet<string> = new Set()): void {
    if (configs.length >= SUBNETS_MAX) {
      throw new HavipError(
        'FAILED',
        `${configs.length} subnets are configured; at most ${SUBNETS_MAX - 1} are served`,
      );
    }
    const wanted = new Map(configs.map((config) => [subnetName(config.network, config.name), config]));
    for (const [name, config] of wanted) {
      const id = this.byName.get(name)?.id ?? this.pinned.get(name) ?? this.freeIndex();
      this.pinned.delete(name);
      this.byName.set(name, { id, config });
    }
    this.open = open;
    this.writeRows([...wanted.keys()].flatMap((name) => this.byName.get(name) ?? []));
    // Only now: an index freed before would pass to a new subnet together with the old one's bindings.
    for (const name of [...this.byName.keys(), ...this.pinned.keys()]) {
      if (!wanted.has(name)) this.remove(name);
    }
  }

  private writeRows(records: readonly SubnetRecord[]): void {
    const networkIds = new Map<string, number>();
    for (const { id, config } of records)
      networkIds.set(config.network, Math.min(id, networkIds.get(config.network) ?? id));
    this.networkIds = networkIds;
    for (const { id, config } of records) {
      const { network, name } = config;
      const row = { network: fieldBytes(network, NAME_BYTES), name: fieldBytes(name, NAME_BYTES), used: 1 };
      this.maps.subnets.set(id, { ...row, networkId: networkIds.get(network) ?? 0 });
    }
  }

  private flagsOf({ network, portSecurity, uplinks }: SubnetConfig): number {
    return (
      (portSecurity ? PORT_FLAGS.SECURE : 0) |
      (uplinks.length ? PORT_FLAGS.SHARED : 0) |
      (this.open.has(network) ? PORT_FLAGS.EIPS : 0)
    );
  }

  private remove(name: string): void {
    const id = this.byName.get(name)?.id ?? this.pinned.get(name);
    if (id !== undefined) this.maps.subnets.set(id, NO_SUBNET);
    this.byName.delete(name);
    this.pinned.delete(name);
  }

  private freeIndex(): number {
    const used = new Set([...this.byName.values()].map((subnet) => subnet.id));
    for (const id of this.pinned.values()) used.add(id);
    let id = 1;
    while (used.has(id)) id++;
    if (id < SUBNETS_MAX) return id;
    throw new HavipError('FAILED', 'more subnets change at once than there are free indices', {
      cure: 'stop havip, havip unload, and start it again',
    });
  }
}

const subnetName = (network: string, name: string): string => `${network}/${name}`;
