// SPDX-License-Identifier: BSD-2-Clause
// Numbers and times as an operator reads them at a glance.
import { rfc3339 } from '../cli/json.js';

/** `7s`, `3m12s`, `4h05m`, `12d04h`. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number): string => `${value % 60}`.padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${two(seconds)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${two(minutes)}m`;
  return `${Math.floor(hours / 24)}d${`${hours % 24}`.padStart(2, '0')}h`;
}

/** `1,234,567`. */
export const countText = (value: number | bigint): string =>
  value.toString().replace(/\B(?=(\d{3})+$)/g, ',');

/** A second's worth. Below 10 with a decimal, so that a trickle is not taken for silence. `-`: not known yet. */
export function rateText(rate: number | null): string {
  if (rate === null) return '-';
  return rate > 0 && rate < 10 ? rate.toFixed(1) : countText(Math.round(rate));
}

/** `0.8 us`, `12.3 ms`, `3.210 s`. `-`: not known. */
export function durationText(ns: bigint | null): string {
  if (ns === null) return '-';
  const value = Number(ns);
  if (value < 1e6) return `${(value / 1e3).toFixed(1)} us`;
  if (value < 1e9) return `${(value / 1e6).toFixed(1)} ms`;
  return `${(value / 1e9).toFixed(3)} s`;
}

/** Time of day, UTC: `03:12:41.123`. */
export const timeText = (wallNs: bigint): string => rfc3339(wallNs).slice(11, 23);
/** `03:12:41`. */
export const clockText = (ms: number): string => new Date(ms).toISOString().slice(11, 19);
