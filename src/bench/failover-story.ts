// SPDX-License-Identifier: BSD-2-Clause
// What was seen of one failover -> how long it took and whose time that was, alike for every contender. Pure.
import type { Gap } from '../lab/traffic.js';

/**
 * kill: the master's processes die by SIGKILL, its link stays up. goodbye: its keepalived gets SIGTERM. link-down: its
 * port goes. preempted: the better one comes back, and the standby that served meanwhile gives way.
 */
export const CAUSES = ['kill', 'goodbye', 'link-down', 'preempted'] as const;
export type Cause = (typeof CAUSES)[number];

/** One frame at a guest's NIC. Source: src/lab/tools/witness.c. */
export interface Sight {
  readonly kind: 'advert' | 'announce' | 'probe' | 'answer';
  /** Monotonic; the kernel's stamp. */
  readonly atNs: bigint;
  /** Of probe and answer: the stream's number. Of advert: its priority. */
  readonly seq: number;
}

export interface Account {
  /** Just before the cause. Monotonic. */
  readonly actNs: bigint;
  /** At the NIC of the one that served, and of the one that takes over. */
  readonly old: readonly Sight[];
  readonly next: readonly Sight[];
  /** Of the answers as the sender got them. */
  readonly gaps: readonly Gap[];
}

export const STAGES = ['notice', 'take-over', 'network', 'answer'] as const;
/**
 * notice: from the last answer until the new holder's first advert. take-over: until its announcement leaves its NIC.
 * network: until the first probe is at its NIC. answer: until its answer is at the sender. All but `network` are the
 * guests' time.
 */
export type StageName = (typeof STAGES)[number];

export interface Story {
  /** Unit: ns. Parts of the outage: they add up to it. */
  readonly stages: Readonly<Record<StageName, number>>;
  /** From the last answer of the old holder to the first of the new one, at the sender. Unit: ns. */
  readonly outageNs: number;
  /**
   * From the announcement's leaving the new holder until the first probe there, whether anybody answered meanwhile or
   * not. As fine as the probes are apart. Unit: ns.
   */
  readonly arrivalNs: number;
  /** From the announcement's leaving until the last probe that still came to the old holder; 0: none did. Unit: ns. */
  readonly astrayNs: number;
  /** When the announcement left. Monotonic. */
  readonly announcedNs: bigint;
  /** Probes of the outage that nobody answered. */
  readonly lost: number;
}

/** null: not a probe came to the new holder while it was waited for. Errors: it announced nothing. */
export function storyOf(account: Account): Story | null {
  const announcedNs = firstSince(account.next, 'announce', account.actNs);
  if (announcedNs === null) throw new Error('the new holder announced nothing');
  const probeNs = firstSince(account.next, 'probe', announcedNs);
  const answerNs = firstSince(account.next, 'answer', announcedNs);
  if (probeNs === null || answerNs === null) return null;
  const signNs = firstSince(account.next, 'advert', account.actNs) ?? announcedNs;
  const outage = outageOf(account, answerNs);
  return {
    stages: split(outage, [signNs, announcedNs, probeNs]),
    outageNs: Number(outage.endNs - outage.startNs),
    arrivalNs: Number(probeNs - announcedNs),
    astrayNs: astrayNs(account.old, announcedNs),
    announcedNs,
    lost: outage.lost,
  };
}

interface Outage {
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly lost: number;
}

/** The sender's gap that the new holder's first answer ended; one too short to be listed, as the NICs had it. */
function outageOf({ old, gaps }: Account, answerNs: bigint): Outage {
  const gap = gaps.find(({ startNs, endNs }) => startNs <= answerNs && answerNs <= endNs);
  if (gap) return gap;
  const answers = old.filter(({ kind, atNs }) => kind === 'answer' && atNs <= answerNs);
  return { startNs: answers.at(-1)?.atNs ?? answerNs, endNs: answerNs, lost: 0 };
}

/** @param endsNs Of all stages but the last. What lies outside of the outage counts for nothing. */
function split({ startNs, endNs }: Outage, endsNs: readonly bigint[]): Record<StageName, number> {
  const marks = [startNs];
  for (const atNs of [...endsNs, endNs]) {
    const reached = marks.at(-1) ?? startNs;
    marks.push(atNs < reached ? reached : atNs > endNs ? endNs : atNs);
  }
  const parts = STAGES.map((name, i) => [name, Number((marks[i + 1] ?? endNs) - (marks[i] ?? endNs))]);
  return Object.fromEntries(parts) as Record<StageName, number>;
}

function astrayNs(old: readonly Sight[], announcedNs: bigint): number {
  const astray = old.filter(({ kind, atNs }) => kind === 'probe' && atNs > announcedNs);
  return Number((astray.at(-1)?.atNs ?? announcedNs) - announcedNs);
}

function firstSince(sights: readonly Sight[], kind: Sight['kind'], sinceNs: bigint): bigint | null {
  return sights.find((one) => one.kind === kind && one.atNs >= sinceNs)?.atNs ?? null;
}
