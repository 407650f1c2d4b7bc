// SPDX-License-Identifier: BSD-2-Clause
// Failovers -> bars of stages: one bar for each contender, cause and advert interval. Pure; failover-pictures.ts draws
// them.
import { STAGES, type Cause, type StageName, type Story } from './failover-story.js';

/** One failover, as far as a picture needs it. */
export interface Sample {
  readonly contender: string;
  readonly cause: Cause;
  /** null: never, within `limitMs`. */
  readonly story: Story | null;
}

export interface Segment {
  readonly stage: StageName;
  /** From the sender's last answer by the old holder on. */
  readonly startMs: number;
  readonly endMs: number;
}

/** The failover of the median outage: one that took place, so its stages add up. */
export interface Bar {
  readonly contender: string;
  readonly cause: Cause;
  /** null: most of them never ended. */
  readonly outageMs: number | null;
  readonly networkMs: number | null;
  readonly segments: readonly Segment[];
  readonly of: number;
  readonly never: number;
}

/** In the order in which contenders and causes first come. */
export function barsOf(samples: readonly Sample[]): Bar[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = `${sample.contender}\n${sample.cause}`;
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  return [...groups.values()].map(barOf);
}

function barOf(samples: readonly Sample[]): Bar {
  const [first] = samples;
  if (!first) throw new Error('no bar without a failover');
  const { contender, cause } = first;
  const sorted = samples.map(({ story }) => story).toSorted((a, b) => lengthOf(a) - lengthOf(b));
  const story = sorted[(sorted.length - 1) >> 1] ?? null;
  return {
    ...{ contender, cause },
    outageMs: story && story.outageNs / 1e6,
    networkMs: story && story.stages.network / 1e6,
    segments: story ? segmentsOf(story) : [],
    of: samples.length,
    never: samples.filter((one) => one.story === null).length,
  };
}

const lengthOf = (story: Story | null): number => story?.outageNs ?? Infinity;

function segmentsOf({ stages }: Story): Segment[] {
  let atNs = 0;
  return STAGES.map((stage) => {
    const startNs = atNs;
    atNs += stages[stage];
    return { stage, startMs: startNs / 1e6, endMs: atNs / 1e6 };
  });
}
