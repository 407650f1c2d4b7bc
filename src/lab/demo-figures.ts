// SPDX-License-Identifier: BSD-2-Clause
// What the demo's measurements amount to: who had the address when, what was lost, and whose share of the outage
// was whose. All times are CLOCK_MONOTONIC: frames at the hook, packets in guests and processes agree on it.
import { binds, NEW, OLD, type Measured } from './demo.js';
import { VIP } from './topology.js';

export interface Moment {
  readonly timeNs: bigint;
  readonly who: 'vm-a' | 'vm-b' | 'havip' | 'client';
  readonly what: string;
}

export interface Figures {
  readonly timeline: readonly Moment[];
  /** Arrival of the new holder's announcement at the hook. */
  readonly announcedNs: bigint | null;
  /** From then until the binding was in the map. */
  readonly repointNs: bigint | null;
  /** From the last packet that the old holder answered to the first that the new one did. */
  readonly outageNs: bigint | null;
  /** The part of it before the announcement: the guests notice, wait and decide. */
  readonly guestsNs: bigint | null;
  /** The rest: re-pointing, and the wait for the stream's next packet. */
  readonly networkNs: bigint | null;
  readonly longestGapNs: number;
  /** No packet was answered twice, and none by the old holder after the new one had begun. */
  readonly oneHolder: boolean;
  /** Traffic reached the new holder after it had announced. */
  readonly followed: boolean;
  readonly ok: boolean;
}

export function figuresOf(measured: Measured): Figures {
  const { killedNs, events, ports, answered, stream, downloads } = measured;
  const announced = events.find((event) => event.timeNs > killedNs && binds(event, ports[NEW])) ?? null;
  const lastOldNs = answered[OLD].at(-1)?.receiveNs ?? null;
  const firstNewNs = answered[NEW][0]?.receiveNs ?? null;
  const announcedNs = announced?.timeNs ?? null;
  const oneHolder = isOneHolder(measured);
  const followed = announcedNs !== null && firstNewNs !== null && firstNewNs >= announcedNs;
  return {
    timeline: timelineOf(measured),
    announcedNs,
    repointNs: announced?.repointNs ?? null,
    outageNs: between(lastOldNs, firstNewNs),
    guestsNs: between(lastOldNs, announcedNs),
    networkNs: between(announcedNs, firstNewNs),
    longestGapNs: stream.longestGap?.durationNs ?? 0,
    oneHolder,
    followed,
    ok: followed && oneHolder && downloads.before.intact && downloads.after.intact,
  };
}

function between(from: bigint | null, to: bigint | null): bigint | null {
  return from === null || to === null ? null : to - from;
}

function isOneHolder({ answered, stream }: Measured): boolean {
  const old = new Set(answered[OLD].map(({ seq }) => seq));
  const lastOldNs = answered[OLD].at(-1)?.receiveNs ?? 0n;
  return (
    stream.duplicated === 0 &&
    answered[NEW].every(({ seq, receiveNs }) => !old.has(seq) && receiveNs > lastOldNs)
  );
}

function timelineOf(measured: Measured): Moment[] {
  const { killedNs, answered, downloads } = measured;
  const moments: Moment[] = [
    { timeNs: killedNs, who: OLD, what: 'is killed: keepalived by SIGKILL, and its link down' },
    ...holderMoments(measured),
  ];
  const add = (timeNs: bigint | null | undefined, who: Moment['who'], what: string): void => {
    if (timeNs) moments.push({ timeNs, who, what });
  };
  add(answered[OLD].at(-1)?.receiveNs, OLD, 'answers its last packet');
  add(answered[NEW][0]?.receiveNs, NEW, `answers its first, still sent to ${OLD}'s MAC`);
  add(downloads.running.endedNs, 'client', `loses the download under way, a connection to ${OLD}`);
  return moments.sort((a, b) => Number(a.timeNs - b.timeNs));
}

function holderMoments({ events, killedNs, ports }: Measured): Moment[] {
  return events
    .filter((event) => event.address === VIP && event.timeNs > killedNs)
    .flatMap(({ kind, timeNs, repointNs, reason, to }): Moment[] => {
      if (kind === 'release')
        return [{ timeNs, who: 'havip', what: `releases ${VIP} (${reason}): nobody holds it` }];
      if (to === null || (kind !== 'bind' && kind !== 'move')) return [];
      const who = to.port === ports[OLD] ? OLD : NEW;
      const claim: Moment = { timeNs, who, what: `announces ${VIP} (${reason})` };
      if (repointNs === null) return [claim];
      return [
        claim,
        { timeNs: timeNs + repointNs, who: 'havip', what: `has it in the map: ${VIP} is at ${who}` },
      ];
    });
}
