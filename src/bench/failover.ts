// SPDX-License-Identifier: BSD-2-Clause
// Failovers of a real keepalived pair under 10,000 probes a second: how long the service is away, whose time that is,
// and how much of it the network adds; this project beside what one would use instead.
import { HavipError } from '../errors.js';
import { isInPath } from '../lab/demo-place.js';
import type { Lab } from '../lab/lab.js';
import { failoverFigures } from './failover-figures.js';
import { Pair } from './failover-pair.js';
import { arrivalPicture, outagePicture } from './failover-pictures.js';
import { failAndReturn, type Failover } from './failover-round.js';
import { contenders, type Contender, type Site } from './failover-sites.js';
import { CAUSES, type Cause } from './failover-story.js';
import type { Figure } from './figures.js';
import { hasOvn, OVN_PACKAGES } from './ovn.js';
import type { Context } from './suite.js';

export interface Contest {
  readonly contenders: readonly Contender[];
  readonly causes: readonly Exclude<Cause, 'preempted'>[];
  readonly rounds: number;
  readonly advertIntervalS: number;
  /** How long the new holder's first probe is waited for. */
  readonly limitMs: number;
  /** Hears of a contender that did not come up, and so takes no part. */
  readonly leave: (contender: Contender, why: string) => void;
}

export interface Told extends Failover {
  readonly contender: Contender;
}

const DEATHS = CAUSES.filter((cause) => cause !== 'preempted');

const NEEDED = { keepalived: 'keepalived', nft: 'nftables', chrt: 'util-linux' } as const;

export async function benchFailover({ quick, rounds, progress, draw }: Context): Promise<Figure[]> {
  const missing = Object.entries(NEEDED).filter(([program]) => !isInPath(program));
  if (missing.length > 0) return [notInstalled('all', missing.map(([, name]) => name).join(' '))];
  const wanted = rounds(20, 1);
  const figures: Figure[] = hasOvn() ? [] : [notInstalled('OVN', OVN_PACKAGES)];
  const leave = ({ title }: Contender, why: string): void => void figures.push(leftOut(title, why));
  const common = { contenders: contenders(), causes: DEATHS, limitMs: quick ? 2000 : 5000, leave };
  const contests: readonly Contest[] = [
    { ...common, advertIntervalS: 0.1, rounds: wanted },
    // Ten times as long, and the network's part is the same.
    ...(quick ? [] : [{ ...common, advertIntervalS: 1, rounds: Math.ceil(wanted / 10) }]),
  ];
  const steps = contests.reduce((sum, contest) => sum + stepsOf(contest), 0);
  const all: Told[] = [];
  let done = 0;
  for (const contest of contests) {
    const told = await measure(contest, () => progress(++done, steps));
    all.push(...told);
    figures.push(...failoverFigures(told, contest));
    draw(outagePicture(told, contest));
  }
  draw(arrivalPicture(all));
  return [...common.contenders.map(givenFigure), ...figures];
}

const givenFigure = ({ title, given }: Contender): Figure => ({
  ...{ what: `contender: ${title}`, value: given, bar: '', samples: [] },
});

const leftOut = (who: string, why: string): Figure => ({
  ...{ what: `contender: ${who}`, value: `left out: ${why}`, bar: '', samples: [] },
});

/** @param packages Of Debian. */
const notInstalled = (who: string, packages: string): Figure =>
  leftOut(who, `not installed (apt-get install ${packages})`);

const roundsOf = ({ rounds }: Contest, { roundsAtMost = rounds }: Contender): number =>
  Math.min(rounds, roundsAtMost);

const stepsOf = (contest: Contest): number =>
  contest.contenders.reduce((sum, one) => sum + roundsOf(contest, one), 0);

async function buildOrLeave(contender: Contender, { leave }: Contest): Promise<Site | null> {
  try {
    return await contender.build();
  } catch (error) {
    if (!contender.mayFail) throw error;
    // One line: what went wrong, and the command in which it did.
    leave(contender, HavipError.from(error).message.replaceAll(/\s*\n\s*/g, ': '));
    return null;
  }
}

/** All contenders' labs stand at once, and take turns: a busy machine hits all of them alike. */
export async function measure(contest: Contest, step: () => void): Promise<Told[]> {
  const told: Told[] = [];
  const labs: Lab[] = [];
  try {
    const stands: [Contender, Site, Pair][] = [];
    for (const contender of contest.contenders) {
      const site = await buildOrLeave(contender, contest);
      if (!site) continue;
      labs.push(site.lab);
      stands.push([contender, site, await Pair.start(site.lab, contest.advertIntervalS)]);
    }
    for (let round = 0; round < contest.rounds; round++) {
      // Who goes first alternates too.
      for (const [contender, site, pair] of round % 2 ? stands.toReversed() : stands) {
        if (round >= roundsOf(contest, contender)) continue;
        for (const cause of contest.causes)
          for (const failover of await failAndReturn(site, pair, cause, contest))
            told.push({ contender, ...failover });
        step();
      }
    }
    return told;
  } finally {
    await Promise.all(labs.map((lab) => lab.close()));
  }
}
