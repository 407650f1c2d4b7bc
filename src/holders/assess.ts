// SPDX-License-Identifier: BSD-2-Clause
// What was seen of a failover -> how long it took, whose time that was, and what to tune. Pure.
import { advise } from './advice.js';
import type { Dossier, OutageBasis, Share, Stage, Stamps, Vrrp } from './dossier.js';

/** What is known of one move. */
export type Facts = Omit<
  Dossier,
  'outageNs' | 'basis' | 'guestsNs' | 'networkNs' | 'expectedGuestsNs' | 'stages' | 'advice' | 'complete'
> & {
  /** Packets of the old holder's time that nobody answered, as far as they were stamped. */
  readonly missed: bigint;
  /** VRRP's version, which says what the skew is a part of; 0: no VRRP was seen. */
  readonly vrrpVersion: number;
  /** Past its move budget it was held back, until the window opened. */
  readonly heldBack: boolean;
};

/** A client's last acknowledgements are answered by nobody; more than those is somebody who goes on asking. */
const MISSED_MIN = 3n;
/** A client that asks once a second is still one that goes on. */
const FLOWING_NS = 1_500_000_000n;

/** @param complete Nothing more is waited for. */
export function assess(facts: Facts, complete: boolean): Dossier {
  const { missed, vrrpVersion, heldBack, ...known } = facts;
  const outage = outageOf(facts);
  const stages = outage ? stagesOf(facts.stamps, outage.startNs, outage.endNs) : [];
  const shareNs = (share: Share): bigint | null => outage && sum(stages, share);
  const expectedGuestsNs = expectedOf(facts.stamps, facts.vrrp, vrrpVersion);
  const measured = {
    outageNs: outage && outage.endNs - outage.startNs,
    basis: outage?.basis ?? 'none',
    guestsNs: shareNs('guests'),
    networkNs: shareNs('network'),
    expectedGuestsNs,
    stages,
    complete,
  } as const;
  return { ...known, ...measured, advice: advise({ ...known, ...measured, advice: '' }, heldBack) };
}

interface Outage {
  readonly basis: OutageBasis;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** As traffic saw it; null: nobody sent anything while nobody answered. */
function outageOf({ stamps, missed }: Facts): Outage | null {
  const { lastToOldNs, lastFromOldNs, firstMissedNs, firstToNewNs, firstFromNewNs } = stamps;
  if (firstFromNewNs !== null && lastFromOldNs !== null) {
    const basis = 'answers';
    // Both spoke, one after the other, without anybody being missed in between.
    if (missed < MISSED_MIN || firstMissedNs === null) {
      const gapNs = firstFromNewNs - lastFromOldNs;
      return gapNs < FLOWING_NS ? span(basis, lastFromOldNs, firstFromNewNs) : null;
    }
    const flowed = firstMissedNs - lastFromOldNs < FLOWING_NS;
    return span(basis, flowed ? lastFromOldNs : firstMissedNs, firstFromNewNs);
  }
  if (lastFromOldNs !== null || lastToOldNs === null || firstToNewNs === null) return null;
  return span('deliveries', lastToOldNs, firstToNewNs);
}

/** Two that answer at once are no outage. */
const span = (basis: OutageBasis, startNs: bigint, endNs: bigint): Outage => ({
  basis,
  startNs,
  endNs: endNs > startNs ? endNs : startNs,
});

/** By what each ends with, in the order of a failover; those that were not seen, or lie outside, are left out. */
function stagesOf(stamps: Stamps, startNs: bigint, endNs: bigint): Stage[] {
  const { firstSignNs, resignedNs, announcedNs, writtenNs, firstToNewNs, firstFromNewNs } = stamps;
  const ends: readonly [string, Share, bigint | null][] = [
    ['notice', 'guests', firstSignNs ?? resignedNs ?? announcedNs],
    ['take-over', 'guests', announcedNs],
    ['re-point', 'network', writtenNs],
    ['wait', 'traffic', firstToNewNs],
    ['answer', 'guests', firstFromNewNs],
  ];
  const stages: Stage[] = [];
  let atNs = startNs;
  for (const [name, share, stampNs] of ends) {
    if (stampNs === null || stampNs <= atNs) continue;
    const stageEndNs = stampNs < endNs ? stampNs : endNs;
    if (stageEndNs > atNs) stages.push({ name, share, startNs: atNs, endNs: stageEndNs });
    atNs = stageEndNs;
  }
  return stages;
}

const sum = (stages: readonly Stage[], share: Share): bigint =>
  stages.reduce((total, stage) => (stage.share === share ? total + stage.endNs - stage.startNs : total), 0n);

/**
 * From the old master's last advert until its backup takes over.
 * Source: RFC 9568 section 6.1 (version 3: the skew is a part of the interval); RFC 3768 section 6.1 (version 2: of a
 * second). After a goodbye only the skew is waited for (section 6.4.2).
 */
function expectedOf({ resignedNs, lastAdvertNs }: Stamps, vrrp: Vrrp | null, version: number): bigint | null {
  if (!vrrp || lastAdvertNs === null || vrrp.newPriority === null) return null;
  const unitNs = version === 2 ? 1_000_000_000n : vrrp.intervalNs;
  const skewNs = (BigInt(256 - vrrp.newPriority) * unitNs) / 256n;
  const resigned = resignedNs !== null && resignedNs >= lastAdvertNs;
  return resigned ? skewNs : 3n * vrrp.intervalNs + skewNs;
}
