// SPDX-License-Identifier: BSD-2-Clause
// Numbers and times in words. Pure.

const UNITS = [
  { name: 's', ns: 1e9 },
  { name: 'ms', ns: 1e6 },
  { name: 'µs', ns: 1e3 },
] as const;

/** Three digits that count: `3.51 s`, `480 µs`, `12 ns`. */
export function duration(ns: number): string {
  const unit = UNITS.find((one) => Math.abs(ns) >= one.ns);
  if (!unit) return `${ns} ns`;
  const value = ns / unit.ns;
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${grouped(value.toFixed(digits))} ${unit.name}`;
}

/** All of it: `3,211.000800 ms`. */
export const exact = (ns: number): string => `${grouped((ns / 1e6).toFixed(6))} ms`;

/** With its sign, as a distance from something. */
export const offset = (ns: number): string =>
  ns === 0 ? '0' : `${ns > 0 ? '+' : '−'}${exact(Math.abs(ns))}`;

/** @param number Decimal digits, perhaps more than a double holds. */
export function grouped(number: string): string {
  const [whole = '', rest] = number.split('.');
  const commas = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return rest === undefined ? commas : `${commas}.${rest}`;
}

/** Packets a second. */
export function rate(perSecond: number | null): string {
  if (perSecond === null) return '…';
  return grouped(perSecond < 10 && perSecond % 1 !== 0 ? perSecond.toFixed(1) : perSecond.toFixed(0));
}

/** `12 s`, `4 min`, `2 h 05 min`, `3 d 4 h`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes < 10 ? `${minutes} min ${two(seconds % 60)} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${two(minutes % 60)} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** UTC, as the log and the command line have it: `21:03:04.125`. */
export const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 23);

/** With the date where it is not that of `nowMs`. */
export function moment(ms: number, nowMs: number): string {
  const text = new Date(ms).toISOString();
  const sameDay = text.slice(0, 10) === new Date(nowMs).toISOString().slice(0, 10);
  return sameDay ? text.slice(11, 19) : `${text.slice(5, 10)} ${text.slice(11, 19)}`;
}

/** RFC 3339 with the microseconds that a page is told. */
export function rfc3339(ms: number): string {
  const micros = String(Math.round((ms - Math.floor(ms)) * 1000) % 1000).padStart(3, '0');
  return `${new Date(Math.floor(ms)).toISOString().slice(0, 23)}${micros}Z`;
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${grouped(String(count))} ${count === 1 ? one : many}`;
