// SPDX-License-Identifier: BSD-2-Clause
// State and size -> the lines of the screen. Pure: every frame has exactly as many lines as the screen, and none is
// wider than it.
import type { HavipState } from '../api/types.js';
import { detailsLines } from './details-view.js';
import { HELP } from './help.js';
import { layoutOf } from './layout.js';
import { eventLines, portLines } from './panes.js';
import type { WatchState } from './state.js';
import { emptyText, tableLines } from './table-view.js';
import { clean, fit, lineWidth, spread, type Line, type Span } from './text.js';
import { ageText, clockText, countText } from './words.js';

/** A look that is this much older than its rhythm is no longer the present: the daemon hangs, or is gone. */
const STALE_MS = 3_000;

/** @param nowMs Since 1970. */
export function frame(state: WatchState, nowMs: number): Line[] {
  const { columns, rows } = state.size;
  // A frozen picture does not age.
  const body = bodyLines(state, state.frozenMs ?? nowMs);
  const lines = [titleLine(state, nowMs), noticeLine(state, nowMs), ...body].slice(0, rows - 1);
  while (lines.length < rows - 1) lines.push([]);
  const whole = [...lines, footerLine(state)].map((line) => fit(line, columns));
  return isStale(state, nowMs) ? greyed(whole) : whole;
}

/** What was true once must not look as if it were: all but the notice loses its colour. */
const greyed = (lines: readonly Line[]): Line[] =>
  lines.map((line, at) => (at === NOTICE ? line : line.map(({ text }): Span => ({ text, style: 'grey' }))));
const NOTICE = 1;

function isStale({ gone, look, details, mode }: WatchState, nowMs: number): boolean {
  if (gone) return true;
  if (mode === 'details') return details !== null && nowMs - details.atMs > 2 * STALE_MS;
  return look !== null && nowMs - look.atMs > look.everyMs + STALE_MS;
}

function bodyLines(state: WatchState, nowMs: number): Line[] {
  const { size, mode, details } = state;
  const room = size.rows - 3;
  if (mode === 'help') return scrolled(HELP, state.scroll, room);
  if (mode === 'details' && details)
    return scrolled(detailsLines(details, state.events, size.columns, nowMs), state.scroll, room);
  return listLines(state, nowMs);
}

/** Never past the end. */
function scrolled(lines: readonly Line[], from: number, room: number): Line[] {
  const start = Math.max(0, Math.min(from, lines.length - room));
  return lines.slice(start, start + room);
}

function listLines(state: WatchState, nowMs: number): Line[] {
  const { size, shown, look, events } = state;
  const { table, ports, events: eventRows, titled } = layoutOf(size, shown.length);
  const rows = tableLines(state, table, nowMs);
  if (shown.length === 0) rows[1] = [{ text: `  ${emptyText(state)}`, style: 'grey' }];
  const title = (name: string): Line[] => (titled ? [ruleLine(name, size.columns)] : []);
  return [
    ...rows,
    ...title('ports'),
    ...padded(portLines(look?.daemon ?? null, size.columns, ports), ports),
    ...title('events'),
    ...padded(eventLines(events, size.columns, eventRows), eventRows),
  ];
}

const padded = (lines: readonly Line[], height: number): Line[] =>
  Array.from({ length: height }, (_, at) => lines[at] ?? []);

const ruleLine = (name: string, columns: number): Line => [
  { text: `-- ${name} ${'-'.repeat(Math.max(0, columns - name.length - 4))}`, style: 'grey' },
];

/** What does not fit leaves from the end; the time of day does not leave. */
function titleLine({ look, size }: WatchState, nowMs: number): Line {
  const clock = { text: `${clockText(nowMs)} UTC` };
  const parts: Span[] = [{ text: 'havip', style: 'bold' }];
  if (look) {
    const { pid, version, startedWallNs } = look.daemon;
    const up = ageText(nowMs - Number(startedWallNs / 1_000_000n));
    for (const text of [` ${clean(version)}`, `  pid ${pid}`, `  up ${up}`]) parts.push({ text });
  }
  while (parts.length > 1 && lineWidth([...parts, clock]) >= size.columns) parts.pop();
  return spread(parts, [clock], size.columns);
}

/** The worst that is to be said comes first, since narrow screens cut the rest. */
function noticeLine(state: WatchState, nowMs: number): Line {
  const { gone, look, filter, order, mode, frozenMs } = state;
  const parts: Span[] = [];
  const seenMs = (mode === 'details' ? state.details?.atMs : look?.atMs) ?? nowMs;
  if (gone) parts.push({ text: goneText(gone.sinceMs, seenMs, nowMs), style: 'red' });
  else if (frozenMs !== null)
    parts.push({ text: `FROZEN ${ageText(nowMs - frozenMs)}, space goes on`, style: 'yellow' });
  else if (isStale(state, nowMs))
    parts.push({ text: `NO ANSWER: this is ${ageText(nowMs - seenMs)} old`, style: 'red' });
  if (look?.daemon.config?.stale) parts.push({ text: 'CONFIGURATION STALE: havip status', style: 'red' });
  if (look) parts.push(...stateSpans(look.states));
  if (mode === 'list' || mode === 'filter') {
    if (filter) parts.push({ text: `"${clean(filter)}": ${countText(look?.matching ?? 0)}` });
    parts.push({ text: `by ${order.sort}${order.reversed ? ' reversed' : ''}`, style: 'grey' });
    if (look && look.everyMs > 2_000) parts.push({ text: `every ${ageText(look.everyMs)}`, style: 'grey' });
    if (look && look.rows.length < look.matching)
      parts.push({ text: `the first ${countText(look.rows.length)}`, style: 'grey' });
  }
  return parts.flatMap((part, at) => (at ? [{ text: '  ' }, part] : [part]));
}

function goneText(sinceMs: number, seenMs: number, nowMs: number): string {
  return `DAEMON GONE ${ageText(nowMs - sinceMs)}, this is ${ageText(nowMs - seenMs)} old; asking again`;
}

const STATES: readonly HavipState[] = ['split-brain', 'flapping', 'unheld', 'held'];

function stateSpans(states: Readonly<Record<HavipState, number>>): Span[] {
  return STATES.filter((state) => states[state] > 0 || state === 'held').map((state) => {
    const text = `${countText(states[state])} ${state}`;
    if (state === 'held') return { text };
    return { text, style: state === 'unheld' ? 'yellow' : 'red' };
  });
}

/** Where the filter is typed, or which keys there are. */
function footerLine({ mode, filter }: WatchState): Line {
  if (mode === 'filter')
    return [
      { text: `/${clean(filter)}` },
      { text: ' ', style: 'reverse' },
      { text: '  Enter keeps, Esc drops', style: 'grey' },
    ];
  const keys =
    mode === 'list'
      ? 'q quit  ? help  / filter  s sort  r reverse  space freeze  Enter details'
      : 'q quit  Esc back  up/down scroll  space freeze';
  return [{ text: keys, style: 'grey' }];
}
