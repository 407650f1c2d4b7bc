// SPDX-License-Identifier: BSD-2-Clause
// The daemon's side of `havip watch`: asks for what is on the screen, follows the events, and comes back by itself
// when the daemon was away.
import { ApiClient } from '../api/client.js';
import type { HavipQuery, HavipState, HavipStatus } from '../api/types.js';
import { HavipError } from '../errors.js';
import { Rates } from './rates.js';
import { Best, matches, parseFilter, rowKey, type Order, type Row, type Subject } from './rows.js';
import type { Details, Look, News } from './state.js';

/** What the screen shows now. */
export interface Wants {
  readonly filter: string;
  readonly order: Order;
  readonly most: number;
  /** Its details are open: nothing else is asked for. */
  readonly subject: Subject | null;
  /** Nothing is asked for. */
  readonly frozen: boolean;
}

export interface FeedOptions {
  readonly socket: string;
  readonly intervalMs: number;
  readonly wants: () => Wants;
  readonly tell: (news: News) => void;
}

/** A long list takes at most this share of the time, here and in the daemon: it is asked for less often. */
const SHARE = 0.1;
const LONG_LIST = 1_000;
/** A daemon that is stopped answers nothing and closes nothing. */
const STUCK_MS = 10_000;
const AGAIN_MS = 1_000;
/** How many dossiers of one HAVIP. */
const DOSSIERS = 5;
/** Events come in bursts; one look is enough for many. */
const SETTLE_MS = 100;

export class Feed {
  private readonly rates = new Rates();
  private readonly stopped = new AbortController();
  private wake: () => void = () => undefined;
  private lastSeq = 0;
  private pid = 0;

  constructor(private readonly options: FeedOptions) {}

  /** Until `stop`. @param first Already connected, so that a daemon that is not there can be told in plain words. */
  async run(first: ApiClient): Promise<void> {
    for (let client: ApiClient | null = first; !this.isStopped; client = await this.reconnect()) {
      if (!client) continue;
      await this.serve(client).catch((thrown: unknown) => this.tellGone(thrown));
      client.close();
    }
  }

  stop(): void {
    this.stopped.abort();
    this.wake();
  }

  /** What is on the screen has changed: asks at once, and not only at the next turn. */
  poke(): void {
    this.wake();
  }

  private get isStopped(): boolean {
    return this.stopped.signal.aborted;
  }

  private async reconnect(): Promise<ApiClient | null> {
    if (this.isStopped) return null;
    await this.wait(AGAIN_MS);
    return ApiClient.connect(this.options.socket).catch((thrown: unknown) => (this.tellGone(thrown), null));
  }

  private tellGone(thrown: unknown): void {
    if (this.isStopped) return;
    const gone = { sinceMs: Date.now(), why: HavipError.from(thrown).message };
    this.options.tell({ type: 'gone', gone });
  }

  /** Until the daemon goes, which is thrown. */
  private async serve(client: ApiClient): Promise<void> {
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, this.stopped.signal]);
    try {
      const { pid } = await client.daemon();
      this.meet(pid);
      await Promise.race([this.looks(client, signal), this.events(client, signal)]);
    } finally {
      ended.abort();
      this.wake();
    }
  }

  /** A new daemon counts its events from 1 again. */
  private meet(pid: number): void {
    if (pid !== this.pid) this.lastSeq = 0;
    this.pid = pid;
    this.options.tell({ type: 'back' });
  }

  private async events(client: ApiClient, signal: AbortSignal): Promise<void> {
    const query = { follow: true, afterSeq: BigInt(this.lastSeq), signal };
    for await (const { events, lost } of client.events(query)) {
      this.lastSeq = events.at(-1)?.seq ?? this.lastSeq;
      this.options.tell({ type: 'events', events, lost });
      setTimeout(() => this.wake(), SETTLE_MS);
    }
  }

  private async looks(client: ApiClient, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { subject, frozen } = this.options.wants();
      let restMs = 0;
      if (subject && !frozen) await this.tellDetails(client, subject);
      else if (!frozen) restMs = await this.tellLook(client);
      await this.wait(Math.max(this.options.intervalMs, restMs), restMs);
    }
  }

  /** @param leastMs Not even a wake-up ends it sooner. */
  private async wait(ms: number, leastMs = 0): Promise<void> {
    const startMs = performance.now();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => (clearTimeout(timer), resolve());
    });
    const leftMs = leastMs - (performance.now() - startMs);
    if (leftMs > 0 && !this.isStopped) await new Promise((resolve) => setTimeout(resolve, leftMs));
  }

  /** @returns How long the daemon is left in peace. Unit: ms. */
  private async tellLook(client: ApiClient): Promise<number> {
    const [startMs, before] = [performance.now(), process.cpuUsage()];
    const look = await takeLook(client, this.options.wants(), this.rates);
    const { user, system } = process.cpuUsage(before);
    // Our own work stands for the daemon's: by the clock a busy host would be asked ever more seldom.
    const workMs = ((user + system) / 1000) * (1 / SHARE - 1);
    const restMs = look.listed > LONG_LIST ? Math.max(workMs, performance.now() - startMs) : 0;
    this.options.tell({
      type: 'look',
      look: { ...look, everyMs: Math.max(this.options.intervalMs, restMs) },
    });
    return restMs;
  }

  private async tellDetails(client: ApiClient, subject: Subject): Promise<void> {
    const { address, network } = subject;
    const [rows, dossiers] = await Promise.all([
      client.listHavips({ ...subject }),
      client.dossiers({ address, network, last: DOSSIERS }),
    ]);
    this.rates.begin();
    const [row] = rows.map((one) => rated(one, this.rates));
    const details: Details = { subject, row: row ?? null, dossiers, atMs: Date.now() };
    this.options.tell({ type: 'details', details });
  }
}

const rated = (row: HavipStatus, rates: Rates): Row => ({
  ...row,
  rate: rates.measure(rowKey(row), row.packets, performance.now()),
});

/** Errors: NOT_RUNNING when the daemon went away, FAILED when it hangs. */
export async function takeLook(
  client: ApiClient,
  { filter, order, most }: Pick<Wants, 'filter' | 'order' | 'most'>,
  rates: Rates,
): Promise<Omit<Look, 'everyMs'>> {
  const parsed = parseFilter(filter);
  const best = new Best(order, most);
  const states: Record<HavipState, number> = { 'split-brain': 0, flapping: 0, unheld: 0, held: 0 };
  let [listed, matching] = [0, 0];
  rates.begin();
  for await (const row of list(client, parsed.query)) {
    listed += 1;
    states[row.state] += 1;
    const one = rated(row, rates);
    if (!matches(row, parsed)) continue;
    matching += 1;
    best.offer(one);
  }
  const daemon = await client.daemon();
  return { rows: best.take(), listed, matching, states, daemon, atMs: Date.now() };
}

/** Ends with an error, and not with half a list, when nothing comes for `STUCK_MS`. An unreadable address: no row. */
async function* list(client: ApiClient, query: HavipQuery): AsyncGenerator<HavipStatus> {
  const stuck = new AbortController();
  const timer = setTimeout(() => stuck.abort(), STUCK_MS);
  try {
    for await (const page of client.havipPages(query, stuck.signal)) {
      timer.refresh();
      yield* page;
    }
  } catch (thrown) {
    if (HavipError.from(thrown).code !== 'USAGE') throw thrown;
  } finally {
    clearTimeout(timer);
  }
  if (stuck.signal.aborted)
    throw new HavipError('FAILED', `the daemon gave no answer for ${STUCK_MS / 1000} s`, {
      cure: 'see its log',
    });
}
