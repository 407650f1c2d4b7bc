// SPDX-License-Identifier: BSD-2-Clause
// What an announcement is worth (ANNOUNCEMENTS.md, the table): the TypeScript twin of bpf/claim.h's judge and, with
// the registry that the daemon audits by, of bpf/decide.h. Pure: the time is handed in.
import type { Registry } from '../holders/registry.js';
import type { Holder } from '../holders/rules.js';
import { CLAIM_KIND, CLAIM_RESULT } from '../kernel/layout.gen.js';
import { formatMac } from '../net/addresses.js';
import type { Announcement } from './announcement.js';

/** The port it came in by, and what that may do. */
export interface From {
  readonly slot: number;
  readonly isUplink: boolean;
  readonly isMember: boolean;
}

const PROBES: ReadonlySet<number> = new Set([CLAIM_KIND.ARP_PROBE, CLAIM_KIND.ND_PROBE]);
const ANNOUNCEMENTS: ReadonlySet<number> = new Set([
  CLAIM_KIND.ARP_REQUEST,
  CLAIM_KIND.ARP_REPLY,
  CLAIM_KIND.NA,
]);
const ANSWERS: ReadonlySet<number> = new Set([CLAIM_KIND.ARP_ANSWER, CLAIM_KIND.NA_ANSWER]);

const RESULTS: Readonly<Record<string, number>> = {
  bind: CLAIM_RESULT.BIND,
  move: CLAIM_RESULT.MOVE,
  'mac-change': CLAIM_RESULT.MAC_CHANGE,
};

const REFLECTED_WITHIN_NS = 1_000_000_000n;

export class Judge {
  /** HAVIP -> when its holder last announced. */
  private readonly spokeNs = new Map<number, bigint>();

  /** @param isUplink Whether what holds it at that slot is behind an uplink. */
  constructor(
    private readonly registry: Registry,
    private readonly isUplink: (slot: number) => boolean,
  ) {}

  /** Takes it up. @returns CLAIM_RESULT, as the counters have it. */
  judge(havip: number, { kind, fault, mac }: Announcement, from: From, nowNs: bigint): number {
    const by: Holder = { port: from.slot, mac: formatMac(mac) };
    if (PROBES.has(kind)) return CLAIM_RESULT.INTENT;
    if (!from.isMember) return CLAIM_RESULT.REFUSED_NOT_MEMBER;
    if (fault !== CLAIM_RESULT.CLAIM) return fault;
    const holder = this.registry.binding(havip)?.holder ?? null;
    if (ANNOUNCEMENTS.has(kind) || (ANSWERS.has(kind) && !holder))
      return this.decide(havip, kind, by, from, nowNs);
    return holder?.port === by.port && holder.mac === by.mac ? CLAIM_RESULT.LIVENESS : CLAIM_RESULT.EVIDENCE;
  }

  private decide(havip: number, kind: number, by: Holder, { isUplink }: From, nowNs: bigint): number {
    const { registry } = this;
    const holder = registry.binding(havip)?.holder;
    if (isUplink && holder?.mac === by.mac && !this.isUplink(holder.port) && this.spokeLately(havip, nowNs))
      return CLAIM_RESULT.REFLECTED;
    const claim = { havip, by, kind, tsNs: nowNs };
    const refreshes = registry.outcome(claim) === 'refresh';
    const waits = registry.pending(havip) !== null;
    const change = registry.claim(claim, nowNs);
    if (!refreshes && !change?.binding) return CLAIM_RESULT.HELD_BACK;
    this.spokeNs.set(havip, nowNs);
    if (refreshes) return waits ? CLAIM_RESULT.WITHDRAWN : CLAIM_RESULT.REFRESH;
    return RESULTS[change?.events[0]?.kind ?? ''] ?? CLAIM_RESULT.OVERTAKEN;
  }

  private spokeLately(havip: number, nowNs: bigint): boolean {
    const spokeNs = this.spokeNs.get(havip);
    return spokeNs !== undefined && nowNs - spokeNs < REFLECTED_WITHIN_NS;
  }
}
