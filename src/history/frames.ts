// SPDX-License-Identifier: BSD-2-Clause
// The framing of a segment: length as a varint, checksum, body. Pure. Whatever the bytes are, a scan finds the whole
// records up to the first that is not, and never throws.
import { crc32 } from 'node:zlib';

/** Far above any event or dossier (about 100 and 700 bytes): a longer length is garbage. */
export const MAX_RECORD_BYTES = 64 * 1024;
/** Tag of Record.checksum (field 1, fixed32), then its four bytes. */
const CHECKSUM_TAG = 0x0d;
const CHECKSUM_BYTES = 5;
/** A varint of MAX_RECORD_BYTES takes three. */
const MAX_LENGTH_BYTES = 3;

/** @param body A Record without its checksum. Errors: RangeError for one that no reader would take. */
export function frame(body: Uint8Array): Buffer {
  const length = CHECKSUM_BYTES + body.length;
  if (body.length === 0 || length > MAX_RECORD_BYTES) throw new RangeError(`a record of ${length} bytes`);
  const head = varint(length);
  const bytes = Buffer.allocUnsafe(head.length + length);
  bytes.set(head);
  bytes.writeUInt8(CHECKSUM_TAG, head.length);
  bytes.writeUInt32LE(crc32(body), head.length + 1);
  bytes.set(body, head.length + CHECKSUM_BYTES);
  return bytes;
}

/** The whole records of a segment, oldest first. */
export interface Scan {
  /** Offsets of their bodies. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** Where the last whole one ends. Less than the file's length: the rest was cut or garbled. */
  readonly wholeBytes: number;
}

export function scan(bytes: Buffer): Scan {
  const [starts, ends]: [number[], number[]] = [[], []];
  let at = 0;
  for (let found = next(bytes, at); found; found = next(bytes, at)) {
    starts.push(found.start);
    ends.push(found.end);
    at = found.end;
  }
  return { starts, ends, wholeBytes: at };
}

/** The body of the record that begins at `at`; null: none that is whole does. */
function next(bytes: Buffer, at: number): { start: number; end: number } | null {
  const length = readLength(bytes, at);
  if (!length || length.value <= CHECKSUM_BYTES || length.value > MAX_RECORD_BYTES) return null;
  const start = length.end + CHECKSUM_BYTES;
  const end = length.end + length.value;
  if (end > bytes.length || bytes[length.end] !== CHECKSUM_TAG) return null;
  if (bytes.readUInt32LE(length.end + 1) !== crc32(bytes.subarray(start, end))) return null;
  return { start, end };
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function readLength(bytes: Buffer, at: number): { value: number; end: number } | null {
  let value = 0;
  for (let index = 0; index < MAX_LENGTH_BYTES; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) return null;
    value |= (byte & 0x7f) << (7 * index);
    if (byte < 0x80) return { value, end: at + index + 1 };
  }
  return null;
}
