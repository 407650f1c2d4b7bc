// SPDX-License-Identifier: BSD-2-Clause
// One watcher of the HAVIPs: a snapshot in pages, then whatever changes. It keeps names of what has changed and reads
// how it is when the reader is ready: a slow one gets the newest state of each, and costs no more than the names.
import { keyOf } from '../observe/havip-changes.js';
import type { HavipName } from '../observe/orders.js';
import { PAGE_ROWS } from './limits.js';
import type { ApiSource, HavipNews, HavipQuery, HavipStatus } from './types.js';

/** Names that wait; with more, the snapshot is taken anew. */
const MAX_PENDING = 10_000;

const NOTHING: HavipNews = { snapshotBegins: false, havips: [], gone: [], snapshotOver: false };

export class HavipWatch {
  private readonly pending = new Map<string, HavipName>();
  private stale = true;
  private wake: (() => void) | null = null;

  constructor(
    private readonly source: Pick<ApiSource, 'havips'>,
    private readonly query: HavipQuery,
  ) {}

  /** @param names null: many. Neither throws nor waits. */
  changed(names: readonly HavipName[] | null): void {
    for (const name of names ?? []) if (this.matches(name)) this.pending.set(keyOf(name), name);
    if (names === null || this.pending.size > MAX_PENDING) this.stale = true;
    this.wake?.();
  }

  /** Ends the waiting for news. */
  stop(): void {
    this.wake?.();
  }

  /** Whether a snapshot is due: at the beginning, and after changes that are too many to name. */
  get needsSnapshot(): boolean {
    return this.stale;
  }

  /** @param rows Read from now on: what changes meanwhile comes after them. */
  *snapshot(rows: Iterable<HavipStatus>): Generator<HavipNews> {
    this.stale = false;
    this.pending.clear();
    let begins = true;
    let page: HavipStatus[] = [];
    for (const row of rows) {
      if (page.push(row) < PAGE_ROWS) continue;
      yield { ...NOTHING, snapshotBegins: begins, havips: page };
      begins = false;
      page = [];
    }
    yield { ...NOTHING, snapshotBegins: begins, havips: page, snapshotOver: true };
  }

  /** What has changed, as it is now; null: nothing has. */
  news(): HavipNews | null {
    const names = [...this.pending.values()].slice(0, PAGE_ROWS);
    if (names.length === 0) return null;
    for (const name of names) this.pending.delete(keyOf(name));
    const rows = this.source.havips(names);
    return {
      ...NOTHING,
      havips: rows.filter((row) => row !== null),
      gone: names.filter((_, at) => rows[at] === null),
    };
  }

  /** Resolves when something has changed. */
  async wait(): Promise<void> {
    if (this.stale || this.pending.size) return;
    await new Promise<void>((resolve) => (this.wake = resolve));
    this.wake = null;
  }

  private matches({ network, subnet, address }: HavipName): boolean {
    const { query } = this;
    return (
      address === (query.address ?? address) &&
      network === (query.network ?? network) &&
      subnet === (query.subnet ?? subnet)
    );
  }
}
