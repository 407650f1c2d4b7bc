// SPDX-License-Identifier: BSD-2-Clause
// The operator's HAVIPs -> indices and rows of the maps. Indices are kept across restarts, since bindings
// and counters hang on them; what the configuration no longer names is taken out.
import type { HavipConfig, SubnetConfig } from '../config/types.js';
import { HavipError } from '../errors.js';
import {
  POLICY_FLAGS,
  Tenure,
  type Binding as BindingRow,
  type Key,
  type Member,
  type Policy,
} from '../kernel/layout.gen.js';
import type { Tables } from '../kernel/maps.js';
import { addressBytes, formatAddress, parseMac } from '../net/addresses.js';
import type { Commander } from './commander.js';
import { Subnets, type SubnetRecord } from './subnets.js';

export interface HavipRecord {
  readonly id: number;
  readonly subnet: SubnetRecord;
  readonly config: HavipConfig;
}

export interface DefinitionChange {
  /** Without pinned state: nothing that was claimed before now is about them. */
  readonly fresh: readonly HavipRecord[];
  readonly removed: readonly HavipRecord[];
}

type Maps = Pick<
  Tables,
  'subnets' | 'domains' | 'havips' | 'bindings' | 'members' | 'claims' | 'havip_counters' | 'sightings'
>;

/** What only the programs may write. */
export interface Orders extends Pick<Commander, 'reset' | 'displace'> {
  place(havips: Iterable<number>): unknown;
}

const ADDRESS_BYTES = 16;
const NOBODY = { mac: new Uint8Array(6), port: 0 };
const NO_KEY: Key = { subnet: 0, address: new Uint8Array(16) };
const NO_MAC = new Uint8Array(6);
const NO_TENURE = Tenure.decode(Buffer.alloc(Tenure.size));
const UNSEEN = { one: NO_TENURE, other: NO_TENURE };
const NO_POLICY = { key: NO_KEY, flags: 0, windowNs: 0n, moves: 0, serviceMac: NO_MAC };

export class Definitions {
  readonly subnets: Subnets;
  private readonly byId = new Map<number, HavipRecord>();
  private readonly byName = new Map<string, HavipRecord>();
  /** What pinned state knew before the first configuration was applied. */
  private readonly pinnedHavips = new Map<string, number>();
  private readonly usedIds = new Set<number>();
  /** Indices whose binding row was pinned when we came: it stays as it is. */
  private readonly bound = new Set<number>();
  private nextId = 0;
  /** 16 bytes an index: a claim must not wait for text to be parsed. */
  private readonly addresses: Uint8Array;
  private memberLists: readonly HavipRecord[] = [];
  /** What the `members` map says; ours alone to write. */
  private memberRows: Map<string, Member>;

  /**
   * @param settle Returns when no program runs any more that ran before.
   */
  constructor(
    private readonly maps: Maps,
    private readonly orders: Orders,
    private readonly settle: () => void,
  ) {
    this.addresses = new Uint8Array(maps.bindings.maxEntries * ADDRESS_BYTES);
    const members = [...maps.members.entries()].map(([member]) => member);
    this.memberRows = new Map(members.map((member) => [`${member.havip}/${member.port}`, member]));
    this.subnets = new Subnets(maps);
    for (const [key, row] of maps.bindings.entries()) {
      this.pinnedHavips.set(havipName(key.subnet, formatAddress(key.address)), row.havip);
      this.usedIds.add(row.havip);
      this.bound.add(row.havip);
    }
  }

  havip(id: number): HavipRecord | undefined {
    return this.byId.get(id);
  }

  named(network: string, subnet: string, address: string): HavipRecord | undefined {
    const home = this.subnets.get(network, subnet);
    return home && this.byName.get(havipName(home.id, address));
  }

  all(): ReadonlyMap<number, HavipRecord> {
    return this.byId;
  }

  keyOf({ id, subnet }: HavipRecord): Key {
    return {
      subnet: subnet.id,
      address: this.addresses.subarray(id * ADDRESS_BYTES, (id + 1) * ADDRESS_BYTES),
    };
  }

  /**
   * Makes the maps say what `configs` says. Existing bindings, counters and indices stay.
   * @param open Networks that have EIPs.
   * Errors: FAILED when there are more HAVIPs or subnets than the maps have room for; nothing is changed then.
   */
  apply(configs: readonly SubnetConfig[], open: ReadonlySet<string> = new Set()): DefinitionChange {
    this.refuseTooMany(configs);
    this.subnets.apply(configs, open);
    const wanted = this.wantedHavips(configs);
    // Before anything is added: where every index is taken, the new ones get those of the old ones.
    const removed = this.removeAllBut(wanted);
    const added: HavipRecord[] = [];
    for (const [name, { subnet, config }] of wanted) {
      if (this.byName.has(name)) this.update(name, subnet, config);
      else added.push(this.add(name, subnet, config));
    }
    this.memberLists = [...this.byId.values()].filter((havip) => havip.config.members !== null);
    this.writePolicies();
    return { fresh: this.writeNewBindings(added), removed };
  }

  /** HAVIPs with a member list. */
  closed(): readonly HavipRecord[] {
    return this.memberLists;
  }

  /** Which slots may claim the HAVIPs that have a member list; ports come and go, names stay. */
  writeMembers(slots: ReadonlyMap<string, number>): void {
    const wanted = new Map<string, Member>();
    for (const { id, config } of this.closed()) {
      for (const member of config.members ?? []) {
        const port = slots.get(member);
        if (port !== undefined) wanted.set(`${id}/${port}`, { havip: id, port });
      }
    }
    for (const [name, member] of this.memberRows) if (!wanted.has(name)) this.maps.members.delete(member);
    for (const [name, member] of wanted) if (!this.memberRows.has(name)) this.maps.members.set(member, 1);
    this.memberRows = wanted;
  }

  private refuseTooMany(configs: readonly SubnetConfig[]): void {
    const havips = configs.reduce((sum, subnet) => sum + subnet.havips.length, 0);
    const room = this.maps.bindings.maxEntries;
    const members = configs.flatMap((subnet) => subnet.havips.map((havip) => havip.members?.length ?? 0));
    const rows = members.reduce((sum, count) => sum + count, 0);
    if (rows > this.maps.members.maxEntries) {
      throw new HavipError(
        'FAILED',
        `the member lists have ${rows} entries; the loaded maps have room for ${this.maps.members.maxEntries}`,
        { cure: 'raise capacity.havips and start havip again, or leave HAVIPs open to their subnet' },
      );
    }
    if (havips > room) {
      throw new HavipError(
        'FAILED',
        `${havips} HAVIPs are configured; the loaded maps have room for ${room}`,
        {
          cure: 'start havip again: it moves the pinned state into larger maps (or set capacity.havips)',
        },
      );
    }
  }

  private wantedHavips(configs: readonly SubnetConfig[]): Map<string, Omit<HavipRecord, 'id'>> {
    const wanted = new Map<string, Omit<HavipRecord, 'id'>>();
    for (const { network, name, havips } of configs) {
      const subnet = this.subnets.get(network, name);
      if (subnet)
        for (const config of havips) wanted.set(havipName(subnet.id, config.address), { subnet, config });
    }
    return wanted;
  }

  private removeAllBut(wanted: ReadonlyMap<string, unknown>): HavipRecord[] {
    const removed = [...this.byName].filter(([name]) => !wanted.has(name));
    const gone = new Map([
      ...removed.map(([, havip]) => [havip.id, this.keyOf(havip)] as const),
      ...this.pinnedLeftovers(wanted),
    ]);
    const ids = new Set(gone.keys());
    if (ids.size === 0) return [];
    for (const [name, { id }] of removed) this.forgetName(name, id);
    for (const [id, key] of gone) {
      this.orders.displace(id);
      this.maps.bindings.delete(key);
    }
    // A CPU may be deciding about one of them; the kernel gives the row's memory, and we its index, to the next.
    this.settle();
    for (const id of ids) this.forget(id);
    this.forgetClaims(ids);
    return removed.map(([, havip]) => havip);
  }

  private add(name: string, subnet: SubnetRecord, config: HavipConfig): HavipRecord {
    const id = this.pinnedHavips.get(name) ?? this.freshId();
    this.pinnedHavips.delete(name);
    this.usedIds.add(id);
    return this.index(name, { id, subnet, config });
  }

  private update(name: string, subnet: SubnetRecord, config: HavipConfig): void {
    const id = this.byName.get(name)?.id;
    if (id !== undefined) this.index(name, { id, subnet, config });
  }

  private index(name: string, record: HavipRecord): HavipRecord {
    this.addresses.set(addressBytes(record.config.address), record.id * ADDRESS_BYTES);
    this.byName.set(name, record);
    this.byId.set(record.id, record);
    return record;
  }

  private freshId(): number {
    while (this.usedIds.has(this.nextId)) this.nextId = (this.nextId + 1) % this.maps.havips.maxEntries;
    return this.nextId;
  }

  private forgetName(name: string, id: number): void {
    this.byName.delete(name);
    this.byId.delete(id);
  }

  /** The index may go to another HAVIP: its counters start at nothing. */
  private forget(id: number): void {
    this.orders.reset(id);
    this.maps.havips.set(id, NO_POLICY);
    this.maps.havip_counters.clear(id);
    this.maps.sightings.set(id, UNSEEN);
    this.usedIds.delete(id);
    this.bound.delete(id);
    this.nextId = Math.min(this.nextId, id);
  }

  /** HAVIPs that were pinned by an earlier run and that the configuration does not name: their keys, by index. */
  private pinnedLeftovers(wanted: ReadonlyMap<string, unknown>): [number, Key][] {
    const left = new Map([...this.pinnedHavips].filter(([name]) => !wanted.has(name)));
    const ids = new Set(left.values());
    for (const name of left.keys()) this.pinnedHavips.delete(name);
    if (ids.size === 0) return [];
    const rows = [...this.maps.bindings.entries()].filter(([, { havip }]) => ids.has(havip));
    return rows.map(([key, { havip }]) => [havip, key]);
  }

  /** A claim names its HAVIP by index: one that stayed would bind whoever gets the index next. */
  private forgetClaims(ids: ReadonlySet<number>): void {
    if (ids.size === 0) return;
    for (const [key] of [...this.maps.claims.entries()]) if (ids.has(key.havip)) this.maps.claims.delete(key);
  }

  private writePolicies(): void {
    this.maps.havips.setAll(
      mapped(this.byId.values(), (havip) => [havip.id, policyRow(this.keyOf(havip), havip.config)]),
    );
  }

  /** Last, since a row here is what makes a HAVIP one to those who claim it; what is pinned already stays as it is. */
  private writeNewBindings(added: readonly HavipRecord[]): readonly HavipRecord[] {
    const fresh = added.filter((havip) => !this.bound.delete(havip.id));
    // Those that are bound are placed since before. A claim that came first would write where no packet looks.
    this.orders.place(fresh.map(({ id }) => id));
    this.maps.bindings.setAll(mapped(fresh, (havip) => [this.keyOf(havip), unboundRow(havip.id)]));
    return fresh;
  }
}

export function policyRow(key: Key, config: HavipConfig): Policy {
  const { moves, windowMs } = config.damping;
  return {
    key,
    flags: policyFlags(config),
    windowNs: BigInt(Math.round(windowMs * 1e6)),
    moves,

    serviceMac: config.serviceMac === null ? NO_MAC : (parseMac(config.serviceMac) ?? NO_MAC),
  };
}

function policyFlags({ members, unheld, guard, rebind, arp }: HavipConfig): number {
  return (
    (members === null ? POLICY_FLAGS.OPEN : 0) |
    (unheld === 'drop' ? POLICY_FLAGS.UNHELD_DROP : 0) |
    (guard === 'monitor' ? POLICY_FLAGS.GUARD_MONITOR : 0) |
    (rebind === 'kernel' ? POLICY_FLAGS.REBIND_KERNEL : 0) |
    (arp === 'proxy' ? POLICY_FLAGS.ARP_PROXY : 0)
  );
}

const unboundRow = (havip: number): BindingRow => ({
  holder: NOBODY,
  former: NOBODY,
  sinceNs: 0n,
  havip,
  moves: 0,
  by: 0,
  reserved: 0,
});

const havipName = (subnet: number, address: string): string => `${subnet}|${address}`;

function* mapped<T, U>(items: Iterable<T>, change: (item: T) => U): Generator<U> {
  for (const item of items) yield change(item);
}
