// SPDX-License-Identifier: BSD-2-Clause
// Two guests that both believe to hold a HAVIP (ANNOUNCEMENTS.md, "State"): split-brain, dual-active before any
// announcement, and "adverts say B, binding says A". Pure: times are handed in. Data frames never reach this file, so
// that LVS real servers, which lawfully send with the HAVIP as source, raise nothing.
import type { HolderEvent } from './events.js';
import type { Holder } from './rules.js';

/** A VRRP advert by a port that may claim. */
export interface Advert {
  readonly havip: number;
  readonly by: Holder;
  readonly tsNs: bigint;
  readonly vrid: number;
  /** 0: it resigns (RFC 9568 section 6.4.3). */
  readonly priority: number;
  readonly intervalNs: bigint;
}

const SECOND_NS = 1_000_000_000n;
/** The former holder's word counts for so long after it lost the address; and an alarm ends after as long a silence. */
export const SPLIT_NS = 10n * SECOND_NS;
/** Adverts ring ten times a second at most: of faster ones some are never heard of. */
const RINGS_EVERY_NS = 100_000_000n;
const MASTER_DOWN_INTERVALS = 3n;

interface Watch {
  /** Who lost the address to whoever has it now, and when. null: nobody did, or its port went. */
  lost: { readonly by: Holder; readonly atNs: bigint } | null;
  /** Its port went: whoever comes next takes it from nobody. */
  released: boolean;
  /** When a master last said goodbye; null: never. */
  resignedNs: bigint | null;
  /** The other party of a split-brain, and when anybody but the holder last spoke. */
  split: { other: Holder; spokeNs: bigint } | null;
  /** Who says by adverts that it is master while another holds the address. */
  rival: Rival | null;
  /** Who has answered the question of that time. */
  answers: { askedNs: bigint; by: Holder[] };
}

interface Rival {
  readonly by: Holder;
  readonly firstNs: bigint;
  lastNs: bigint;
  told: boolean;
}

export interface AlarmPorts {
  /** Behind an uplink another MAC is another station. */
  isUplink(slot: number): boolean;
}

export class Alarms {
  private readonly watches = new Map<number, Watch>();
  private readonly split = new Set<number>();
  private splitChanged = false;

  constructor(private readonly ports: AlarmPorts) {}

  forget(havip: number): void {
    this.watches.delete(havip);
    if (this.split.delete(havip)) this.splitChanged = true;
  }

  /** All with a split-brain, if that has changed since the last call; else null. */
  splitNews(): readonly number[] | null {
    if (!this.splitChanged) return null;
    this.splitChanged = false;
    return [...this.split];
  }

  /** HAVIPs for which two guests speak. */
  splits(): ReadonlySet<number> {
    return this.split;
  }

  /** A binding has changed. @returns alarms that this raises. */
  changed({ kind, havip, from, to, tsNs, reason }: HolderEvent): HolderEvent[] {
    if (kind === 'release') {
      const watch = this.watch(havip);
      Object.assign(watch, { lost: null, rival: null, released: true });
      return [];
    }
    if ((kind !== 'move' && kind !== 'bind') || !to) return [];
    const watch = this.watch(havip);
    const { lost } = watch;
    const takenFrom = kind === 'move' && !watch.released ? from : null;
    const back = lost !== null && this.isSame(lost.by, to) && this.isRecent(watch, lost.atNs, tsNs);
    Object.assign(watch, { lost: takenFrom && { by: takenFrom, atNs: tsNs }, released: false, rival: null });
    if (watch.split && takenFrom) {
      watch.split = { other: takenFrom, spokeNs: tsNs };
      return [];
    }
    // Healed, or migrated: the network or the hypervisor said so, and no guest.
    if (!back || !takenFrom || reason === 'verified' || reason === 'rarp') return [];
    return [this.raise(watch, { havip, holder: to, other: takenFrom, tsNs, reason })];
  }

  /**
   * Somebody answers for the address.
   * @param askedNs When the network asked, if it lately did; 0n: it did not.
   */
  answered(havip: number, by: Holder, holder: Holder | null, tsNs: bigint, askedNs = 0n): HolderEvent[] {
    const watch = this.watch(havip);
    const others = this.noteAnswer(watch, by, askedNs);
    const first = others[0];
    if (askedNs && first && !watch.split) {
      const other = holder && this.isSame(holder, by) ? first : by;
      return [this.raise(watch, { havip, holder: holder ?? first, other, tsNs, reason: 'two-answers' })];
    }
    if (!holder || this.isSame(holder, by)) return [];
    return this.otherSpoke(watch, { havip, holder, other: by, tsNs, reason: 'answer' });
  }

  /** @param holderNs When the holder's own last advert came that was no resignation; null: never. */
  advert(
    { havip, by, tsNs, priority, intervalNs }: Advert,
    holder: Holder | null,
    holderNs: bigint | null,
  ): HolderEvent[] {
    const watch = this.watch(havip);
    if (priority === 0) {
      watch.resignedNs = tsNs;
      if (watch.rival && this.isSame(watch.rival.by, by)) watch.rival = null;
      return [];
    }
    if (!holder || this.isSame(holder, by)) return [];
    const speech = { havip, holder, other: by, tsNs, reason: 'vrrp-advert' };
    const { lost } = watch;
    const goesOn = lost !== null && this.isSame(lost.by, by) && tsNs - lost.atNs > intervalNs;
    const split = watch.split || goesOn ? this.otherSpoke(watch, speech) : [];
    return split.length || watch.split ? split : this.rivalSpoke(watch, speech, intervalNs, holderNs);
  }

  /** Alarms that nobody has fed for long enough. */
  due(nowNs: bigint, holderOf: (havip: number) => Holder | null): HolderEvent[] {
    const ended: HolderEvent[] = [];
    for (const havip of this.split) {
      const watch = this.watch(havip);
      if (!watch.split || nowNs - watch.split.spokeNs < SPLIT_NS) continue;
      const { other } = watch.split;
      watch.split = null;
      this.split.delete(havip);
      this.splitChanged = true;
      ended.push({
        kind: 'split-brain-end',
        havip,
        tsNs: nowNs,
        from: other,
        to: holderOf(havip),
        reason: 'quiet',
      });
    }
    return ended;
  }

  /** When `due` has something to do next; null: nothing is on. */
  nextDueNs(): bigint | null {
    let next: bigint | null = null;
    for (const havip of this.split) {
      const dueNs = (this.watches.get(havip)?.split?.spokeNs ?? 0n) + SPLIT_NS;
      if (next === null || dueNs < next) next = dueNs;
    }
    return next;
  }

  private watch(havip: number): Watch {
    const known = this.watches.get(havip);
    if (known) return known;
    const answers = { askedNs: 0n, by: [] };
    const watch = { lost: null, released: false, resignedNs: null, split: null, rival: null, answers };
    this.watches.set(havip, watch);
    return watch;
  }

  private isSame(a: Holder, b: Holder): boolean {
    return a.port === b.port && (a.mac === b.mac || !this.ports.isUplink(a.port));
  }

  /** It was lost a moment ago, and neither has said goodbye. */
  private isRecent({ resignedNs }: Watch, lostNs: bigint, nowNs: bigint): boolean {
    return nowNs - lostNs < SPLIT_NS && (resignedNs === null || resignedNs < lostNs - SPLIT_NS);
  }

  private otherSpoke(watch: Watch, speech: Speech): HolderEvent[] {
    const { other, tsNs } = speech;
    if (watch.split) {
      watch.split = { other, spokeNs: tsNs };
      return [];
    }
    const { lost } = watch;
    if (!lost || !this.isSame(lost.by, other) || !this.isRecent(watch, lost.atNs, tsNs)) return [];
    return [this.raise(watch, speech)];
  }

  private raise(watch: Watch, { havip, holder, other, tsNs, reason }: Speech): HolderEvent {
    watch.split = { other, spokeNs: tsNs };
    this.split.add(havip);
    this.splitChanged = true;
    return { kind: 'split-brain', havip, tsNs, from: other, to: holder, reason };
  }

  private rivalSpoke(
    watch: Watch,
    speech: Speech,
    intervalNs: bigint,
    holderNs: bigint | null,
  ): HolderEvent[] {
    const { havip, holder, other, tsNs } = speech;
    const patienceNs = MASTER_DOWN_INTERVALS * (intervalNs > RINGS_EVERY_NS ? intervalNs : RINGS_EVERY_NS);
    const { rival } = watch;
    if (!rival || !this.isSame(rival.by, other) || tsNs - rival.lastNs > patienceNs) {
      watch.rival = { by: other, firstNs: tsNs, lastNs: tsNs, told: false };
      return [];
    }
    const both = holderNs !== null && holderNs > rival.lastNs;
    rival.lastNs = tsNs;
    if (rival.told) return [];
    const event = { havip, tsNs, from: other, to: holder, reason: 'vrrp-advert' } as const;
    if (both) {
      rival.told = true;
      return [{ kind: 'dual-active', ...event }];
    }
    if (tsNs - rival.firstNs <= MASTER_DOWN_INTERVALS * intervalNs) return [];
    rival.told = true;
    return [{ kind: 'disagreement', ...event }];
  }

  /** @returns Who else has answered the same question. */
  private noteAnswer(watch: Watch, by: Holder, askedNs: bigint): Holder[] {
    if (!askedNs) return [];
    if (watch.answers.askedNs !== askedNs) watch.answers = { askedNs, by: [] };
    const { answers } = watch;
    const others = answers.by.filter((one) => !this.isSame(one, by));
    if (others.length === answers.by.length) answers.by.push(by);
    return others;
  }
}

/** `from` of an alarm is who speaks besides, `to` the holder: traffic goes to exactly one. */
interface Speech {
  readonly havip: number;
  readonly holder: Holder;
  readonly other: Holder;
  readonly tsNs: bigint;
  readonly reason: string;
}
