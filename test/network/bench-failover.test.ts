// SPDX-License-Identifier: BSD-2-Clause
// The failover suite in short: the master is killed and comes back, once with havip and once over the plain bridge.
// Only what has to be so on any machine is asserted.
import test from 'ava';
import { failoverFigures } from '../../src/bench/failover-figures.js';
import { contenders } from '../../src/bench/failover-sites.js';
import { measure, type Contest } from '../../src/bench/failover.js';
import { requireRoot } from '../support/lab.js';

test.before(requireRoot);

const CONTEST: Contest = {
  contenders: contenders().filter(({ key }) => ['havip-kernel', 'bridge', 'bridge-deaf'].includes(key)),
  causes: ['kill'],
  rounds: 1,
  advertIntervalS: 0.1,
  limitMs: 2000,
  leave: ({ key }, why) => {
    throw new Error(`${key}: ${why}`);
  },
};

test.serial('each failover is seen, its parts add up, and nothing is lost outside of it', async (t) => {
  const told = await measure(CONTEST, () => undefined);
  t.deepEqual(
    told.map(({ contender, cause }) => [contender.key, cause]),
    CONTEST.contenders.flatMap(({ key }) => [
      [key, 'kill'],
      [key, 'preempted'],
    ]),
  );
  for (const { contender, cause, story, stream, dossier } of told) {
    const name = `${contender.key}, ${cause}`;
    t.is(stream.duplicated, 0, name);
    // Its cache has the dead one's MAC, and nothing that comes tells it better.
    if (contender.key === 'bridge-deaf') {
      t.is(story, null, name);
      continue;
    }
    if (!story) {
      t.fail(`${name}: no failover was seen`);
      continue;
    }
    t.is(
      Object.values(story.stages).reduce((sum, ns) => sum + ns, 0),
      story.outageNs,
      name,
    );
    t.true(story.arrivalNs > 0, name);
    if (cause === 'kill') {
      t.true(story.lost > 0, name);
      t.is(stream.lost, story.lost, `${name}: lost in all, and within the outage`);
      // Three adverts are waited for before anybody takes over.
      t.true(story.stages.notice > story.outageNs / 2, name);
    }
    t.is(dossier === null, contender.key !== 'havip-kernel', name);
    // havip's own stamp of the announcement is of the same frame as the witness's.
    if (dossier) t.true(dossier.stamps.announcedNs >= story.announcedNs, name);
    if (dossier) t.true((dossier.stamps.firstToNewNs ?? 0n) >= dossier.stamps.announcedNs, name);
  }
  const figures = failoverFigures(told, CONTEST);
  const outages = figures.filter(({ what }) => what.includes('outage at the sender'));
  t.is(outages.length, CONTEST.contenders.length * 2);
  t.regex(figures.find(({ what }) => what.includes('deaf'))?.value ?? '', /^never within 2 s in 1 of 1$/);
});

test.serial(
  'a contender of other people’s that does not come up is left out, one of ours is an error',
  async (t) => {
    const [ours] = CONTEST.contenders;
    if (!ours) return t.fail('no contender');
    const build = (): Promise<never> => Promise.reject(new Error('it did not start'));
    const left: string[] = [];
    const leave: Contest['leave'] = ({ key }, why) => void left.push(`${key}: ${why}`);
    const theirs = { ...ours, key: 'theirs', mayFail: true, build } as const;
    t.deepEqual(await measure({ ...CONTEST, contenders: [theirs], leave }, () => undefined), []);
    t.deepEqual(left, ['theirs: it did not start']);
    const broken = measure({ ...CONTEST, contenders: [{ ...ours, build }], leave }, () => undefined);
    await t.throwsAsync(broken, { message: /did not start/ });
  },
);
