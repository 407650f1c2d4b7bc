// SPDX-License-Identifier: BSD-2-Clause
// What this page wants to see, and the address of the stream that says so.
import type { PageQuery, Show, SortKey } from '../observe/page/types.js';

const FILTER_PAUSE_MS = 150;

export class ViewState {
  private current: PageQuery = {
    ...{ sort: 'address', descending: false, filter: '', show: 'all', page: 0, chosen: '' },
  };
  private timer = 0;

  /** @param changed The stream has to be asked anew. */
  constructor(private readonly changed: () => void) {}

  get query(): PageQuery {
    return this.current;
  }

  search(): URLSearchParams {
    const { sort, descending, filter, show, page, chosen } = this.current;
    const direction = descending ? 'desc' : 'asc';
    return new URLSearchParams({ sort, direction, filter, show, page: String(page), chosen });
  }

  /** Again by the same column: the other way round. Numbers begin with the largest. */
  sortBy(sort: SortKey): void {
    const again = this.current.sort === sort;
    const large = sort === 'moves' || sort === 'rate' || sort === 'packets';
    this.set({ sort, descending: again ? !this.current.descending : large, page: 0 });
  }

  show(show: Show): void {
    this.set({ show, page: 0 });
  }

  turnTo(page: number): void {
    this.set({ page });
  }

  choose(chosen: string): void {
    if (chosen !== this.current.chosen) this.set({ chosen });
  }

  /** Waits for a pause in the typing. */
  filterBy(filter: string): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.set({ filter, page: 0 }), FILTER_PAUSE_MS);
  }

  private set(change: Partial<PageQuery>): void {
    this.current = { ...this.current, ...change };
    this.changed();
  }
}
