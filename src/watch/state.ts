// SPDX-License-Identifier: BSD-2-Clause
// What `havip watch` knows and where its user is. Plain data: update.ts changes it, view.ts draws it.
import type { DaemonStatus, HavipState } from '../api/types.js';
import type { Dossier } from '../holders/dossier.js';
import type { EventRecord } from '../observe/messages.js';
import type { Order, Row, Subject } from './rows.js';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** One look at the list. */
export interface Look {
  /** The first ones by filter and order; all of them, where the list is short. */
  readonly rows: readonly Row[];
  /** How many the daemon listed, and how many of them the filter lets through. */
  readonly listed: number;
  readonly matching: number;
  /** Of all that were listed. */
  readonly states: Readonly<Record<HavipState, number>>;
  readonly daemon: DaemonStatus;
  /** When it was complete. Unit: ms since 1970. */
  readonly atMs: number;
  /** Until the next one. */
  readonly everyMs: number;
}

/** One look at one HAVIP. */
export interface Details {
  readonly subject: Subject;
  /** null: it is no longer configured. */
  readonly row: Row | null;
  /** Oldest first. */
  readonly dossiers: readonly Dossier[];
  readonly atMs: number;
}

/** null: it answers. */
export interface Gone {
  readonly sinceMs: number;
  readonly why: string;
}

export type Mode = 'list' | 'filter' | 'details' | 'help';

export interface WatchState {
  readonly size: Size;
  readonly look: Look | null;
  readonly details: Details | null;
  /** Oldest first. */
  readonly events: readonly EventRecord[];
  /** Events that this reader was too slow for. */
  readonly lostEvents: bigint;
  readonly gone: Gone | null;
  readonly mode: Mode;
  readonly order: Order;
  readonly filter: string;
  /** Rows of the look that the filter lets through, in order. */
  readonly shown: readonly Row[];
  /** null: whatever is first. */
  readonly selected: string | null;
  /** Index of the first row on the screen. */
  readonly top: number;
  /** First line of the details on the screen. */
  readonly scroll: number;
  /** null: live. Unit: ms since 1970. */
  readonly frozenMs: number | null;
  /** What came in meanwhile, shown when it thaws. */
  readonly held: readonly News[];
}

/** What the daemon tells. */
export type News =
  | { readonly type: 'look'; readonly look: Look }
  | { readonly type: 'details'; readonly details: Details }
  | { readonly type: 'events'; readonly events: readonly EventRecord[]; readonly lost: bigint }
  | { readonly type: 'gone'; readonly gone: Gone }
  | { readonly type: 'back' };

export function initialState(size: Size, filter = ''): WatchState {
  return {
    ...{ size, look: null, details: null, events: [], lostEvents: 0n, gone: null },
    ...{ mode: 'list', order: { sort: 'state', reversed: false }, filter, shown: [] },
    ...{ selected: null, top: 0, scroll: 0, frozenMs: null, held: [] },
  };
}
