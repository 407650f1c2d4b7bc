// SPDX-License-Identifier: BSD-2-Clause
// What a key and what the daemon's news do to the state. Pure.
import { layoutOf } from './layout.js';
import { parseFilter, rowKey, select, SORTS, type Order, type Row } from './rows.js';
import type { News, Size, WatchState } from './state.js';

/** A key by name (`up`, `enter`, `q`, `?`, ...), and the text that it types; '' for none. */
export interface Key {
  readonly name: string;
  readonly text: string;
}

/** Events that are kept: a tall screen's worth, and what one HAVIP's details may want of them. */
const KEPT_EVENTS = 500;
/** News that is held while frozen; the daemon is not asked meanwhile, so only events come. */
const HELD_NEWS = 500;
const LONGEST_FILTER = 200;

export function resized(state: WatchState, size: Size): WatchState {
  return settled({ ...state, size });
}

/** What comes in while the screen is frozen waits. That the daemon is gone does not: a picture must not look live. */
export function told(state: WatchState, news: News): WatchState {
  if (news.type === 'gone') return { ...state, gone: state.gone ?? news.gone };
  if (news.type === 'back') return { ...state, gone: null };
  if (state.frozenMs !== null) return { ...state, held: [...state.held, news].slice(-HELD_NEWS) };
  switch (news.type) {
    case 'look':
      return reselected({ ...state, look: news.look });
    case 'details':
      return settled({ ...state, details: news.details });
    case 'events':
      return {
        ...state,
        events: [...state.events, ...news.events].slice(-KEPT_EVENTS),
        lostEvents: state.lostEvents + news.lost,
      };
  }
}

/** @param nowMs Since 1970. */
export function pressed(state: WatchState, key: Key, nowMs: number): WatchState {
  if (state.mode === 'filter') return typed(state, key);
  if (key.name === 'space') return state.frozenMs === null ? { ...state, frozenMs: nowMs } : thawed(state);
  if (key.name === '?') return state.mode === 'help' ? closed(state) : { ...state, mode: 'help', scroll: 0 };
  if (state.mode === 'list') return inList(state, key);
  return inText(state, key);
}

function thawed(state: WatchState): WatchState {
  return state.held.reduce<WatchState>((before, news) => told(before, news), {
    ...state,
    frozenMs: null,
    held: [],
  });
}

function inList(state: WatchState, { name }: Key): WatchState {
  const page = tableRows(state);
  switch (name) {
    case 'up':
    case 'k':
      return moved(state, -1);
    case 'down':
    case 'j':
      return moved(state, 1);
    case 'pageup':
      return moved(state, -page);
    case 'pagedown':
      return moved(state, page);
    case 'home':
      return settled({ ...state, selected: null });
    case 'end':
      return moved(state, Infinity);
    case 'left':
      return sortedBy(state, -1);
    case 'right':
    case 's':
      return sortedBy(state, 1);
    case 'r':
      return reselected({ ...state, order: { ...state.order, reversed: !state.order.reversed } });
    case '/':
      return { ...state, mode: 'filter' };
    case 'escape':
      return reselected({ ...state, filter: '', selected: null });
    case 'enter':
      return opened(state);
    default:
      return state;
  }
}

function opened(state: WatchState): WatchState {
  const row = selectedRow(state);
  if (!row) return state;
  const { network, subnet, address } = row;
  const details = { subject: { network, subnet, address }, row, dossiers: [], atMs: state.look?.atMs ?? 0 };
  return { ...state, mode: 'details', scroll: 0, details };
}

/** Help and details: a text to scroll in. view.ts stops at its end. */
function inText(state: WatchState, { name }: Key): WatchState {
  const steps: Record<string, number> = { up: -1, k: -1, down: 1, j: 1, pageup: -10, pagedown: 10 };
  const step = steps[name];
  if (step !== undefined) return { ...state, scroll: Math.max(0, state.scroll + step) };
  if (!['escape', 'enter', 'left', 'backspace'].includes(name)) return state;
  return closed(state);
}

/** The help lies above whatever was open. */
function closed(state: WatchState): WatchState {
  if (state.mode === 'help' && state.details) return { ...state, mode: 'details', scroll: 0 };
  return settled({ ...state, mode: 'list', details: null, scroll: 0 });
}

function typed(state: WatchState, { name, text }: Key): WatchState {
  if (name === 'enter') return { ...state, mode: 'list' };
  if (name === 'escape') return reselected({ ...state, mode: 'list', filter: '' });
  const filter = name === 'backspace' ? Array.from(state.filter).slice(0, -1).join('') : state.filter + text;
  if (filter === state.filter || filter.length > LONGEST_FILTER) return state;
  return reselected({ ...state, filter, selected: null });
}

function sortedBy(state: WatchState, step: number): WatchState {
  const at = SORTS.indexOf(state.order.sort) + step + SORTS.length;
  const order: Order = { sort: SORTS[at % SORTS.length] ?? 'state', reversed: false };
  return reselected({ ...state, order, selected: null });
}

function moved(state: WatchState, step: number): WatchState {
  const to = Math.max(0, Math.min(state.shown.length - 1, selectedIndex(state) + step));
  const row = state.shown[to];
  return settled({ ...state, selected: row ? rowKey(row) : null });
}

/** Filter and order applied anew, to the rows that are here: the daemon's next list brings the others. */
function reselected(state: WatchState): WatchState {
  const { look, filter, order } = state;
  return settled({ ...state, shown: select(look?.rows ?? [], parseFilter(filter), order) });
}

/** Where the mark is: at a HAVIP, wherever that has moved to, or at the first. */
export function selectedIndex({ shown, selected, top }: WatchState): number {
  if (selected === null) return 0;
  const at = shown.findIndex((row) => rowKey(row) === selected);
  return at >= 0 ? at : Math.max(0, Math.min(top, shown.length - 1));
}

export const selectedRow = (state: WatchState): Row | undefined => state.shown[selectedIndex(state)];

const tableRows = ({ size, shown }: WatchState): number => layoutOf(size, shown.length).table;

/** The mark is on the screen. */
function settled(state: WatchState): WatchState {
  const [at, rows] = [selectedIndex(state), tableRows(state)];
  const last = Math.max(0, state.shown.length - rows);
  const top = Math.min(last, Math.max(at - rows + 1, Math.min(state.top, at)));
  return { ...state, top };
}

/** How many rows the daemon's list must bring for this screen: up to a page beyond the mark, and enough to scroll in. */
export function wantedRows(state: WatchState): number {
  return Math.max(1_000, selectedIndex(state) + 3 * tableRows(state));
}
