// SPDX-License-Identifier: BSD-2-Clause
// The failover timeline: which time it shows, which move is chosen, and the keys and pointers that change both.
import type { PageEvent, PageMove } from '../observe/page/types.js';
import { byId, el, replace, setAttribute, setText, svg } from './dom.js';
import { clock, plural } from './format.js';
import { extentOf, type Moves } from './moves.js';
import { around, pan, widthOf, zoom, type Span } from './span.js';
import { drawScene, HEIGHT, msOf, patterns, titleOf, type Scene } from './timeline-draw.js';

const HOUR_MS = 3_600_000;
const PRESETS: readonly (readonly [string, number])[] = [
  ['15 min', HOUR_MS / 4],
  ['1 h', HOUR_MS],
  ['6 h', 6 * HOUR_MS],
  ['24 h', 24 * HOUR_MS],
];
const ALARMS: ReadonlySet<string> = new Set(['split-brain', 'flap', 'dual-active', 'disagreement']);
/** Of the span, right of now. */
const AHEAD = 0.02;

export interface TimelineHooks {
  nowMs(): number;
  /** null: none is any more. @param enter Whether the reader wants to go on in the dossier. */
  chosen(move: PageMove | null, enter: boolean): void;
}

export class Timeline {
  private readonly stage = byId('timeline');
  private readonly picture: SVGElement;
  private readonly layer = svg('g');
  private readonly empty = el('p', { class: 'empty' });
  /** Wide ones follow the clock; a span that was zoomed or dragged stays. */
  private follows: number | null = HOUR_MS;
  private fixed: Span = { startMs: 0, endMs: 1 };
  private chosenId: number | null = null;
  private alarms: readonly PageEvent[] = [];
  private scene: Scene | null = null;

  constructor(
    private readonly moves: Moves,
    private readonly hooks: TimelineHooks,
  ) {
    this.picture = svg('svg', { height: HEIGHT, 'aria-hidden': 'true' }, patterns(), this.layer);
    this.stage.append(this.picture, this.empty);
    for (const [name, value] of Object.entries({
      tabindex: 0,
      role: 'application',
      'aria-roledescription': 'timeline',
    }))
      setAttribute(this.stage, name, value);
    this.stage.setAttribute('aria-describedby', 'timeline-hint');
    this.stage.addEventListener('keydown', (event) => this.onKey(event));
    this.listenToPointer();
    new ResizeObserver(() => this.draw()).observe(this.stage);
    this.drawTools();
  }

  get chosen(): PageMove | null {
    return this.chosenId === null ? null : (this.moves.get(this.chosenId) ?? null);
  }

  focus(): void {
    this.stage.focus();
  }

  showAlarms(events: readonly PageEvent[]): void {
    this.alarms = events.filter(({ kind }) => ALARMS.has(kind));
    this.draw();
  }

  /** The chosen one may have left the memory, or belong to a daemon that is no more. */
  movesChanged(): void {
    if (this.chosenId !== null && !this.chosen) this.choose(null);
    this.draw();
  }

  choose(move: PageMove | null, enter = false): void {
    this.chosenId = move?.id ?? null;
    setText(byId('timeline-said'), move ? `${titleOf(move)}, at ${clock(move.announcedMs)} UTC` : '');
    if (move) this.reveal(move);
    this.hooks.chosen(move, enter);
    this.draw();
  }

  /** So close that its stages fill the picture. */
  zoomTo(move: PageMove): void {
    const { startMs, endMs } = extentOf(move);
    this.fix(around(startMs, endMs));
  }

  draw(): void {
    const { moves, hooks, chosen, alarms } = this;
    const nowMs = hooks.nowMs();
    const width = this.stage.clientWidth;
    this.scene = { span: this.span(nowMs), width, nowMs, moves: moves.list, alarms, chosen };
    setAttribute(this.picture, 'width', width);
    setAttribute(this.picture, 'viewBox', `0 0 ${width} ${HEIGHT}`);
    replace(this.layer, ...drawScene(this.scene));
    this.describe();
  }

  private span(nowMs: number): Span {
    if (this.follows === null) return this.fixed;
    const endMs = nowMs + this.follows * AHEAD;
    return { startMs: endMs - this.follows, endMs };
  }

  private fix(span: Span): void {
    this.follows = null;
    this.fixed = span;
    this.draw();
    this.drawTools();
  }

  private follow(widthMs: number): void {
    this.follows = widthMs;
    this.draw();
    this.drawTools();
  }

  private describe(): void {
    const { list } = this.moves;
    const said = `Failovers over time, ${plural(list.length, 'move')} known`;
    setAttribute(this.stage, 'aria-label', said);
    this.empty.hidden = this.layer.querySelector('.move') !== null;
    const none = 'No address has moved since the daemon began to remember.';
    setText(
      this.empty,
      list.length === 0 ? none : 'No move in this time. Choose a longer one, or press ← for the last.',
    );
  }

  private drawTools(): void {
    const presets = PRESETS.map(([title, widthMs]) =>
      el(
        'button',
        {
          type: 'button',
          'aria-pressed': String(this.follows === widthMs),
          onclick: () => this.follow(widthMs),
        },
        title,
      ),
    );
    const by = (factor: number) => (): void => this.zoomBy(factor);
    const tools = byId('timeline-tools');
    const focused = [...tools.querySelectorAll('button')].indexOf(
      document.activeElement as HTMLButtonElement,
    );
    replace(
      tools,
      el('div', { class: 'segments' }, ...presets),
      el('button', { type: 'button', 'aria-label': 'Zoom out', onclick: by(2) }, '−'),
      el('button', { type: 'button', 'aria-label': 'Zoom in', onclick: by(0.5) }, '+'),
    );
    tools.querySelectorAll('button')[focused]?.focus();
  }

  /** Around the chosen move, if it is in sight. */
  private zoomBy(factor: number): void {
    const { scene, chosen } = this;
    if (!scene) return;
    const { startMs, endMs } = scene.span;
    const middle = (startMs + endMs) / 2;
    const at =
      chosen && chosen.announcedMs >= startMs && chosen.announcedMs <= endMs ? chosen.announcedMs : middle;
    this.fix(zoom(scene.span, factor, at));
  }

  private reveal(move: PageMove): void {
    const span = this.span(this.hooks.nowMs());
    const { startMs, endMs } = extentOf(move);
    if (startMs >= span.startMs && endMs <= span.endMs) return;
    const width = Math.max(widthOf(span), (endMs - startMs) * 1.5);
    this.fix({ startMs: endMs - width * 0.7, endMs: endMs + width * 0.3 });
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = this.action(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  }

  private action(key: string): (() => void) | undefined {
    const { list } = this.moves;
    const step = (to: PageMove | undefined) => (): void => void (to && this.choose(to));
    const at = list.findIndex(({ id }) => id === this.chosenId);
    const actions: Readonly<Record<string, () => void>> = {
      ArrowLeft: step(list[at < 0 ? list.length - 1 : at - 1]),
      ArrowRight: step(list[at < 0 ? list.length - 1 : at + 1]),
      Home: step(list[0]),
      End: step(list.at(-1)),
      Enter: () => this.enter(),
      Escape: () => this.escape(),
      '+': () => this.zoomBy(0.5),
      '=': () => this.zoomBy(0.5),
      ArrowUp: () => this.zoomBy(0.5),
      '-': () => this.zoomBy(2),
      ArrowDown: () => this.zoomBy(2),
    };
    return actions[key];
  }

  private enter(): void {
    const move = this.chosen ?? this.moves.list.at(-1);
    if (!move) return;
    this.choose(move, true);
    this.zoomTo(move);
  }

  /** First out of the zoom, then away from the move. */
  escape(): void {
    if (this.follows === null) return this.follow(HOUR_MS);
    this.choose(null);
  }

  private listenToPointer(): void {
    let from: { readonly x: number; readonly span: Span } | null = null;
    let dragged = false;
    this.picture.addEventListener('pointerdown', ({ clientX }) => {
      from = this.scene && { x: clientX, span: this.scene.span };
      dragged = false;
    });
    this.picture.addEventListener('pointermove', ({ clientX, buttons }) => {
      if (!from || !this.scene || buttons === 0) return;
      if (!dragged && Math.abs(clientX - from.x) < 4) return;
      dragged = true;
      this.fix(pan(from.span, msOf(this.scene, from.x) - msOf(this.scene, clientX)));
    });
    this.picture.addEventListener('click', (event) => {
      const id = (event.target as Element).closest('[data-move]')?.getAttribute('data-move');
      if (!dragged && id) this.choose(this.moves.get(Number(id)) ?? null);
    });
    this.picture.addEventListener('dblclick', () => this.chosen && this.zoomTo(this.chosen));
    this.picture.addEventListener('wheel', (event) => this.onWheel(event), { passive: false });
  }

  /** Only while it has the focus, or with Ctrl: else the wheel scrolls the page, as everywhere. */
  private onWheel(event: WheelEvent): void {
    if (!this.scene || (!event.ctrlKey && document.activeElement !== this.stage)) return;
    event.preventDefault();
    const { left } = this.picture.getBoundingClientRect();
    this.fix(zoom(this.scene.span, event.deltaY > 0 ? 1.25 : 0.8, msOf(this.scene, event.clientX - left)));
  }
}
