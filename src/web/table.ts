// SPDX-License-Identifier: BSD-2-Clause
// The table of HAVIPs: one page of rows, sorted and filtered by the daemon. Rows are reused, so that a state a second
// neither moves the focus nor makes garbage.
import type { PageRow, RowsPart, Show, SortKey } from '../observe/page/types.js';
import { byId, el, replace, setAttribute, setText } from './dom.js';
import { age, grouped, plural, rate, rfc3339 } from './format.js';
import { stateBadge } from './state-shape.js';
import type { ViewState } from './view-state.js';

interface Column {
  readonly title: string;
  readonly sort: SortKey;
  readonly class: string;
}

const COLUMNS: readonly Column[] = [
  { title: 'State', sort: 'state', class: 'c-state' },
  { title: 'Address', sort: 'address', class: 'c-address' },
  { title: 'Holder', sort: 'holder', class: 'c-holder' },
  { title: 'Held for', sort: 'age', class: 'c-age' },
  { title: 'Moves', sort: 'moves', class: 'c-moves number' },
  { title: 'Packets/s', sort: 'rate', class: 'c-rate number' },
  { title: 'Packets', sort: 'packets', class: 'c-packets number' },
];

const SHOWS: readonly (readonly [Show, string])[] = [
  ['all', 'All'],
  ['alarm', 'Alarm'],
  ['unheld', 'Unheld'],
  ['held', 'Held'],
];

interface Line {
  readonly row: HTMLTableRowElement;
  readonly button: HTMLButtonElement;
  /** As many as COLUMNS. */
  readonly cells: readonly HTMLTableCellElement[];
  readonly where: HTMLElement;
  readonly age: HTMLElement;
  readonly by: HTMLElement;
  data: PageRow | null;
}

type Cell = HTMLTableCellElement;
type Cells = readonly [Cell, Cell, Cell, Cell, Cell, Cell, Cell];

const faint = (): HTMLElement => el('span', { class: 'faint block' });

export class HavipTable {
  private readonly head = new Map<SortKey, HTMLTableCellElement>();
  private readonly body = el('tbody');
  private readonly lines: Line[] = [];
  private readonly pager = new Pager((page) => this.view.turnTo(page));

  constructor(
    private readonly view: ViewState,
    private readonly nowMs: () => number,
  ) {
    const table = byId('table');
    const caption = el('caption', { class: 'sr' }, 'HAVIPs: who holds which address');
    table.append(
      caption,
      el('thead', {}, el('tr', {}, ...COLUMNS.map((column) => this.heading(column)))),
      this.body,
    );
    this.body.addEventListener('keydown', (event) => this.onKey(event));
    byId('filter').addEventListener('input', ({ target }) =>
      view.filterBy((target as HTMLInputElement).value),
    );
    this.drawControls();
  }

  show(part: RowsPart): void {
    const focused = this.lines.find(({ button }) => button === document.activeElement)?.data?.key;
    while (this.lines.length < part.rows.length) this.addLine();
    this.lines.forEach((line, at) => this.fill(line, part.rows[at] ?? null));
    // The focus stays with the HAVIP, not with the place that it had.
    if (focused !== undefined)
      this.lines.find(({ data }) => data?.key === focused)?.button.focus({ preventScroll: true });
    this.keepOneTabStop();
    this.showEmpty(part);
    this.pager.show(part);
    this.drawControls();
  }

  private heading({ title, sort, class: name }: Column): HTMLTableCellElement {
    const label = el('button', { type: 'button', onclick: () => this.view.sortBy(sort) }, title);
    const cell = el('th', { scope: 'col', class: name }, label);
    this.head.set(sort, cell);
    return cell;
  }

  private drawControls(): void {
    const { sort, descending, show } = this.view.query;
    for (const [key, cell] of this.head)
      setAttribute(cell, 'aria-sort', key === sort ? (descending ? 'descending' : 'ascending') : null);
    const box = byId('show');
    if (!box.childElementCount)
      box.append(
        ...SHOWS.map(([value, title]) =>
          el('button', { type: 'button', 'data-show': value, onclick: () => this.view.show(value) }, title),
        ),
      );
    for (const button of box.children)
      setAttribute(button, 'aria-pressed', String((button as HTMLElement).dataset.show === show));
  }

  private addLine(): void {
    const cells = COLUMNS.map(({ class: name }, at) =>
      at === 1 ? el('th', { class: name, scope: 'row' }) : el('td', { class: name }),
    );
    const button = el('button', { type: 'button', class: 'address' });
    const line: Line = {
      cells,
      button,
      where: faint(),
      age: el('span'),
      by: faint(),
      row: el('tr'),
      data: null,
    };
    line.row.append(...cells);
    cells[1]?.append(button, line.where);
    cells[3]?.append(line.age, line.by);
    line.row.addEventListener('click', () => line.data && this.view.choose(line.data.key));
    this.lines.push(line);
    this.body.append(line.row);
  }

  private fill(line: Line, data: PageRow | null): void {
    const before = line.data;
    line.data = data;
    line.row.hidden = data === null;
    if (!data) return;
    const [state, , holder, , moves, perSecond, packets] = line.cells as unknown as Cells;
    setAttribute(line.row, 'data-state', data.state);
    setAttribute(line.row, 'aria-current', data.key === this.view.query.chosen ? 'true' : null);
    setText(line.button, data.address);
    setText(line.where, `${data.network} / ${data.subnet}`);
    if (before?.state !== data.state) replace(state, stateBadge(data.state));
    this.fillHolder(holder, data, before);
    this.fillAge(line, data);
    setText(moves, grouped(String(data.moves)));
    setText(perSecond, rate(data.rate));
    setText(packets, grouped(data.packets));
  }

  private fillAge({ age: cell, by }: Line, { holder }: PageRow): void {
    setText(cell, holder ? age(this.nowMs() - holder.sinceMs) : '–');
    setAttribute(cell, 'title', holder ? `since ${rfc3339(holder.sinceMs)}` : null);
    setText(by, holder ? `by ${holder.by}` : '');
  }

  private fillHolder(cell: Element, { holder }: PageRow, before: PageRow | null): void {
    const same = before?.holder?.port === holder?.port && before?.holder?.mac === holder?.mac;
    if (before && same) return;
    if (!holder) return replace(cell, el('span', { class: 'nobody' }, 'nobody'));
    const where = holder.location === 'uplink' ? el('span', { class: 'tag' }, 'uplink') : null;
    replace(
      cell,
      el('span', { class: 'port' }, holder.port),
      where,
      el('span', { class: 'mac' }, holder.mac),
    );
  }

  /** One stop of the Tab key for the whole table; arrows move inside. */
  private keepOneTabStop(): void {
    const shown = this.lines.filter(({ data }) => data !== null);
    const { activeElement } = document;
    const stop =
      shown.find(({ button }) => button === activeElement) ??
      shown.find(({ data }) => data?.key === this.view.query.chosen) ??
      shown[0];
    for (const line of this.lines) setAttribute(line.button, 'tabindex', line === stop ? 0 : -1);
  }

  private onKey(event: KeyboardEvent): void {
    const shown = this.lines.filter(({ data }) => data !== null);
    const at = shown.findIndex(({ button }) => button === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: shown.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    shown[Math.min(Math.max(to, 0), shown.length - 1)]?.button.focus();
    this.keepOneTabStop();
  }

  private showEmpty({ matching }: RowsPart): void {
    const { filter, show } = this.view.query;
    const narrowed = filter !== '' || show !== 'all';
    const text = narrowed
      ? 'No HAVIP matches.'
      : 'No HAVIP is configured. Add one under "havips" of a subnet, then: havip reload';
    const found = this.body.querySelector('.empty');
    if (matching > 0) return found?.remove();
    if (found?.firstElementChild) return setText(found.firstElementChild, text);
    this.body.append(el('tr', { class: 'empty' }, el('td', { colspan: COLUMNS.length }, text)));
  }
}

class Pager {
  private readonly said = el('span', { class: 'count', role: 'status' });
  private readonly back: HTMLButtonElement;
  private readonly next: HTMLButtonElement;
  private page = 0;

  constructor(turnTo: (page: number) => void) {
    this.back = el('button', { type: 'button', onclick: () => turnTo(this.page - 1) }, '‹ Back');
    this.next = el('button', { type: 'button', onclick: () => turnTo(this.page + 1) }, 'Next ›');
    byId('pager').append(this.said, this.back, this.next);
  }

  show({ page, pages, matching }: RowsPart): void {
    this.page = page;
    const where = pages > 1 ? `, page ${page + 1} of ${grouped(String(pages))}` : '';
    setText(this.said, `${plural(matching, 'HAVIP')}${where}`);
    this.back.disabled = page === 0;
    this.next.disabled = page >= pages - 1;
    this.back.hidden = this.next.hidden = pages === 1;
  }
}
