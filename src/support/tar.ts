// SPDX-License-Identifier: BSD-2-Clause
// One entry of a ustar archive (POSIX.1-1988), which every tar reads. Pure.

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
/** Like the archive: for its owner only. */
const FILE_MODE = 0o600;

/** Two empty blocks: no more entries. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);

/** @param name ASCII, at most 99 bytes. @param seconds Since 1970. */
export function tarEntry(name: string, content: Buffer, seconds: number): Buffer {
  if (Buffer.byteLength(name) >= NAME_BYTES) throw new RangeError(`too long for a ustar name: ${name}`);
  const padding = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES);
  return Buffer.concat([header(name, content.length, seconds), content, padding]);
}

function header(name: string, sizeBytes: number, seconds: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(name, 0);
  block.write(octal(FILE_MODE, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(sizeBytes, 12), 124);
  block.write(octal(seconds, 12), 136);
  // The checksum is taken with its own field blank.
  block.write(' '.repeat(8), 148);
  block.write('0', 156);
  block.write('ustar\x0000', 257);
  block.write('root', 265);
  block.write('root', 297);
  const sum = block.reduce((total, byte) => total + byte, 0);
  // Six digits, a zero byte, and the blank that is there.
  block.write(octal(sum, 7), 148);
  return block;
}

/** Digits, then a zero byte: `bytes` in all. */
const octal = (value: number, bytes: number): string => `${value.toString(8).padStart(bytes - 1, '0')}\0`;
