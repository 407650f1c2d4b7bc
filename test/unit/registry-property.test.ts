// SPDX-License-Identifier: BSD-2-Clause
// Any storm of claims, releases and late timers: never more moves in a window than the budget, and when all is quiet
// the last claimant has it. A failure prints its seed; HAVIP_SEED runs it again.
import test from 'ava';
import fc from 'fast-check';
import { Registry, type Change } from '../../src/holders/registry.js';
import { holder, MS, slotOf, UPLINK, V, type Party } from './registry-world.js';

const seed = Number(process.env.HAVIP_SEED ?? Date.now() % 2 ** 31);
const PARTIES: readonly Party[] = ['a', 'A', 'b', 'c', 'x', 'y'];

const steps = fc.array(
  fc.record({
    afterMs: fc.nat(40),
    lateMs: fc.nat(3),
    what: fc.constantFrom('claim', 'claim', 'claim', 'claim', 'release'),
    party: fc.constantFrom(...PARTIES),
    /** Whether a timer that is due by now has run. */
    timerRan: fc.boolean(),
  }),
  { maxLength: 60 },
);
const dampings = fc.record({
  moves: fc.integer({ min: 1, max: 5 }),
  windowMs: fc.integer({ min: 1, max: 150 }),
});

interface Run {
  readonly registry: Registry;
  readonly movesNs: bigint[];
  /** Who must hold it in the end; null: nobody. */
  readonly last: Party | null;
  /** Ports that left and were not heard of since. */
  readonly gone: ReadonlySet<number>;
}

function play(
  script: typeof steps extends fc.Arbitrary<infer S> ? S : never,
  damping: { moves: number; windowMs: number },
): Run {
  const registry = new Registry({ isUplink: (slot) => slot === UPLINK }, String);
  registry.define(V, damping);
  const movesNs: bigint[] = [];
  const note = (changes: readonly (Change | null)[], nowNs: bigint): void => {
    for (const change of changes) {
      for (const { kind } of change?.events ?? []) if (kind === 'move') movesNs.push(nowNs);
    }
  };
  let nowNs = 0n;
  let last: Party | null = null;
  const gone = new Set<number>();
  for (const { afterMs, lateMs, what, party, timerRan } of script) {
    const tsNs = nowNs + BigInt(afterMs) * MS + 1n;
    nowNs = tsNs + BigInt(lateMs) * MS;
    if (timerRan) note(registry.due(nowNs), nowNs);
    if (what === 'claim') {
      note([registry.claim({ havip: V, by: holder(party), kind: 1, tsNs }, nowNs)], nowNs);
      last = party;
      gone.delete(slotOf(party));
    } else {
      note(registry.release(slotOf(party), 'port-left', nowNs), nowNs);
      gone.add(slotOf(party));
      if (last && slotOf(last) === slotOf(party)) last = null;
    }
  }
  for (let rounds = 0; registry.nextDueNs() !== null && rounds < 10; rounds++) {
    nowNs = registry.nextDueNs() ?? nowNs;
    note(registry.due(nowNs), nowNs);
  }
  return { registry, movesNs, last, gone };
}

const holds = (
  title: string,
  property: (run: Run, damping: { moves: number; windowMs: number }) => void,
): void => {
  test(title, (t) => {
    t.log(`HAVIP_SEED=${seed}`);
    const checked = fc.property(steps, dampings, (script, damping) =>
      property(play(script, damping), damping),
    );
    t.notThrows(() => fc.assert(checked, { seed, numRuns: 2000 }));
  });
};

holds('never more moves in any window than the budget', ({ movesNs }, { moves, windowMs }) => {
  const windowNs = BigInt(windowMs) * MS;
  movesNs.forEach((startNs, i) => {
    const inWindow = movesNs.slice(i).filter((atNs) => atNs < startNs + windowNs).length;
    if (inWindow > moves) throw new Error(`${inWindow} moves within ${windowMs} ms`);
  });
});

holds('when all windows have drained the last claimant holds it', ({ registry, last }) => {
  const held = registry.binding(V)?.holder ?? null;
  const wanted = last && holder(last);
  // A holder whose challenger left without ever being bound goes on holding.
  if (wanted ? held?.mac !== wanted.mac || held.port !== wanted.port : false) {
    throw new Error(`${held?.mac} holds it, not ${wanted?.mac}`);
  }
});

holds('a port that left never holds it', ({ registry, gone }) => {
  const held = registry.binding(V)?.holder;
  if (held && gone.has(held.port)) throw new Error(`port ${held.port} has left`);
});

holds('when all windows have drained nothing waits, and nothing flaps', ({ registry }) => {
  if (registry.nextDueNs() !== null || registry.isFlapping(V)) throw new Error('still waiting');
});

holds('whoever holds it is found by the port, and nobody else is', ({ registry }) => {
  const held = registry.binding(V)?.holder?.port;
  for (const party of PARTIES) {
    const indexed = registry.heldAt(slotOf(party)).includes(V);
    if (indexed !== (slotOf(party) === held)) throw new Error(`port ${slotOf(party)} against ${held}`);
  }
});

holds('every move is counted in the binding', ({ registry, movesNs }) => {
  if (registry.binding(V)?.moves !== movesNs.length) throw new Error(`${registry.binding(V)?.moves}`);
});
