// SPDX-License-Identifier: BSD-2-Clause
// Netlink's wire format, pure: messages, attributes, generic headers, errors, and the course of a dump.
// Sockets are the addon's; what a message means is in links.ts and netdev.ts. Host byte order, which is little endian.

import { getSystemErrorName } from 'node:util';
import { HavipError } from '../errors.js';

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
/** On any message of a dump: things changed while it ran, so it may be inconsistent; dump again. */
export const NLM_F_DUMP_INTR = 0x10;
/** NLM_F_ROOT | NLM_F_MATCH. */
export const NLM_F_DUMP = 0x300;

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
const GENERIC_HEADER_BYTES = 4;
/** NLA_F_NESTED and NLA_F_NET_BYTEORDER sit in the two top bits of an attribute's type. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;

/** One struct nlmsghdr and what follows. sequence: 0 on notifications, else that of the request. */
export interface NetlinkMessage {
  type: number;
  flags: number;
  sequence: number;
  portId: number;
  payload: Buffer;
}

/** Attributes by type; of a type that occurs twice the last one. The buffers share memory with the datagram. */
export type Attributes = ReadonlyMap<number, Buffer>;

/** struct genlmsghdr and its attributes. */
export interface GenericMessage {
  command: number;
  version: number;
  attributes: Attributes;
}

/** Messages and attributes start at multiples of 4. */
export function align4(length: number): number {
  return (length + 3) & ~3;
}

/**
 * The messages of one datagram, in order. A header that is cut off, shorter than itself or longer than the datagram
 * ends the walk: what came before is returned, the rest is skipped.
 */
export function parseMessages(datagram: Buffer): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= datagram.length) {
    const length = datagram.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > datagram.length) break;
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      portId: datagram.readUInt32LE(at + 12),
      payload: datagram.subarray(at + HEADER_BYTES, at + length),
    });
    at += align4(length);
  }
  return messages;
}

/** One message, padded. portId is left 0: the kernel is the receiver and fills in ours on answers. */
export function buildMessage(type: number, flags: number, sequence: number, payload: Buffer): Buffer {
  const length = HEADER_BYTES + payload.length;
  const message = Buffer.alloc(align4(length));
  message.writeUInt32LE(length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.writeUInt32LE(sequence, 8);
  payload.copy(message, HEADER_BYTES);
  return message;
}

/** Attributes in order, flag bits removed from the types. A malformed one ends the list, as with messages. */
export function listAttributes(bytes: Buffer): { type: number; payload: Buffer }[] {
  const list: { type: number; payload: Buffer }[] = [];
  let at = 0;
  while (at + ATTRIBUTE_HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > bytes.length) break;
    const type = bytes.readUInt16LE(at + 2) & ATTRIBUTE_TYPE_MASK;
    list.push({ type, payload: bytes.subarray(at + ATTRIBUTE_HEADER_BYTES, at + length) });
    at += align4(length);
  }
  return list;
}

/** Attributes by type; a nested one's payload is parsed by calling this again. */
export function parseAttributes(bytes: Buffer): Attributes {
  return new Map(listAttributes(bytes).map(({ type, payload }) => [type, payload]));
}

/** One attribute, padded. Nested: the payload is built attributes, joined. */
export function buildAttribute(type: number, payload: Buffer): Buffer {
  const length = ATTRIBUTE_HEADER_BYTES + payload.length;
  const attribute = Buffer.alloc(align4(length));
  attribute.writeUInt16LE(length, 0);
  attribute.writeUInt16LE(type, 2);
  payload.copy(attribute, ATTRIBUTE_HEADER_BYTES);
  return attribute;
}

export function buildU32(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(value);
  return buildAttribute(type, payload);
}

/** A string attribute, zero-terminated. */
export function buildString(type: number, text: string): Buffer {
  return buildAttribute(type, Buffer.from(`${text}\0`));
}

/** undefined where the attribute is missing or shorter than the number. */
export function attributeU16(attributes: Attributes, type: number): number | undefined {
  const payload = attributes.get(type);
  return payload === undefined || payload.length < 2 ? undefined : payload.readUInt16LE();
}

export function attributeU32(attributes: Attributes, type: number): number | undefined {
  const payload = attributes.get(type);
  return payload === undefined || payload.length < 4 ? undefined : payload.readUInt32LE();
}

/** netlink sends 64-bit numbers as 8 bytes, newer "uint" attributes also as 4. */
export function attributeU64(attributes: Attributes, type: number): bigint | undefined {
  const payload = attributes.get(type);
  if (payload === undefined || payload.length < 4) return undefined;
  return payload.length < 8 ? BigInt(payload.readUInt32LE()) : payload.readBigUInt64LE();
}

/** Up to the terminating zero, or the whole payload without one. */
export function attributeString(attributes: Attributes, type: number): string | undefined {
  const payload = attributes.get(type);
  if (payload === undefined) return undefined;
  const end = payload.indexOf(0);
  return payload.toString('utf8', 0, end < 0 ? payload.length : end);
}

/** undefined where the payload is shorter than a struct genlmsghdr. */
export function parseGeneric(payload: Buffer): GenericMessage | undefined {
  if (payload.length < GENERIC_HEADER_BYTES) return undefined;
  return {
    command: payload.readUInt8(0),
    version: payload.readUInt8(1),
    attributes: parseAttributes(payload.subarray(GENERIC_HEADER_BYTES)),
  };
}

/** A generic netlink payload: struct genlmsghdr and attributes. */
export function buildGeneric(command: number, version: number, attributes: readonly Buffer[] = []): Buffer {
  return Buffer.concat([Buffer.from([command, version, 0, 0]), ...attributes]);
}

/**
 * What an NLMSG_ERROR or NLMSG_DONE says. Shape: errno as a positive number; 0: an acknowledgement, or a payload
 * too short to say anything.
 */
export function messageErrno(message: NetlinkMessage): number {
  return message.payload.length < 4 ? 0 : Math.max(0, -message.payload.readInt32LE());
}

/** An error answer of the kernel as one of ours; the cause has code, errno and syscall like the addon's errors. */
export function netlinkError(errno: number, request: string): HavipError {
  const code = getSystemErrorName(-errno);
  const message = `netlink ${request}: ${code}`;
  return HavipError.from(Object.assign(new Error(message), { code, errno, syscall: 'netlink' }));
}

/** How long a refused dump is left alone. What is known is stale until then. */
const RETRY_MS = 1000;

/**
 * The course of dumps on one socket, one at a time: the kernel answers EBUSY to a second one. A restart wanted while
 * one runs, or an interrupted dump, leads to another; `done` is called only after one that nothing disturbed.
 */
export class DumpCycle {
  private sequence = 0;
  private running = false;
  private again = false;
  private waiting: { resolve(): void; reject(error: Error): void } | undefined;
  private retry: NodeJS.Timeout | undefined;

  constructor(
    private readonly hooks: {
      /** For messages of errors: 'RTM_GETLINK'. */
      request: string;
      /** Send the request; a dump begins. */
      send(sequence: number): void;
      /** The dump is complete and consistent. */
      done(): void;
      /** A dump after the first one was refused; it is tried again after a second. */
      failed(error: HavipError): void;
    },
  ) {}

  /** Settles with the first dump: resolved after `done`, rejected by its failure or by stop(). Call before restart(). */
  first(): Promise<void> {
    return new Promise((resolve, reject) => (this.waiting = { resolve, reject }));
  }

  /** Starts a dump now, or another one as soon as the present one has ended. */
  restart(): void {
    clearTimeout(this.retry);
    this.again = this.running;
    if (this.running) return;
    this.running = true;
    this.sequence = (this.sequence + 1) >>> 0 || 1;
    try {
      this.hooks.send(this.sequence);
    } catch (error) {
      this.running = false;
      this.fail(HavipError.from(error));
    }
  }

  /** Shows a message to the cycle. False: it carries data, of a dump or a notification; true: nothing more to read. */
  take(message: NetlinkMessage): boolean {
    if (!this.running || message.sequence !== this.sequence) return isControl(message);
    if ((message.flags & NLM_F_DUMP_INTR) !== 0) this.again = true;
    if (!isControl(message)) return false;
    if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) this.finish(messageErrno(message));
    return true;
  }

  /** Ends it all; a first() that waits is rejected with error, or resolved without one. Harmless twice. */
  stop(error?: HavipError): void {
    clearTimeout(this.retry);
    this.running = false;
    this.settle(error);
  }

  /** Whatever keeps the answers from coming, told to whom it concerns. */
  fail(error: HavipError): void {
    if (this.waiting !== undefined) {
      this.settle(error);
      return;
    }
    this.retry = setTimeout(() => this.restart(), RETRY_MS).unref();
    this.hooks.failed(error);
  }

  private finish(errno: number): void {
    this.running = false;
    if (this.again) {
      this.restart();
    } else if (errno !== 0) {
      this.fail(netlinkError(errno, this.hooks.request));
    } else {
      this.hooks.done();
      this.settle(undefined);
    }
  }

  private settle(error: HavipError | undefined): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(error);
  }
}

function isControl(message: NetlinkMessage): boolean {
  return message.type <= NLMSG_OVERRUN;
}
