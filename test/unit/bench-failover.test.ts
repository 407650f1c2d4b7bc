// SPDX-License-Identifier: BSD-2-Clause
// What was seen of a failover becomes its parts, and many of them a bar: made-up times, every sum by hand.
import test from 'ava';
import { barsOf, type Sample } from '../../src/bench/failover-bars.js';
import { storyOf, type Account, type Sight, type Story } from '../../src/bench/failover-story.js';
import { parseSights } from '../../src/bench/failover-witness.js';
import type { Gap } from '../../src/lab/traffic.js';

const sight = (kind: Sight['kind'], at: number, seq = 0): Sight => ({ kind, atNs: BigInt(at), seq });

const gap = (start: number, end: number): Gap => ({
  ...{ startNs: BigInt(start), endNs: BigInt(end), durationNs: end - start },
  ...{ fromSeq: 1, toSeq: 9, lost: 7 },
});

/** The master dies at 1000; the standby advertises at 4000, announces at 4100, gets a probe at 4150. */
const CRASH: Account = {
  actNs: 1000n,
  old: [sight('probe', 880), sight('answer', 900)],
  next: [
    sight('announce', 500),
    sight('advert', 4000, 100),
    sight('announce', 4100),
    sight('probe', 4150, 9),
    sight('answer', 4170, 9),
    sight('announce', 4200),
    sight('probe', 4250, 10),
  ],
  gaps: [gap(100, 140), gap(920, 4200), gap(5000, 5050)],
};

test('a crash: the parts are those between its stamps, and add up to the gap at the sender', (t) => {
  t.deepEqual(storyOf(CRASH), {
    stages: { notice: 3080, 'take-over': 100, network: 50, answer: 50 },
    outageNs: 3280,
    arrivalNs: 50,
    astrayNs: 0,
    announcedNs: 4100n,
    lost: 7,
  });
});

test('probes that still came to the old holder after the announcement are told', (t) => {
  const old = [...CRASH.old, sight('probe', 4110), sight('probe', 4140)];
  t.is(storyOf({ ...CRASH, old })?.astrayNs, 40);
});

test('a hand-over too short for a gap is what lies between the answers at the two NICs', (t) => {
  const old = [sight('answer', 4080), sight('answer', 4165), sight('answer', 4300)];
  const story = storyOf({ ...CRASH, old, gaps: [] });
  // The old one answered on after the announcement: none of it was lost time until 4165.
  t.deepEqual(story?.stages, { notice: 0, 'take-over': 0, network: 0, answer: 5 });
  t.is(story?.outageNs, 5);
});

test('without an advert the announcement is the first sign', (t) => {
  const next = CRASH.next.filter(({ kind }) => kind !== 'advert');
  t.deepEqual(storyOf({ ...CRASH, next })?.stages, { notice: 3180, 'take-over': 0, network: 50, answer: 50 });
});

test('no probe at the new holder: it never ended; no announcement: that was no failover', (t) => {
  const announced = CRASH.next.filter(({ kind }) => kind === 'advert' || kind === 'announce');
  t.is(storyOf({ ...CRASH, next: announced }), null);
  t.throws(() => storyOf({ ...CRASH, next: [sight('announce', 500)] }), { message: /announced nothing/ });
});

test('what the witness wrote is read, half a last line left out', (t) => {
  t.deepEqual(parseSights('advert 12345678901234567 150\nprobe 5 1\nanswer 6 1\nanno'), [
    { kind: 'advert', atNs: 12345678901234567n, seq: 150 },
    { kind: 'probe', atNs: 5n, seq: 1 },
    { kind: 'answer', atNs: 6n, seq: 1 },
  ]);
});

const story = (notice: number, network: number): Story => ({
  stages: { notice, 'take-over': 2e6, network, answer: 1e6 },
  ...{ outageNs: notice + network + 3e6, arrivalNs: network, astrayNs: 0, announcedNs: 0n, lost: 0 },
});

const sample = (contender: string, told: Story | null): Sample => ({ contender, cause: 'kill', story: told });

test('a bar is the failover of the median outage, stage after stage', (t) => {
  const samples = [story(90e6, 1e6), story(10e6, 5e6), story(20e6, 4e6)].map((told) => sample('ours', told));
  const other = { ...sample('ours', story(1e6, 1e6)), cause: 'goodbye' } as const;
  const [kill, goodbye] = barsOf([...samples, other]);
  t.deepEqual(kill, {
    ...{ contender: 'ours', cause: 'kill', outageMs: 27, networkMs: 4, of: 3, never: 0 },
    segments: [
      { stage: 'notice', startMs: 0, endMs: 20 },
      { stage: 'take-over', startMs: 20, endMs: 22 },
      { stage: 'network', startMs: 22, endMs: 26 },
      { stage: 'answer', startMs: 26, endMs: 27 },
    ],
  });
  t.deepEqual([goodbye?.cause, goodbye?.outageMs, goodbye?.of], ['goodbye', 5, 1]);
});

test('those that never ended are the longest: a bar of mostly such has no end', (t) => {
  const ended = sample('bridge', story(1e6, 1e6));
  const never = sample('bridge', null);
  t.like(barsOf([ended, never, never])[0], {
    outageMs: null,
    networkMs: null,
    segments: [],
    of: 3,
    never: 2,
  });
  const long = sample('bridge', story(96e6, 1e6));
  t.like(barsOf([never, long, ended])[0], { outageMs: 100, of: 3, never: 1 });
});
