// SPDX-License-Identifier: BSD-2-Clause
// Who gets how many lines of the screen. A short list leaves its lines to the events.
import type { Size } from './state.js';

export interface Layout {
  /** Lines of HAVIPs, without the heading. */
  readonly table: number;
  readonly ports: number;
  readonly events: number;
  /** Whether ports and events have headings of their own. */
  readonly titled: boolean;
}

/** Title, counts, heading of the table, keys. */
const FIXED = 4;
const TALL = 20;

/** Shape: `FIXED`, the parts and their headings add up to `size.rows`, down to 10 rows; below, the table goes first. */
export function layoutOf({ rows }: Size, havips: number): Layout {
  const free = Math.max(1, rows - FIXED);
  if (free < 6) return { table: free, ports: 0, events: 0, titled: false };
  const titled = rows >= TALL;
  const [ports, leastEvents, titles] = titled ? [2, 5, 2] : [1, 2, 0];
  const table = Math.max(1, Math.min(havips, free - ports - leastEvents - titles));
  return { table, ports, events: free - ports - titles - table, titled };
}
