// SPDX-License-Identifier: BSD-2-Clause
// A capture through the programs and through the model, side by side: what each frame that says something about a
// HAVIP came to, and where the two differ, in what they decide or in any frame's bytes. Every source MAC is a port of
// its own, as if each station had a vNIC.
import { Registry } from '../holders/registry.js';
import type { Binding } from '../holders/rules.js';
import { CLAIM_RESULT, PORT_KIND, REASON } from '../kernel/layout.gen.js';
import { CLAIM_KIND_NAMES, CLAIM_RESULT_NAMES } from '../kernel/names.js';
import { fateOf, type Fate, type World } from '../model/fate.js';
import { Judge } from '../model/judgement.js';
import { addressBytes, formatAddress, formatMac } from '../net/addresses.js';
import { ARENA_MTU_BYTES, type Arena, type Outcome } from './arena.js';
import type { Captured } from './pcap.js';

export interface Line {
  /** From 1, as Wireshark counts. */
  readonly number: number;
  readonly wallNs: bigint;
  readonly address: string;
  readonly source: string;
  readonly kind: string;
  readonly result: string;
  /** MAC of the holder afterwards. */
  readonly holder: string | null;
  /** What the programs did otherwise; null: they agree. */
  readonly difference: string | null;
}

export interface Totals {
  frames: number;
  announcements: number;
  /** Data to a HAVIP that got its holder's MAC. */
  steered: number;
  differences: number;
  /** Captured shorter than they were, or than Ethernet's header: not put through. */
  cut: number;
}

const ETHERNET_BYTES = 14;
const NO_MAC = Buffer.alloc(6);
const SUBNET = 1;
/** The arena's: a window in which nothing is ever still counted. */
const OPEN_BUDGET = { moves: 1, windowMs: 0 };

export class Replay {
  readonly totals: Totals = { frames: 0, announcements: 0, steered: 0, differences: 0, cut: 0 };
  private readonly slots = new Map<string, number>();
  private readonly stationed = new Map<string, number>();
  private readonly registry = new Registry({ isUplink: () => false }, (kind) => CLAIM_KIND_NAMES[kind] ?? '');
  private readonly judge = new Judge(this.registry, () => false);
  private readonly indices: ReadonlyMap<string, number>;

  /**
   * @param havips Canonical addresses; those of the arena.
   * @param nowNs The clock that the arena's programs go by, monotonic.
   */
  constructor(
    private readonly arena: Arena,
    private readonly havips: readonly string[],
    private readonly nowNs: () => bigint,
  ) {
    this.indices = new Map(havips.map((address, index) => [hexOf(addressBytes(address)), index]));
    havips.forEach((_, index) => this.registry.define(index, OPEN_BUDGET));
  }

  /** What it says about HAVIPs, and whatever the two do not agree on. */
  put({ frame, wallNs, wireBytes }: Captured): Line[] {
    const number = ++this.totals.frames;
    if (frame.length < ETHERNET_BYTES || frame.length < wireBytes) {
      this.totals.cut++;
      return [];
    }
    const source = formatMac(frame.subarray(6, 12));
    const slot = this.slotOf(source);
    const fate = fateOf(frame, this.world(slot), this.nowNs());
    const outcome = this.arena.run(frame, slot);
    const difference = differenceOf(fate, outcome) ?? this.otherBinding(fate);
    this.count(fate, difference);
    if (difference !== null) this.follow(fate);
    const line = { number, wallNs, source, difference };
    const said = fate.said.flatMap(({ havip, address, kind, result }) => {
      if (havip === null || !address) return [];
      const holder = this.registry.binding(havip)?.holder?.mac ?? null;
      const names = { kind: CLAIM_KIND_NAMES[kind] ?? '', result: CLAIM_RESULT_NAMES[result] ?? '' };
      if (holder && WRITES.has(result)) this.stationed.set(holder, slot);
      return { ...line, address: formatAddress(address), ...names, holder };
    });
    const nothing = { address: '', kind: '', result: '', holder: null };
    return said.length || difference === null ? said : [{ ...line, ...nothing }];
  }

  private count({ said, reason }: Fate, difference: string | null): void {
    if (said.length) this.totals.announcements++;
    if (reason === REASON.REWRITE_NO_REDIRECT) this.totals.steered++;
    if (difference !== null) this.totals.differences++;
  }

  private world(slot: number): World {
    return {
      entry: 'xdp',
      in: { slot, kind: PORT_KIND.VNIC, mac: NO_MAC, flags: 0 },
      registry: this.registry,
      judge: this.judge,
      eips: null,
      subnetOf: (outer) => (outer ? 0 : SUBNET),
      policyOf: (_, address) => {
        const havip = this.indices.get(hexOf(address));
        return havip === undefined
          ? null
          : { havip, isMember: true, monitors: false, dropsUnheld: false, proxies: false, serviceMac: null };
      },
      targetOf: () => ({ mtu: ARENA_MTU_BYTES, kind: PORT_KIND.VNIC, flags: 0, mapped: false, mac: NO_MAC }),
      stationedAt: (_, mac) => this.stationed.get(mac) ?? null,
      isOwnGuest: () => false,
      maySend: () => true,
    };
  }

  private otherBinding({ said }: Fate): string | null {
    for (const { havip } of said) {
      const address = havip === null ? undefined : this.havips[havip];
      if (havip === null || address === undefined) continue;
      const [theirs, ours] = [this.arena.binding(address), this.registry.binding(havip)].map(
        (binding) => binding && holderText(binding),
      );
      if (theirs !== ours) return `the programs: ${theirs}; the model: ${ours}`;
    }
    return null;
  }

  /** One difference is told once: from here on the model goes by what the programs have. */
  private follow({ said }: Fate): void {
    for (const { havip } of said) {
      const address = havip === null ? undefined : this.havips[havip];
      const binding = address === undefined ? null : this.arena.binding(address);
      if (havip !== null && binding) this.registry.resync(havip, binding, [], null);
    }
  }

  private slotOf(source: string): number {
    const known = this.slots.get(source);
    if (known !== undefined) return known;
    const slot = this.slots.size + 1;
    this.arena.addPort(slot);
    this.slots.set(source, slot);
    return slot;
  }
}

const WRITES: ReadonlySet<number> = new Set([CLAIM_RESULT.BIND, CLAIM_RESULT.MOVE, CLAIM_RESULT.MAC_CHANGE]);

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function differenceOf(fate: Fate, outcome: Outcome): string | null {
  if (outcome.fate !== fate.verdict) return `the programs: ${outcome.fate}; the model: ${fate.verdict}`;
  if (outcome.fate === 'drop' || outcome.frame.equals(fate.frame)) return null;
  const at = fate.frame.findIndex((byte, index) => byte !== outcome.frame[index]);
  return `the programs left other bytes, from ${at} on`;
}

const holderText = ({ holder, moves }: Binding): string =>
  `${holder ? `${holder.mac} at port ${holder.port}` : 'nobody'} after ${moves} moves`;
