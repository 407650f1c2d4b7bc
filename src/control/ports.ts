// SPDX-License-Identifier: BSD-2-Clause
// The ports being served: which slot each has, what the maps say of it, what is attached. A slot is a port's name in
// the kernel; it is given to a new port only when the others have had their turn, and never passes on a binding.
import type { Attachments, Hook } from '../kernel/attachments.js';
import { PORT_FLAGS, PORT_KIND, type Place, type Target } from '../kernel/layout.gen.js';
import type { Tables } from '../kernel/maps.js';
import { PortRows } from '../kernel/port-rows.js';
import { fieldBytes, fieldText } from '../kernel/names.js';
import { HavipError } from '../errors.js';
import { parseMac } from '../net/addresses.js';
import type { WantedPort } from './plan.js';

export interface ServedPort {
  readonly slot: number;
  readonly wanted: WantedPort;
  readonly untagged: Place;
  /** Monotonic; when it was given its slot: older claims are another port's. 0n: taken over from an earlier run. */
  readonly sinceNs: bigint;
  /** What is attached; another than wanted where the driver refused that. */
  readonly hook: Hook;
  /** Monotonic; when the link was first seen down. null: it is up. */
  readonly downSinceNs: bigint | null;
  /** What keeps the fast path off this port; null: nothing. */
  readonly failure: HavipError | null;
}

/** What is known of the port at this slot from before: at a join, only since when it is. */
type Before = Pick<ServedPort, 'sinceNs'> & Partial<ServedPort>;

type Maps = Pick<
  Tables,
  | 'ports'
  | 'near_ports'
  | 'targets'
  | 'redirects'
  | 'claims'
  | 'own_macs'
  | 'port_counters'
  | 'claim_counters'
>;

/** A MAC that is not known yet: the first sender's will be. */
const UNKNOWN_MAC = { mac: new Uint8Array(6), port: 0 };
const EMPTY_SLOT = { ifindex: 0, mtu: 0, kind: 0, flags: 0, bridge: 0 };

export class PortBook {
  private readonly served = new Map<number, ServedPort>();
  private readonly bySlot = new Map<number, ServedPort>();
  /** Every slot ever used, with the name it last had: a history line may still speak of it. */
  private readonly names = new Map<number, string>();
  private readonly generations = new Map<number, number>();
  private readonly rows: PortRows;
  private lastSlot = 0;

  constructor(
    private readonly maps: Maps,
    private readonly attachments: Attachments,
  ) {
    this.rows = new PortRows(maps);
    for (const [slot, target] of maps.targets.entries()) this.remember(slot, target);
  }

  /** By ifindex. */
  all(): ReadonlyMap<number, ServedPort> {
    return this.served;
  }

  at(slot: number): ServedPort | undefined {
    return this.bySlot.get(slot);
  }

  /** Also of a port that has left, while no other has its slot. */
  nameOf(slot: number): string {
    return this.names.get(slot) ?? `port ${slot}`;
  }

  isUplink(slot: number): boolean {
    return this.bySlot.get(slot)?.wanted.kind === PORT_KIND.UPLINK;
  }

  /** Slots by port name. */
  slots(): ReadonlyMap<string, number> {
    return new Map([...this.served.values()].map(({ slot, wanted }) => [wanted.name, slot]));
  }

  /** Slots that pinned state gives to devices which are not wanted any more, or are others than they were. */
  orphans(wanted: ReadonlyMap<number, WantedPort>): number[] {
    return [...this.maps.targets.entries()]
      .filter(([slot, target]) => target.ifindex !== 0 && !this.bySlot.has(slot))
      .filter(([, target]) => !this.survives(target, wanted.get(target.ifindex)))
      .map(([slot]) => slot);
  }

  /** The slot that pinned state has for this device, or a fresh one. */
  join(wanted: WantedPort, untagged: Place): ServedPort {
    const adopted = this.adoptedSlot(wanted);
    const sinceNs = adopted === undefined ? process.hrtime.bigint() : 0n;
    return this.write(adopted ?? this.freshSlot(wanted), wanted, untagged, { sinceNs });
  }

  /** A port that stays, with other properties. Another hook is attached anew. */
  update(port: ServedPort, wanted: WantedPort, untagged: Place): ServedPort {
    return this.write(port.slot, wanted, untagged, port);
  }

  /** What came in by it binds nothing any more, whichever CPU is at it. */
  retire(slot: number): void {
    const target = this.maps.targets.get(slot);
    if (!target) return;
    this.generations.set(slot, target.generation + 1);
    this.maps.targets.set(slot, { ...target, generation: target.generation + 1 });
  }

  /** Takes the slot out of the fast path. Its bindings must have been released before. */
  leave(slot: number): void {
    const target = this.maps.targets.get(slot);
    if (!target) return;
    const { ifindex } = target;
    this.attachments.detach(ifindex);
    if (this.rows.get(ifindex)?.slot === slot) this.rows.delete(ifindex);
    this.maps.targets.set(slot, { ...target, ...EMPTY_SLOT });
    deleteQuietly(this.maps.redirects, slot);
    if (this.bySlot.delete(slot)) this.served.delete(ifindex);
  }

  /** Claims of ports that have left, so that a port which gets their slot inherits none. One walk for all of them. */
  forgetClaims(slots: ReadonlySet<number>): void {
    if (slots.size === 0) return;
    for (const [key] of [...this.maps.claims.entries()])
      if (slots.has(key.port)) this.maps.claims.delete(key);
  }

  private remember(slot: number, target: Target): void {
    if (target.generation === 0) return;
    this.names.set(slot, fieldText(target.name));
    this.generations.set(slot, target.generation);
  }

  /**
   * A device is the one of before if its program is still attached: an ifindex alone may have passed on. On another
   * bridge it is another port, since what it holds is of the old one's subnets.
   */
  private survives(target: Target, wanted: WantedPort | undefined): boolean {
    if (wanted?.name !== fieldText(target.name) || wanted.bridge.ifindex !== target.bridge) return false;
    return this.attachments.hooks().has(target.ifindex);
  }

  private adoptedSlot(wanted: WantedPort): number | undefined {
    const slot = this.rows.get(wanted.ifindex)?.slot;
    const target = slot === undefined ? undefined : this.maps.targets.get(slot);
    return target?.ifindex === wanted.ifindex && this.survives(target, wanted) ? slot : undefined;
  }

  private freshSlot(wanted: WantedPort): number {
    const { maxEntries } = this.maps.targets;
    for (let step = 1; step < maxEntries; step++) {
      const slot = ((this.lastSlot + step - 1) % (maxEntries - 1)) + 1;
      if (this.bySlot.has(slot) || this.maps.targets.get(slot)?.ifindex) continue;
      this.lastSlot = slot;
      this.generations.set(slot, (this.generations.get(slot) ?? 0) + 1);
      this.maps.own_macs.set(slot, UNKNOWN_MAC);
      this.maps.port_counters.clear(slot);
      this.maps.claim_counters.clear(slot);
      return slot;
    }
    throw new HavipError(
      'FAILED',
      `no slot is free for port ${wanted.name}: ${maxEntries - 1} ports are served`,
      {
        cure: 'raise capacity.ports in the configuration and start again',
      },
    );
  }

  /** Target before ingress, ingress before attaching: whoever is found can be delivered to. */
  private write(slot: number, wanted: WantedPort, untagged: Place, before: Before): ServedPort {
    const { ifindex, name, mac, kind, mtu, flags, bridge } = wanted;
    const generation = this.generations.get(slot) ?? 1;
    this.names.set(slot, name);
    this.maps.targets.set(slot, {
      ifindex,
      mtu,
      kind,
      flags,
      generation,
      bridge: bridge.ifindex,
      name: fieldBytes(name, 16),
      mac: parseMac(mac) ?? new Uint8Array(6),
      reserved: 0,
    });
    pointQuietly(this.maps.redirects, slot, ifindex);
    const learnEveryNs = BigInt(Math.round(wanted.learnEveryMs * 1e6));
    const known = this.rows.get(ifindex);
    const holds = known?.generation === generation ? known.flags & PORT_FLAGS.HOLDS : 0;
    this.rows.set(ifindex, {
      slot,
      subnet: untagged.subnet,
      bridge: bridge.ifindex,
      kind,
      learnEveryNs,
      generation,
      flags: untagged.flags | holds,
    });
    const downSinceNs = wanted.up ? null : (before.downSinceNs ?? process.hrtime.bigint());
    const { sinceNs } = before;
    const port = { slot, wanted, untagged, sinceNs, downSinceNs, ...this.attach(wanted, before) };
    this.served.set(ifindex, port);
    this.bySlot.set(slot, port);
    return port;
  }

  /** What it sends is watched from now on; the programs do so themselves for whoever announces. */
  noteHolder(slot: number): void {
    const ifindex = this.bySlot.get(slot)?.wanted.ifindex;
    const row = ifindex === undefined ? undefined : this.rows.get(ifindex);
    if (ifindex === undefined || !row || row.flags & PORT_FLAGS.HOLDS) return;
    this.rows.set(ifindex, { ...row, flags: row.flags | PORT_FLAGS.HOLDS });
  }

  /** A port that cannot be attached is served by the bridge, and said to be; the others go on. */
  private attach(wanted: WantedPort, before: Before): Pick<ServedPort, 'hook' | 'failure'> {
    const { ifindex, hook, auto } = wanted;
    const present = this.attachments.hooks().get(ifindex);
    const fellBack = auto && before.wanted?.hook === hook && before.hook === present;
    if (present && (present === hook || fellBack)) return { hook: present, failure: null };
    if (present) this.attachments.detach(ifindex);
    const failure = this.tryAttach(wanted, hook);
    // Drivers advertise XDP and then refuse it: too few queues, an offload in the way, another program.
    if (failure && auto && hook === 'xdp') return { hook: 'tc', failure: this.tryAttach(wanted, 'tc') };
    return { hook, failure };
  }

  private tryAttach({ ifindex, name }: WantedPort, hook: Hook): HavipError | null {
    try {
      this.attachments.attach(ifindex, hook, name);
      return null;
    } catch (error) {
      return HavipError.from(error);
    }
  }
}

/** The device may have gone before word of it came; the kernel then knows no such ifindex, and the port leaves next. */
function pointQuietly(map: Maps['redirects'], slot: number, ifindex: number): void {
  try {
    map.set(slot, ifindex);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EINVAL') throw error;
  }
}

/** The kernel empties a devmap slot itself when the device goes. */
function deleteQuietly(map: { delete(key: number): boolean }, key: number): void {
  try {
    map.delete(key);
  } catch {
    // already empty
  }
}
