// SPDX-License-Identifier: BSD-2-Clause
// What an announcement is worth (ANNOUNCEMENTS.md, the table): the TypeScript twin of bpf/claim.h's judge and, with
// the rules of src/holders, of bpf/decide.h for a budget that is open. Pure.
import { bound, judge, type Binding, type Holder, type Outcome } from '../holders/rules.js';
import { CLAIM_KIND, CLAIM_RESULT } from '../kernel/layout.gen.js';
import { formatMac } from '../net/addresses.js';
import type { Announcement } from './announcement.js';

/** The port it came in by, and what that may do. */
export interface From {
  readonly slot: number;
  readonly isUplink: boolean;
  readonly isMember: boolean;
}

export interface Judgement {
  /** CLAIM_RESULT, as the counters have it. */
  readonly result: number;
  readonly refused: boolean;
  /** The binding afterwards. */
  readonly binding: Binding;
}

const PROBES: ReadonlySet<number> = new Set([CLAIM_KIND.ARP_PROBE, CLAIM_KIND.ND_PROBE]);
const ANNOUNCEMENTS: ReadonlySet<number> = new Set([
  CLAIM_KIND.ARP_REQUEST,
  CLAIM_KIND.ARP_REPLY,
  CLAIM_KIND.NA,
]);
const ANSWERS: ReadonlySet<number> = new Set([CLAIM_KIND.ARP_ANSWER, CLAIM_KIND.NA_ANSWER]);

const RESULTS: Record<Outcome, number> = {
  refresh: CLAIM_RESULT.REFRESH,
  bind: CLAIM_RESULT.BIND,
  move: CLAIM_RESULT.MOVE,
  'mac-change': CLAIM_RESULT.MAC_CHANGE,
};

export function judgementOf(said: Announcement, from: From, binding: Binding, tsNs: bigint): Judgement {
  const { kind, fault } = said;
  const by: Holder = { port: from.slot, mac: formatMac(said.mac) };
  const left = (result: number): Judgement => ({ result, refused: false, binding });
  if (PROBES.has(kind)) return left(CLAIM_RESULT.INTENT);
  if (!from.isMember) return { result: CLAIM_RESULT.REFUSED_NOT_MEMBER, refused: true, binding };
  if (fault !== CLAIM_RESULT.CLAIM) return { result: fault, refused: true, binding };
  const claims = ANNOUNCEMENTS.has(kind) || (ANSWERS.has(kind) && !binding.holder);
  if (!claims) {
    const holds = binding.holder?.port === by.port && binding.holder.mac === by.mac;
    return left(holds ? CLAIM_RESULT.LIVENESS : CLAIM_RESULT.EVIDENCE);
  }
  const outcome = judge(binding, by, from.isUplink);
  if (outcome === 'refresh') return left(CLAIM_RESULT.REFRESH);
  const claim = { havip: 0, by, kind, tsNs };
  return { result: RESULTS[outcome], refused: false, binding: bound(binding, claim, outcome) };
}
