// SPDX-License-Identifier: BSD-2-Clause
// Seeded mutations of bytes, so that a failure is had again with its seed.

/** A small generator of good enough chance (mulberry32): 0 to 1. */
export function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lengths and numbers at which parsers stumble, as protobuf writes them. */
const TELLING = [
  'ffffffff0f',
  'ffffffffffffffffff01',
  '80',
  '00',
  '0b0c',
  '8080808080808080808001',
  'eda080',
].map((hex) => Buffer.from(hex, 'hex'));

/** One to three changes, most often one. @param from Bytes before it stay as they are. */
export function mutate(bytes: Buffer, chance: () => number, from = 0): Buffer {
  let mutated = bytes;
  for (let rounds = 1 + Math.floor(chance() * chance() * 3); rounds > 0; rounds--) {
    const at = from + Math.floor(chance() * (mutated.length - from + 1));
    const until = at + Math.floor(chance() * 8);
    const [head, tail] = [mutated.subarray(0, at), mutated.subarray(until)];
    switch (Math.floor(chance() * 10)) {
      case 0:
        mutated = Buffer.from(mutated);
        if (at < mutated.length) mutated[at] = (mutated[at] ?? 0) ^ (1 << Math.floor(chance() * 8));
        break;
      case 1:
        mutated = Buffer.concat([head, TELLING[Math.floor(chance() * TELLING.length)] ?? head, tail]);
        break;
      case 2:
        mutated = Buffer.concat([head, tail]);
        break;
      case 3:
        mutated = head;
        break;
      case 4:
        mutated = Buffer.concat([head, mutated.subarray(at, until), mutated.subarray(at, until), tail]);
        break;
      default:
        mutated = Buffer.concat([head, Buffer.from([Math.floor(chance() * 256)]), tail]);
    }
  }
  return mutated;
}
