// SPDX-License-Identifier: BSD-2-Clause
// One state an interval for all open pages. While nobody looks nothing is read; where reading takes long, it is done
// less often.
import { HavipError } from '../../errors.js';
import { MoveFeed } from './moves.js';
import { PortWatch } from './ports.js';
import { selectRows } from './rows.js';
import { Sampler } from './sampler.js';
import type { PageQuery } from './types.js';
import { daemonPart, pageEvents, type PageView } from './view.js';
import { part, Viewer, type Outlet, type Snapshot } from './viewer.js';

/** Each costs the cutting and writing of its part; more than a team has open at once. */
export const MAX_VIEWERS = 32;
const INTERVAL_MS = 1_000;
/** Of the worker's time, what pages may take. */
const SHARE_OF_TIME = 0.1;

/** Of the connection that a page hangs on. */
export interface Seat {
  drained(): void;
  gone(): void;
}

export class Broadcast {
  private readonly viewers = new Set<Viewer>();
  private readonly feed: MoveFeed;
  private readonly sampler: Sampler;
  private readonly ports: PortWatch;
  private snapshot: Snapshot | null = null;
  private timer: NodeJS.Timeout | null = null;
  private everyMs = INTERVAL_MS;
  private busy = false;
  private stopped = false;

  /** @param onFault A state could not be read: the pages see that nothing comes, and the next one is tried. */
  constructor(
    private readonly view: PageView,
    private readonly onFault: (error: HavipError) => void,
  ) {
    this.feed = new MoveFeed(view.moves);
    this.sampler = new Sampler(view);
    this.ports = new PortWatch(view);
  }

  get full(): boolean {
    return this.viewers.size >= MAX_VIEWERS;
  }

  add(query: PageQuery, outlet: Outlet): Seat {
    const viewer = new Viewer(query, outlet);
    this.viewers.add(viewer);
    // One that opens between two states has the last one at once, unless nobody looked for a while.
    if (this.snapshot && Date.now() - this.snapshot.nowMs < 2 * this.everyMs)
      viewer.offer(this.snapshot, this.feed);
    if (!this.timer && !this.busy) void this.round();
    return { drained: () => viewer.drained(), gone: () => void this.viewers.delete(viewer) };
  }

  stop(): void {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    this.feed.stop();
  }

  /** Never rejects. */
  private async round(): Promise<void> {
    this.timer = null;
    if (this.viewers.size === 0 || this.stopped) return;
    this.busy = true;
    const startedMs = performance.now();
    try {
      this.snapshot = await this.look();
      for (const viewer of this.viewers) viewer.offer(this.snapshot, this.feed);
    } catch (thrown) {
      this.onFault(HavipError.from(thrown));
    }
    this.busy = false;
    this.schedule(performance.now() - startedMs);
  }

  private schedule(tookMs: number): void {
    if (this.stopped) return;
    this.everyMs = Math.max(INTERVAL_MS, Math.round(tookMs / SHARE_OF_TIME));
    this.timer = setTimeout(() => void this.round(), this.everyMs - tookMs);
  }

  private async look(): Promise<Snapshot> {
    const { view, sampler, everyMs } = this;
    const nowMs = Date.now();
    await sampler.sample(nowMs, [...this.viewers].map(({ query }) => query.chosen).filter(Boolean));
    const shared = [
      part('daemon', daemonPart(view)),
      part('totals', sampler.totals),
      part('ports', this.ports.look(nowMs)),
      part('events', { events: pageEvents(view) }),
    ];
    const cut = (query: PageQuery): ReturnType<Snapshot['cut']> => ({
      rows: selectRows(sampler.entries, query, sampler.row(query.chosen)),
      charts: sampler.tracks.charts(query.chosen),
    });
    return { nowMs, everyMs, shared, cut };
  }
}
