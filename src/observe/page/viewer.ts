// SPDX-License-Identifier: BSD-2-Clause
// One open page: server-sent events of the parts that changed. What it does not read in time it never gets: only the
// newest state waits for it, and it is told how many it missed.
import type { MoveFeed } from './moves.js';
import type { PageParts, PageQuery, PartName } from './types.js';

/** What a viewer is written to: a ServerResponse, or a test's. */
export interface Outlet {
  write(text: string): boolean;
  destroy(): unknown;
}

/** One state, as every page sees it, and what each cuts from it. */
export interface Snapshot {
  readonly nowMs: number;
  readonly everyMs: number;
  /** Ready text of the parts that all pages share. */
  readonly shared: readonly (readonly [PartName, string])[];
  cut(query: PageQuery): Pick<PageParts, 'rows' | 'charts'>;
}

/** A page that reads nothing for so long is gone. */
const PATIENCE_MS = 30_000;

export class Viewer {
  private readonly sent = new Map<PartName, string>();
  /** null: not told of any yet. */
  private movesVersion: number | null = null;
  private blockedMs: number | null = null;
  private skipped = 0;

  constructor(
    readonly query: PageQuery,
    private readonly outlet: Outlet,
  ) {}

  drained(): void {
    this.blockedMs = null;
  }

  offer(snapshot: Snapshot, feed: MoveFeed): void {
    if (this.blockedMs !== null) return this.skip(snapshot.nowMs, this.blockedMs);
    if (!this.outlet.write(this.message(snapshot, feed))) this.blockedMs = snapshot.nowMs;
  }

  private skip(nowMs: number, blockedMs: number): void {
    this.skipped += 1;
    if (nowMs - blockedMs > PATIENCE_MS) this.outlet.destroy();
  }

  private message(snapshot: Snapshot, feed: MoveFeed): string {
    const { nowMs, everyMs, shared } = snapshot;
    const { rows, charts } = snapshot.cut(this.query);
    const changed = [...shared, part('rows', rows), part('charts', charts)].map((one) =>
      this.changed(...one),
    );
    const tick = part('tick', { nowMs, everyMs, skipped: this.skipped });
    this.skipped = 0;
    return [toEvent(...tick), ...changed, this.moves(feed)].join('');
  }

  /** Empty: this page has it already. */
  private changed(name: PartName, text: string): string {
    if (this.sent.get(name) === text) return '';
    this.sent.set(name, text);
    return toEvent(name, text);
  }

  private moves(feed: MoveFeed): string {
    const before = this.movesVersion;
    const { version, part: moves } = feed.since(before ?? 0);
    this.movesVersion = version;
    return before === version ? '' : toEvent(...part('moves', moves));
  }
}

export function part<Name extends PartName>(name: Name, value: PageParts[Name]): readonly [PartName, string] {
  return [name, JSON.stringify(value)];
}

/** JSON has no line feed outside of its escapes, so one `data:` line is enough. */
const toEvent = (name: PartName, text: string): string => `event: ${name}\ndata: ${text}\n\n`;
