// SPDX-License-Identifier: BSD-2-Clause
// One sentence to a dossier: what made this failover as long as it was, and what would make the next one shorter.
import type { Dossier, Stage } from './dossier.js';

const MS = 1_000_000n;
/** Shorter than what a client's retransmission notices. */
const SHORT_NS = 50n * MS;
const NETWORK_SHORT_NS = 2n * MS;

/** @param heldBack Past its move budget it waited for the window to open. */
export function advise(dossier: Dossier, heldBack: boolean): string {
  const { outageNs, networkNs, stamps, vrrp, basis } = dossier;
  if (heldBack) {
    return `The move budget was spent, so the claimant had to wait: find out why ${dossier.address} flaps, or raise damping.moves.`;
  }
  if (basis === 'none' || outageNs === null) return withoutTraffic(dossier);
  if (networkNs !== null && networkNs > NETWORK_SHORT_NS && networkNs * 4n > outageNs) {
    return `The network took ${text(networkNs)} to follow the announcement: use rebind: kernel, which decides in the program that sees it.`;
  }
  if (outageNs < SHORT_NS)
    return `Nothing to tune: ${stamps.resignedNs === null ? 'the new holder took over' : 'the old master said goodbye, and the new one took over'} in ${text(outageNs)}.`;
  const longest = longestOf(dossier.stages);
  if (longest?.name === 'answer') {
    return `The new holder took ${text(lengthOf(longest))} to answer its first packet: start the service before the address moves (net.ipv4.ip_nonlocal_bind=1), not from a notify script.`;
  }
  if (longest?.name === 'wait')
    return `Nobody sent anything for ${text(lengthOf(longest))} of it: the address was ready before its clients were.`;
  if (longest?.name === 'take-over') {
    return `The new master announced the address ${text(lengthOf(longest))} after its first sign: look at its notify scripts, and at vrrp_garp_master_delay and track_* options in keepalived.`;
  }
  return vrrp
    ? slowNotice(dossier)
    : 'The guests took most of it to notice: shorten the timer by which they miss each other.';
}

/** keepalived's and FRR's own names for the interval. */
function slowNotice({ vrrp, expectedGuestsNs, guestsNs }: Dossier): string {
  const intervalNs = vrrp?.intervalNs ?? 0n;
  const expected =
    expectedGuestsNs === null
      ? ''
      : ` (${text(expectedGuestsNs)} by RFC 9568: three adverts of ${text(intervalNs)} and the skew)`;
  const tenthNs = intervalNs / 10n > 10n * MS ? intervalNs / 10n : 10n * MS;
  if (intervalNs <= 100n * MS) {
    return `The guests took ${text(guestsNs ?? 0n)}${expected}: at this interval only a goodbye is faster, so stop keepalived before maintenance.`;
  }
  return `The guests took ${text(guestsNs ?? 0n)} to notice${expected}: advert_int ${Number(tenthNs) / 1e9} would make that about a tenth.`;
}

function withoutTraffic({ stamps }: Dossier): string {
  return stamps.firstToNewNs === null
    ? 'No packet has come to the new holder yet, so nobody was kept waiting.'
    : 'Nobody sent anything while nobody answered, so no outage was seen.';
}

const lengthOf = ({ startNs, endNs }: Stage): bigint => endNs - startNs;

function longestOf(stages: readonly Stage[]): Stage | undefined {
  return stages.reduce<Stage | undefined>((longest, stage) => {
    return longest && lengthOf(longest) >= lengthOf(stage) ? longest : stage;
  }, undefined);
}

/** `3.51 s`, `12.3 ms`, `0.4 ms`, `800 ns` */
export function text(ns: bigint): string {
  const seconds = Number(ns) / 1e9;
  if (seconds >= 1) return `${seconds.toFixed(2)} s`;
  if (seconds >= 1e-4) return `${(seconds * 1e3).toFixed(1)} ms`;
  return seconds >= 1e-6 ? `${(seconds * 1e6).toFixed(1)} µs` : `${ns} ns`;
}
