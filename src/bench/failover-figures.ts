// SPDX-License-Identifier: BSD-2-Clause
// Failovers -> lines of the report. Pure.
import type { Contest, Told } from './failover.js';
import { CAUSES, type Cause } from './failover-story.js';
import { latencyFigure, percentile, type Figure } from './figures.js';

export const CAUSE_WORDS: Readonly<Record<Cause, string>> = {
  kill: 'SIGKILL',
  goodbye: 'SIGTERM',
  'link-down': 'link down',
  preempted: 'preemption',
};

export function failoverFigures(all: readonly Told[], contest: Contest): Figure[] {
  return contest.contenders.flatMap((contender) => {
    const told = all.filter((one) => one.contender === contender);
    const where = `advert_int ${contest.advertIntervalS} s, ${contender.title}`;
    return [
      ...CAUSES.flatMap((cause) => outageFigure(where, cause, told, contest.limitMs)),
      ...arrivalFigures(where, told),
      ...ownFigures(where, told, contender.askedUs),
    ];
  });
}

function outageFigure(where: string, cause: Cause, told: readonly Told[], limitMs: number): Figure[] {
  const those = told.filter((one) => one.cause === cause);
  if (those.length === 0) return [];
  const samples = those.flatMap(({ story }) => (story ? [story.outageNs / 1e6] : []));
  const what = `${where}, ${CAUSE_WORDS[cause]}: outage at the sender, ms`;
  return [{ what, value: outageText(samples, those.length, limitMs), bar: '', samples }];
}

function outageText(samples: readonly number[], of: number, limitMs: number): string {
  const never = of - samples.length;
  const words = never ? `never within ${limitMs / 1000} s in ${never} of ${of}` : '';
  if (samples.length === 0) return words;
  const [low, mid, high] = [25, 50, 75].map((p) => milliseconds(percentile(samples, p)));
  return `${mid} (quartiles ${low} to ${high}, ${of} failovers)${words && `; ${words}`}`;
}

export const milliseconds = (ms: number): string => ms.toFixed(ms < 10 ? 2 : 0);

/** What is alike for all: from the announcement's leaving the guest until a probe is at its NIC. */
function arrivalFigures(where: string, told: readonly Told[]): Figure[] {
  const stories = told.flatMap(({ story }) => story ?? []);
  if (stories.length === 0) return [];
  const [arrival, astray] = [
    stories.map(({ arrivalNs }) => arrivalNs / 1000),
    stories.map(({ astrayNs }) => astrayNs / 1000),
  ];
  return [
    latencyFigure(`${where}: announcement leaves the guest until its first probe, 100 us apart`, arrival, ''),
    latencyFigure(`${where}: ... until the last probe that the old holder got`, astray, ''),
  ];
}

/** By the programs' own stamps: from the announcement at the hook until the binding is visible to every CPU. */
export function stampedUs({ dossier }: Told): number[] {
  const { announcedNs, writtenNs } = dossier?.stamps ?? {};
  return announcedNs && writtenNs ? [Number(writtenNs - announcedNs) / 1000] : [];
}

function ownFigures(where: string, told: readonly Told[], askedUs: number | undefined): Figure[] {
  const samples = told.flatMap(stampedUs);
  if (samples.length === 0) return [];
  const p99 = percentile(samples, 99);
  const bar = askedUs === undefined ? '' : `< ${askedUs}`;
  return [
    latencyFigure(`${where}: network's share by havip's stamps`, samples, ''),
    { what: `${where}: its p99, us`, value: p99.toFixed(p99 < 10 ? 2 : 0), bar, samples: [p99] },
  ];
}
