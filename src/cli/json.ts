// SPDX-License-Identifier: BSD-2-Clause
// JSON as scripts read it: 64-bit counters and times as exact integers, wall-clock times in RFC 3339.

/** A value that has a JSON form; a member that is undefined is left out. */
export type Json =
  null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * On one line. JSON.stringify refuses a bigint, and a number rounds beyond 2^53.
 * Shape: a bigint becomes an integer literal of all its digits.
 */
export function toJson(value: Json): string {
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isList(value)) return `[${value.map(toJson).join(',')}]`;
  const members = Object.entries(value).flatMap(([key, member]) =>
    member === undefined ? [] : `${JSON.stringify(key)}:${toJson(member)}`,
  );
  return `{${members.join(',')}}`;
}

const isList = (value: object): value is readonly Json[] => Array.isArray(value);

/** @param wallNs Since 1970. Shape: `2026-11-23T02:03:04.123456789Z`. */
export function rfc3339(wallNs: bigint): string {
  const seconds = wallNs / 1_000_000_000n;
  const fraction = (wallNs % 1_000_000_000n).toString().padStart(9, '0');
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}
