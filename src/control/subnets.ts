// SPDX-License-Identifier: BSD-2-Clause
// The operator's subnets: an index each, kept across restarts, and the broadcast domain that leads to it.
import type { SubnetConfig } from '../config/types.js';
import { HavipError } from '../errors.js';
import { LIMITS } from '../kernel/layout.gen.js';
import { SUBNETS_MAX, type Tables } from '../kernel/maps.js';
import { fieldBytes, fieldText } from '../kernel/names.js';

export interface SubnetRecord {
  readonly id: number;
  readonly config: SubnetConfig;
}

const { NAME_BYTES } = LIMITS;
const NO_SUBNET = { network: new Uint8Array(NAME_BYTES), name: new Uint8Array(NAME_BYTES), used: 0 };

export class Subnets {
  private readonly byName = new Map<string, SubnetRecord>();
  /** What pinned state knew before the first configuration was applied. */
  private readonly pinned = new Map<string, number>();

  constructor(private readonly maps: Pick<Tables, 'subnets' | 'domains'>) {
    for (const [id, row] of maps.subnets.entries()) {
      if (row.used) this.pinned.set(subnetName(fieldText(row.network), fieldText(row.name)), id);
    }
  }

  get(network: string, name: string): SubnetRecord | undefined {
    return this.byName.get(subnetName(network, name));
  }

  /** The index of the subnet of untagged frames on a bridge; 0: none. */
  untagged(bridge: string): number {
    for (const { id, config } of this.byName.values()) {
      if (config.bridge === bridge && !config.vlan.outer) return id;
    }
    return 0;
  }

  /** The broadcast domain of every tagged subnet whose bridge is here. Untagged ones are written with each port. */
  writeDomains(bridges: ReadonlyMap<string, number>): void {
    const wanted = new Map<string, { bridge: number; outer: number; inner: number; subnet: number }>();
    for (const { id, config } of this.byName.values()) {
      const bridge = bridges.get(config.bridge);
      if (bridge === undefined || !config.vlan.outer) continue;
      const { outer, inner } = config.vlan;
      wanted.set(`${bridge}/${outer}/${inner}`, { bridge, outer, inner, subnet: id });
    }
    for (const [domain, place] of [...this.maps.domains.entries()]) {
      const name = `${domain.bridge}/${domain.outer}/${domain.inner}`;
      if (wanted.get(name)?.subnet === place.subnet) wanted.delete(name);
      else if (!wanted.has(name)) this.maps.domains.delete(domain);
    }
    for (const { subnet, ...domain } of wanted.values()) this.maps.domains.set(domain, { subnet, flags: 0 });
  }

  /** Errors: FAILED when there are more than the map has room for; nothing is changed then. */
  apply(configs: readonly SubnetConfig[]): void {
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
      const row = {
        network: fieldBytes(config.network, NAME_BYTES),
        name: fieldBytes(config.name, NAME_BYTES),
        used: 1,
      };
      this.maps.subnets.set(id, row);
    }
    // Only now: an index freed before would pass to a new subnet together with the old one's bindings.
    for (const name of [...this.byName.keys(), ...this.pinned.keys()]) {
      if (!wanted.has(name)) this.remove(name);
    }
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
