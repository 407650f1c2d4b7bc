// SPDX-License-Identifier: BSD-2-Clause
// Our errors as gRPC's, and back: the list that the .proto file documents. What to do about one travels beside it.
import { Metadata, status } from '@grpc/grpc-js';
import { HavipError, type ErrorCode } from '../errors.js';
import { printable } from '../config/problem.js';

export const STATUS_BY_CODE: Readonly<Record<ErrorCode, status>> = {
  FAILED: status.INTERNAL,
  USAGE: status.INVALID_ARGUMENT,
  PERMISSION: status.PERMISSION_DENIED,
  NOT_RUNNING: status.UNAVAILABLE,
  NOT_FOUND: status.NOT_FOUND,
  EXISTS: status.ALREADY_EXISTS,
  FROM_FILE: status.FAILED_PRECONDITION,
  EXHAUSTED: status.RESOURCE_EXHAUSTED,
  TIMEOUT: status.DEADLINE_EXCEEDED,
};

const CODE_BY_STATUS = new Map(
  Object.entries(STATUS_BY_CODE).map(([code, status]) => [status, code as ErrorCode]),
);

/** FAILED for what only gRPC itself says (UNIMPLEMENTED, ...), and for no status at all. */
export const codeOf = (status: status | undefined): ErrorCode =>
  (status === undefined ? undefined : CODE_BY_STATUS.get(status)) ?? 'FAILED';

const CURE = 'havip-cure-bin';
/** Trailers have 64 KiB, and `grpc-message` writes up to nine bytes for a character. */
const MAX_DETAILS = 4096;

export interface WireError {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** Whatever was thrown. What a guest or a client chose is in it with its control characters escaped. */
export function toStatus(thrown: unknown): WireError {
  const { code, message, cure } = HavipError.from(thrown);
  const metadata = new Metadata();
  if (cure !== undefined) metadata.set(CURE, Buffer.from(clean(cure)));
  return { code: STATUS_BY_CODE[code], details: clean(message), metadata };
}

export function cureOf(metadata: Metadata | undefined): string | undefined {
  const [cure] = metadata?.get(CURE) ?? [];
  return cure?.toString();
}

/** Lines stay lines; half a character, at which `encodeURI` would throw, is escaped with the rest. */
function clean(text: string): string {
  const cut = text.length > MAX_DETAILS ? `${text.slice(0, MAX_DETAILS)}...` : text;
  return cut.split('\n').map(printable).join('\n');
}
