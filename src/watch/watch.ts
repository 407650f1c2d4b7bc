// SPDX-License-Identifier: BSD-2-Clause
// Puts keys, news and screen together. At most four frames a second by itself; a key is answered at once.
import { ApiClient } from '../api/client.js';
import { Feed, takeLook, type Wants } from './feed.js';
import { Rates } from './rates.js';
import { initialState, type News, type Size, type WatchState } from './state.js';
import { Terminal } from './terminal.js';
import { lineText } from './text.js';
import { pressed, resized, told, wantedRows, type Key } from './update.js';
import { frame } from './view.js';

export interface WatchOptions {
  readonly socket: string;
  readonly intervalMs: number;
  readonly filter: string;
  readonly color: boolean;
}

const FRAME_MS = 250;
/** Clock and ages go on while nothing happens. */
const TICK_MS = 1_000;

/** Until its user quits. Errors: NOT_RUNNING when no daemon answers at the start; later it is waited for. */
export async function watch(options: WatchOptions): Promise<void> {
  const client = await ApiClient.connect(options.socket);
  await new Screen(options).run(client);
}

/** One frame, for a pipe. Two looks, an interval apart, since a rate needs two. */
export async function watchOnce(options: WatchOptions, size: Size): Promise<string> {
  const client = await ApiClient.connect(options.socket);
  try {
    const [rates, first] = [new Rates(), initialState(size, options.filter)];
    const wants = { filter: options.filter, order: first.order, most: size.rows };
    await takeLook(client, wants, rates);
    await new Promise((resolve) => setTimeout(resolve, options.intervalMs));
    const look = { ...(await takeLook(client, wants, rates)), everyMs: options.intervalMs };
    let state = told(first, { type: 'look', look });
    for await (const { events, lost } of client.events())
      state = told(state, { type: 'events', events, lost });
    const lines = frame(state, Date.now()).slice(0, -1); // the keys are nobody's here
    return lines.map((line) => `${lineText(line, options.color)}\n`).join('');
  } finally {
    client.close();
  }
}

class Screen {
  private state: WatchState;
  private readonly terminal: Terminal;
  private readonly feed: Feed;
  private timer: NodeJS.Timeout | null = null;
  private lastFrameMs = -Infinity;
  private quit: () => void = () => undefined;

  constructor(private readonly options: WatchOptions) {
    this.terminal = new Terminal({
      onKey: (key) => this.onKey(key),
      onResize: (size) => this.change(resized(this.state, size), true),
      onQuit: () => this.quit(),
    });
    this.state = initialState(this.terminal.size, options.filter);
    this.feed = new Feed({
      socket: options.socket,
      intervalMs: options.intervalMs,
      wants: () => this.wants(),
      tell: (news: News) => this.change(told(this.state, news)),
    });
  }

  async run(client: ApiClient): Promise<void> {
    const done = new Promise<void>((resolve) => (this.quit = resolve));
    const ticking = setInterval(() => this.change(this.state), TICK_MS);
    this.terminal.open();
    try {
      this.draw();
      await Promise.race([done, this.feed.run(client)]);
    } finally {
      clearInterval(ticking);
      if (this.timer) clearTimeout(this.timer);
      this.terminal.close();
      this.feed.stop();
    }
  }

  private wants(): Wants {
    const { filter, order, mode, details, frozenMs } = this.state;
    const subject = mode === 'details' ? (details?.subject ?? null) : null;
    return { filter, order, most: wantedRows(this.state), subject, frozen: frozenMs !== null };
  }

  private onKey(key: Key): void {
    const { mode } = this.state;
    if (key.name === 'q' && mode !== 'filter') return this.quit();
    const before = this.wants();
    this.change(pressed(this.state, key, Date.now()), true);
    if (JSON.stringify(this.wants()) !== JSON.stringify(before)) this.feed.poke();
  }

  private change(state: WatchState, atOnce = false): void {
    this.state = state;
    const waitMs = atOnce ? 0 : this.lastFrameMs + FRAME_MS - performance.now();
    if (waitMs <= 0) return this.draw();
    this.timer ??= setTimeout(() => this.draw(), waitMs);
  }

  private draw(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.lastFrameMs = performance.now();
    const lines = frame(this.state, Date.now());
    this.terminal.draw(lines.map((line) => lineText(line, this.options.color)));
  }
}
