// SPDX-License-Identifier: BSD-2-Clause
// What a check says: ok, warn or fail, in words for somebody who was woken up, with a cure to paste into a shell.

/** In the order in which they are listed. */
export const AREAS = [
  'kernel',
  'privileges',
  'pins',
  'daemon',
  'configuration',
  'programs',
  'ports',
  'bridges',
  'host',
  'gateways',
  'maps',
] as const;
export type Area = (typeof AREAS)[number];

export type State = 'ok' | 'warn' | 'fail';

export interface Verdict {
  readonly check: string;
  readonly state: State;
  /** What is, and what that means for packets or failovers. */
  readonly detail: string;
  /** One line of shell; what cannot be typed on this host is a comment in it. null: nothing is wrong. */
  readonly cure: string | null;
}

export interface Finding extends Verdict {
  readonly area: Area;
}

export const ok = (check: string, detail: string): Verdict => ({ check, state: 'ok', detail, cure: null });

export const warn = (check: string, detail: string, cure: string): Verdict => ({
  check,
  state: 'warn',
  detail,
  cure,
});

export const fail = (check: string, detail: string, cure: string): Verdict => ({
  check,
  state: 'fail',
  detail,
  cure,
});

/** A few names, and how many more there are. */
export function some(names: readonly string[], most = 4): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** A word of a shell command; quoted where it has to be. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
