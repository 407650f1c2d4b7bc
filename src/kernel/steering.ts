// SPDX-License-Identifier: BSD-2-Clause
// `steering`, by which packets find holders (bpf/table.h): programs alone write it, by command. Here is how to command
// them, and how to read it.
import { COMMAND_OP, Command, LIMITS, type Bucket, type Holder } from './layout.gen.js';
import type { Tables } from './maps.js';
import { testRun } from '../native/index.js';

const { INDEX_BITS, PLACED_AT_ONCE } = LIMITS;
const FREE = 0n;
const SPILLED = 2n ** 64n - 1n;
const INDEX_MASK = 2n ** BigInt(INDEX_BITS) - 1n;
const NOTHING = Command.decode(Buffer.alloc(Command.size));
const NOBODY: Holder = { mac: new Uint8Array(6), port: 0 };

/**
 * Packets find these HAVIPs, and go by what `bindings` says of them. Needs their rows in `havips`; those that are placed
 * already stay where they are. @param commandFd `havip_command`. @param havips Indices; ascending ones take few calls.
 * @returns when the last of them did, CLOCK_MONOTONIC; 0n: there are none.
 */
export function placeHavips(commandFd: number, havips: Iterable<number>): bigint {
  let doneNs = 0n;
  for (const [havip, count] of runsOf(havips))
    ({ doneNs } = run(commandFd, { op: COMMAND_OP.PLACE, havip, count }).record);
  return doneNs;
}

/** Packets do not find it any more. Before its rows in `bindings` and `havips` go. */
export function displaceHavip(commandFd: number, havip: number): void {
  run(commandFd, { op: COMMAND_OP.DISPLACE, havip });
}

function run(commandFd: number, order: Partial<Command>): Command {
  return Command.decode(testRun(commandFd, Command.encode({ ...NOTHING, ...order })).data);
}

/** Numbers that follow each other, no more than one command takes. */
function* runsOf(numbers: Iterable<number>): Generator<[from: number, count: number]> {
  let [from, count] = [0, 0];
  for (const number of numbers) {
    if (count > 0 && number === from + count && count < PLACED_AT_ONCE) {
      count++;
      continue;
    }
    if (count > 0) yield [from, count];
    [from, count] = [number, 1];
  }
  if (count > 0) yield [from, count];
}

/** A bucket's HAVIPs, by index, and where packets to them go. */
export const holdersIn = ({ words, holders }: Bucket): [havip: number, holder: Holder][] =>
  words.flatMap((word, at) =>
    word === FREE || word === SPILLED ? [] : [[Number(word & INDEX_MASK), holders[at] ?? NOBODY]],
  );

/** It had more than it has room for: for those, packets go on to `bindings`. */
export const hasSpilled = ({ words }: Bucket): boolean => words.includes(SPILLED);

export function* bucketsOf(steering: Tables['steering']): Generator<Bucket> {
  for (const [, bucket] of steering.entries()) yield bucket;
}
