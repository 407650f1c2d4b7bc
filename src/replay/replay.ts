// SPDX-License-Identifier: BSD-2-Clause
// A capture through the programs and through the model, side by side: what each frame about a HAVIP came to, and where
// the two differ. Every source MAC is a port of its own, as if each station had a vNIC.
import { UNHELD, type Binding } from '../holders/rules.js';
import { announcementOf, type Announcement } from '../model/announcement.js';
import { judgementOf } from '../model/judgement.js';
import { packetOf } from '../model/packet.js';
import { CLAIM_KIND_NAMES, CLAIM_RESULT_NAMES } from '../kernel/names.js';
import { formatAddress, formatMac } from '../net/addresses.js';
import type { Arena } from './arena.js';
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
  differences: number;
  /** Captured shorter than they were, or than Ethernet's header: not put through. */
  cut: number;
}

const ETHERNET_BYTES = 14;

export class Replay {
  readonly totals: Totals = { frames: 0, announcements: 0, differences: 0, cut: 0 };
  private readonly slots = new Map<string, number>();
  private readonly bindings = new Map<string, Binding>();

  /** @param havips Canonical addresses; those of the arena. */
  constructor(
    private readonly arena: Arena,
    havips: readonly string[],
  ) {
    for (const address of havips) this.bindings.set(address, UNHELD);
  }

  /** null: it says nothing about a HAVIP, and the two agree. */
  put({ frame, wallNs, wireBytes }: Captured): Line | null {
    const number = ++this.totals.frames;
    if (frame.length < ETHERNET_BYTES || frame.length < wireBytes) {
      this.totals.cut++;
      return null;
    }
    const source = formatMac(frame.subarray(6, 12));
    const slot = this.slotOf(source);
    const said = this.saidIn(frame);
    const address = said && formatAddress(said.address);
    const outcome = this.arena.run(frame, slot, address);
    if (!said || address === null) return this.silent(frame, outcome, { number, wallNs, source });

    const from = { slot, isUplink: false, isMember: true };
    const judged = judgementOf(said, from, this.bindings.get(address) ?? UNHELD, wallNs);
    const difference = differenceOf(judged.binding, judged.refused, frame, outcome);
    this.totals.announcements++;
    if (difference !== null) this.totals.differences++;
    if (outcome.binding) this.bindings.set(address, outcome.binding);
    const kind = CLAIM_KIND_NAMES[said.kind] ?? '';
    const result = CLAIM_RESULT_NAMES[judged.result] ?? '';
    const holder = outcome.binding?.holder?.mac ?? null;
    return { number, wallNs, address, source, kind, result, holder, difference };
  }

  /** What says nothing must not be dropped. */
  private silent(
    frame: Buffer,
    { fate }: ReturnType<Arena['run']>,
    line: Pick<Line, 'number' | 'wallNs' | 'source'>,
  ): Line | null {
    if (fate !== 'drop') return null;
    this.totals.differences++;
    const nothing = { address: '', kind: '', result: '', holder: null };
    return { ...line, ...nothing, difference: `dropped, though it says nothing (${frame.length} bytes)` };
  }

  private saidIn(frame: Buffer): Announcement | null {
    const packet = packetOf(frame);
    if (typeof packet === 'string' || packet.outer !== 0) return null;
    const said = announcementOf(packet);
    return said && said !== 'short' && this.bindings.has(formatAddress(said.address)) ? said : null;
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

function differenceOf(
  expected: Binding,
  refused: boolean,
  frame: Buffer,
  outcome: ReturnType<Arena['run']>,
): string | null {
  if ((outcome.fate === 'drop') !== refused) return `the programs: ${outcome.fate}`;
  if (outcome.fate === 'pass' && !outcome.frame.equals(frame)) return 'the programs changed its bytes';
  const [theirs, ours] = [outcome.binding && holderText(outcome.binding), holderText(expected)];
  return theirs === ours ? null : `the programs: ${theirs}; the model: ${ours}`;
}

const holderText = ({ holder, moves }: Binding): string =>
  `${holder ? `${holder.mac} at port ${holder.port}` : 'nobody'} after ${moves} moves`;
