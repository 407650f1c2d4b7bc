// SPDX-License-Identifier: BSD-2-Clause
// Frames out of a capture file, and into one: the classic pcap format, in either byte order, with micro- or nanoseconds
// (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-03.html). Pure.
import { HavipError } from '../errors.js';

export interface Captured {
  /** Since 1970. */
  readonly wallNs: bigint;
  /** As much of the frame as was captured. */
  readonly frame: Buffer;
  /** Bytes that it had on the wire. */
  readonly wireBytes: number;
}

const HEADER_BYTES = 24;
const RECORD_BYTES = 16;
const ETHERNET = 1;
const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
const PCAPNG = 0x0a0d0d0a;

/** Errors: FAILED for a file that is no pcap of Ethernet frames, or that ends in the middle of one. */
export function* readPcap(file: Buffer, name: string): Generator<Captured> {
  const { read32, unitNs } = formatOf(file, name);
  const link = read32(20) & 0xffff;
  if (link !== ETHERNET)
    throw new HavipError('FAILED', `${name} holds no Ethernet frames (link type ${link})`);
  for (let at = HEADER_BYTES; at < file.length;) {
    const captured = at + RECORD_BYTES <= file.length ? read32(at + 8) : Infinity;
    const end = at + RECORD_BYTES + captured;
    if (end > file.length)
      throw new HavipError('FAILED', `${name} ends in the middle of a frame, at byte ${at}`);
    const wallNs = BigInt(read32(at)) * 1_000_000_000n + BigInt(read32(at + 4)) * unitNs;
    yield { wallNs, frame: file.subarray(at + RECORD_BYTES, end), wireBytes: read32(at + 12) };
    at = end;
  }
}

/** Ethernet frames as a capture, all of one moment. */
export function pcapOf(frames: readonly Buffer[]): Buffer {
  const words = (...values: number[]): Buffer => {
    const out = Buffer.alloc(4 * values.length);
    values.forEach((value, at) => out.writeUInt32LE(value, 4 * at));
    return out;
  };
  const records = frames.map((frame) => Buffer.concat([words(0, 0, frame.length, frame.length), frame]));
  return Buffer.concat([words(MICROSECONDS, 0x00040002, 0, 0, 65_535, ETHERNET), ...records]);
}

function formatOf(file: Buffer, name: string): { read32: (at: number) => number; unitNs: bigint } {
  if (file.length < HEADER_BYTES)
    throw new HavipError('FAILED', `${name} is no capture: it has ${file.length} bytes`);
  if (file.readUInt32BE(0) === PCAPNG) {
    throw new HavipError('FAILED', `${name} is in the pcapng format`, {
      cure: `tcpdump -r ${name} -w converted.pcap   (or: editcap -F pcap)`,
    });
  }
  for (const read32 of [(at: number) => file.readUInt32LE(at), (at: number) => file.readUInt32BE(at)]) {
    const magic = read32(0);
    if (magic === MICROSECONDS) return { read32, unitNs: 1000n };
    if (magic === NANOSECONDS) return { read32, unitNs: 1n };
  }
  throw new HavipError('FAILED', `${name} is no capture in the pcap format`);
}
