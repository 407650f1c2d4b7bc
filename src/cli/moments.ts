// SPDX-License-Identifier: BSD-2-Clause
// What people write for a moment: `2026-11-25T03:00:00Z`, `2h` ago, `03:00` by the clock on the wall. Pure.
import { HavipError } from '../errors.js';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7, w: 6.048e8 };
const DURATION = /^(\d+(?:\.\d+)?)([smhdw])$/;
const TIME_OF_DAY = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/;
/** RFC 3339. The fraction apart: Date knows milliseconds only. */
const RFC3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * @param now For durations, and for which day a time of day is of: the last time that it was this late.
 * @returns Nanoseconds since 1970. Errors: USAGE, naming the forms.
 */
export function parseMoment(text: string, now = new Date()): bigint {
  const found = ago(text, now) ?? timeOfDay(text, now) ?? rfc3339(text);
  if (found !== null) return found;
  throw new HavipError('USAGE', `not a time: ${JSON.stringify(text)}`, {
    cure: '2h, 30m or 7d for so long ago; 03:00 for local time; or 2026-11-25T03:00:00Z, in UTC as events are printed',
  });
}

const nsOf = (ms: number): bigint => BigInt(Math.round(ms)) * 1_000_000n;

function ago(text: string, now: Date): bigint | null {
  const [, count, unit = ''] = DURATION.exec(text) ?? [];
  return count === undefined ? null : nsOf(now.getTime() - Number(count) * (UNIT_MS[unit] ?? 0));
}

function timeOfDay(text: string, now: Date): bigint | null {
  const [, hours, minutes, seconds = '0'] = TIME_OF_DAY.exec(text) ?? [];
  if (hours === undefined) return null;
  const at = new Date(now);
  at.setHours(Number(hours), Number(minutes), Number(seconds), 0);
  if (at > now) at.setDate(at.getDate() - 1);
  return nsOf(at.getTime());
}

function rfc3339(text: string): bigint | null {
  const [, date, time, fraction = '', zone] = RFC3339.exec(text) ?? [];
  const ms = Date.parse(`${date}T${time}${zone?.toUpperCase()}`);
  // Date takes the 30th of February for the 2nd of March.
  if (Number.isNaN(ms) || new Date(`${date}T00:00:00Z`).toISOString().slice(0, 10) !== date) return null;
  return nsOf(ms) + BigInt(fraction.padEnd(9, '0'));
}
