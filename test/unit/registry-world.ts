// SPDX-License-Identifier: BSD-2-Clause
// A registry with one HAVIP, a clock in milliseconds, and its answers in short text, for the registry's tests.
import test from 'ava';
import { Registry, type Change } from '../../src/holders/registry.js';
import { UNHELD, type Binding, type Holder } from '../../src/holders/rules.js';

export const MS = 1_000_000n;
export const UPLINK = 9;
export const V = 1;
export const DAMPING = { moves: 2, windowMs: 100 };

/** 'a' is at port 1, 'b' at 2, 'c' at 3; 'x' and 'y' are two stations behind the uplink; 'A' is port 1's other MAC. */
const PORTS: Readonly<Record<string, number>> = { a: 1, A: 1, b: 2, c: 3, x: UPLINK, y: UPLINK };
export type Party = 'a' | 'A' | 'b' | 'c' | 'x' | 'y';
export const holder = (party: Party): Holder => ({ port: PORTS[party] ?? 0, mac: `mac ${party}` });
export const slotOf = (party: Party): number => PORTS[party] ?? 0;

export class RegistryWorld {
  readonly registry = new Registry({ isUplink: (slot) => slot === UPLINK }, (kind) => `kind-${kind}`);

  constructor(binding: Binding = UNHELD, damping = DAMPING) {
    this.registry.define(V, damping, binding);
  }

  /** @param frameMs When the frame reached the hook. @param nowMs When the loader gets to it. */
  claim(party: Party, frameMs: number, nowMs = frameMs): string {
    const claim = { havip: V, by: holder(party), kind: 1, tsNs: BigInt(frameMs) * MS };
    return textOf(this.registry.claim(claim, BigInt(nowMs) * MS));
  }

  release(party: Party, nowMs: number): string {
    return this.registry
      .release(slotOf(party), 'port-left', BigInt(nowMs) * MS)
      .map(textOf)
      .join('; ');
  }

  due(nowMs: number): string {
    return this.registry
      .due(BigInt(nowMs) * MS)
      .map(textOf)
      .join('; ');
  }

  dueMs(): number | null {
    const dueNs = this.registry.nextDueNs();
    return dueNs === null ? null : Number(dueNs / MS);
  }

  /** 'a', or '-' for nobody. */
  held(): string {
    return nameOf(this.registry.binding(V)?.holder ?? null);
  }

  moves(): number {
    return this.registry.binding(V)?.moves ?? -1;
  }
}

/** 'move a>b', 'flap a>c (nothing written)', '' for no change. */
function textOf(change: Change | null): string {
  if (!change) return '';
  const events = change.events
    .map(({ kind, from, to }) => `${kind} ${nameOf(from)}>${nameOf(to)}`)
    .join(', ');
  const written = change.binding === null ? ' (nothing written)' : '';
  return events + written;
}

const nameOf = (who: Holder | null): string => who?.mac.replace('mac ', '') ?? '-';

type Step =
  readonly ['claim', Party, number, number?] | readonly ['release', Party, number] | readonly ['due', number];

/** Each step with what comes of it; then who holds it, and after how many moves. */
export const story = test.macro(
  (t, steps: readonly (readonly [Step, string])[], held: string, moves: number) => {
    const world = new RegistryWorld();
    for (const [step, expected] of steps) {
      const told =
        step[0] === 'claim'
          ? world.claim(step[1], step[2], step[3])
          : step[0] === 'release'
            ? world.release(step[1], step[2])
            : world.due(step[1]);
      t.is(told, expected, step.join(' '));
    }
    t.is(world.held(), held);
    t.is(world.moves(), moves);
  },
);

export const BOUND = [['claim', 'a', 1], 'bind ->a'] as const;
/** a, then a budget of two moves spent at 10 and 20: open again at 110. */
export const SPENT = [BOUND, [['claim', 'b', 10], 'move a>b'], [['claim', 'a', 20], 'move b>a']] as const;
