// SPDX-License-Identifier: BSD-2-Clause
// Questions to the subnet, "who has V?": for a HAVIP that nobody is known to hold, and, after an alarm, whether its
// holder is still there (`heal: verify`). When to ask, and what the answers mean. Pure: asks nobody itself.
import type { Holder } from './rules.js';

const MS = 1_000_000n;
/** A holder that announced before we came is found by the first, or by the next where that was lost. */
const SEARCH_AT_MS = [0n, 300n, 600n];
const VERIFY_AT_MS = [0n, 1000n, 2000n];
/** How long an answer may take after the last question. */
const LAST_WORD_MS = 1000n;

interface Inquiry {
  readonly purpose: 'search' | 'verify';
  readonly startedNs: bigint;
  asked: number;
  /** Who answered each question. */
  readonly answers: Holder[][];
  holderAnswered: boolean;
  found: boolean;
}

/** HAVIPs that are searched for together: a hundred thousand at a start cost one number each. */
interface Wave {
  readonly startedNs: bigint;
  readonly havips: Set<number>;
  asked: number;
}

/** What to do now. */
export interface InquiriesDue {
  readonly search: readonly number[];
  readonly verify: readonly number[];
  /** Exactly one member that is not the holder answered, every time, and the holder never did. */
  readonly heal: readonly { readonly havip: number; readonly to: Holder }[];
}

export class Inquiries {
  /** Verifications, and searches that have found somebody. */
  private readonly open = new Map<number, Inquiry>();
  private readonly waves = new Set<Wave>();

  search(havips: Iterable<number>, nowNs: bigint): void {
    const wave: Wave = { startedNs: nowNs, havips: new Set(), asked: 0 };
    for (const havip of havips) if (!this.open.has(havip) && !this.waveOf(havip)) wave.havips.add(havip);
    if (wave.havips.size) this.waves.add(wave);
  }

  /** A verification takes the place of a search; one that is under way goes on. @param atNs When the first question is due. */
  verify(havip: number, atNs: bigint): void {
    if (this.open.get(havip)?.purpose !== 'verify') this.begin(havip, 'verify', atNs);
  }

  end(havip: number): void {
    this.leaveWave(havip);
    this.open.delete(havip);
  }

  /** Somebody holds it now: there is nothing more to search for, but others may still answer what was asked. */
  found(havip: number): void {
    const wave = this.leaveWave(havip);
    if (!wave) return;
    const { startedNs, asked } = wave;
    if (asked) this.open.set(havip, { ...inquiryOf('search', startedNs), asked, found: true });
  }

  /** Another has announced: whoever answered before answered for something else. */
  moved(havip: number, nowNs: bigint): void {
    if (this.open.get(havip)?.purpose === 'verify') this.begin(havip, 'verify', nowNs);
  }

  /** Whether the last question that came due is still to be put. */
  isOpen(havip: number): boolean {
    return this.open.get(havip)?.found === false || this.waveOf(havip) !== undefined;
  }

  /** When the question was asked that an answer now is for; 0n: none is open. */
  askedNs(havip: number): bigint {
    const inquiry = this.open.get(havip) ?? this.waveOf(havip);
    if (!inquiry?.asked) return 0n;
    return inquiry.startedNs + (timesOf(inquiry)[inquiry.asked - 1] ?? 0n) * MS;
  }

  answered(havip: number, by: Holder, isHolder: boolean): void {
    const inquiry = this.open.get(havip);
    if (!inquiry || inquiry.asked === 0) return;
    if (isHolder) inquiry.holderAnswered = true;
    const answers = (inquiry.answers[inquiry.asked - 1] ??= []);
    if (!answers.some((one) => isSame(one, by))) answers.push(by);
  }

  due(nowNs: bigint): InquiriesDue {
    const search: number[] = [];
    const verify: number[] = [];
    const heal: { havip: number; to: Holder }[] = [];
    for (const wave of this.waves) {
      if (dueNs(wave) > nowNs) continue;
      if (wave.asked++ < SEARCH_AT_MS.length) for (const havip of wave.havips) search.push(havip);
      else this.waves.delete(wave);
    }
    for (const [havip, inquiry] of this.open) {
      if (dueNs(inquiry) > nowNs) continue;
      if (!inquiry.found && inquiry.asked < timesOf(inquiry).length) {
        inquiry.asked++;
        verify.push(havip);
        continue;
      }
      this.open.delete(havip);
      const to = inquiry.purpose === 'verify' ? soleAnswerer(inquiry) : null;
      if (to) heal.push({ havip, to });
    }
    return { search, verify, heal };
  }

  nextDueNs(): bigint | null {
    let next: bigint | null = null;
    for (const inquiry of [...this.waves, ...this.open.values()]) {
      const at = dueNs(inquiry);
      if (next === null || at < next) next = at;
    }
    return next;
  }

  private begin(havip: number, purpose: Inquiry['purpose'], nowNs: bigint): void {
    this.leaveWave(havip);
    this.open.set(havip, inquiryOf(purpose, nowNs));
  }

  private leaveWave(havip: number): Wave | undefined {
    const wave = this.waveOf(havip);
    wave?.havips.delete(havip);
    if (wave?.havips.size === 0) this.waves.delete(wave);
    return wave;
  }

  private waveOf(havip: number): Wave | undefined {
    for (const wave of this.waves) if (wave.havips.has(havip)) return wave;
    return undefined;
  }
}

const inquiryOf = (purpose: Inquiry['purpose'], startedNs: bigint): Inquiry => ({
  purpose,
  startedNs,
  asked: 0,
  answers: [],
  holderAnswered: false,
  found: false,
});

const timesOf = (inquiry: Inquiry | Wave): readonly bigint[] =>
  'purpose' in inquiry && inquiry.purpose === 'verify' ? VERIFY_AT_MS : SEARCH_AT_MS;

function dueNs(inquiry: Inquiry | Wave): bigint {
  const times = timesOf(inquiry);
  const last = (times[inquiry.asked - 1] ?? 0n) + LAST_WORD_MS;
  const isFound = 'found' in inquiry && inquiry.found;
  const next = isFound ? last : (times[inquiry.asked] ?? last);
  return inquiry.startedNs + next * MS;
}

/** null: the holder answered, nobody did, or not the same one every time. */
function soleAnswerer({ answers, holderAnswered }: Inquiry): Holder | null {
  const first = answers[0]?.[0];
  if (holderAnswered || !first || answers.length < VERIFY_AT_MS.length) return null;
  const alone = (one: readonly Holder[] | undefined): boolean =>
    one?.length === 1 && isSame(one[0] as Holder, first);
  return VERIFY_AT_MS.every((_, at) => alone(answers[at])) ? first : null;
}

const isSame = (a: Holder, b: Holder): boolean => a.port === b.port && a.mac === b.mac;
