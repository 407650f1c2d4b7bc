// SPDX-License-Identifier: BSD-2-Clause
// The timeline's picture: moves by when they happened and how long the outage was; close enough, each shows the
// stages of its dossier, true to scale.
import type { PageEvent, PageMove, PageStage } from '../observe/page/types.js';
import { svg } from './dom.js';
import { duration } from './format.js';
import { extentOf, mainShare, SHARE_WORDS, STAGE_WORDS, type Share } from './moves.js';
import { OUTAGE_LINES_NS, outageHeight, ticks, widthOf, type Span } from './span.js';

export const HEIGHT = 214;
const LEFT = 54;
const RIGHT = 14;
const TOP = 16;
const BASE = 172;
const BAR = 20;
/** Narrower than this a move is a mark on a stem and no bar. */
const BAR_FROM_PX = 9;
/** Wide enough for a word. */
const LABEL_FROM_PX = 64;
const TICK_PX = 110;
/** A span that one outage fills is counted from its announcement. */
const RELATIVE_BELOW_MS = 120_000;

export interface Scene {
  readonly span: Span;
  readonly width: number;
  readonly nowMs: number;
  readonly moves: readonly PageMove[];
  readonly alarms: readonly PageEvent[];
  readonly chosen: PageMove | null;
}

const innerWidth = (width: number): number => Math.max(50, width - LEFT - RIGHT);

export const xOf = ({ span, width }: Scene, ms: number): number =>
  LEFT + ((ms - span.startMs) / widthOf(span)) * innerWidth(width);

export const msOf = ({ span, width }: Scene, x: number): number =>
  span.startMs + ((x - LEFT) / innerWidth(width)) * widthOf(span);

const yOf = (ns: number): number => BASE - outageHeight(ns) * (BASE - TOP - BAR / 2);

/** Defined once a picture: hatched, plain and dotted, so that the three are told apart without colour. */
export function patterns(): SVGElement {
  const pattern = (share: Share, size: number, ...marks: SVGElement[]): SVGElement =>
    svg(
      'pattern',
      { id: `p-${share}`, width: size, height: size, patternUnits: 'userSpaceOnUse' },
      svg('rect', { width: size, height: size, class: `fill-${share}` }),
      ...marks,
    );
  return svg(
    'defs',
    {},
    pattern('guests', 8, svg('path', { d: 'M-2 2l4-4M0 8l8-8M6 10l4-4', class: 'ink', 'stroke-width': 1.6 })),
    pattern('network', 8),
    pattern('traffic', 6, svg('circle', { cx: 3, cy: 3, r: 1.2, class: 'ink dot' })),
  );
}

export function drawScene(scene: Scene): SVGElement[] {
  return [
    ...grid(scene),
    ...axis(scene),
    ...scene.alarms.map((event) => alarmMark(scene, event)),
    ...marks(scene),
  ];
}

function grid({ width }: Scene): SVGElement[] {
  const lines = OUTAGE_LINES_NS.flatMap((ns) => [
    svg('line', { x1: LEFT, x2: width - RIGHT, y1: yOf(ns), y2: yOf(ns), class: 'grid' }),
    svg('text', { x: LEFT - 8, y: yOf(ns) + 4, 'text-anchor': 'end', class: 'label' }, round(duration(ns))),
  ]);
  return [...lines, svg('line', { x1: LEFT, x2: width - RIGHT, y1: BASE, y2: BASE, class: 'base' })];
}

function axis(scene: Scene): SVGElement[] {
  const { span, width, chosen, nowMs } = scene;
  const relative = chosen !== null && widthOf(span) < RELATIVE_BELOW_MS;
  const { stepMs, atMs } = ticks(span, innerWidth(width) / TICK_PX, relative ? chosen.announcedMs : 0);
  const label = relative ? relativeLabel(chosen.announcedMs) : clockLabel(stepMs);
  const marks = atMs.flatMap((ms) => [
    svg('line', { x1: xOf(scene, ms), x2: xOf(scene, ms), y1: BASE, y2: BASE + 5, class: 'base' }),
    svg('text', { x: xOf(scene, ms), y: BASE + 19, 'text-anchor': 'middle', class: 'label' }, label(ms)),
  ]);
  const from = relative ? 'from the announcement' : 'UTC';
  const unit = svg('text', { x: LEFT, y: BASE + 33, class: 'label faint' }, from);
  return [...marks, unit, ...nowLine(scene, nowMs)];
}

/** `1.50 s` -> `1.5 s`, `10.0 ms` -> `10 ms`. */
const round = (text: string): string => text.replace(/(\.\d*?)0+ /, '$1 ').replace('. ', ' ');

const relativeLabel =
  (zeroMs: number) =>
  (ms: number): string => {
    const ns = Math.round((ms - zeroMs) * 1e6);
    return Math.abs(ns) < 1e3 ? '0' : `${ns > 0 ? '+' : '−'}${round(duration(Math.abs(ns)))}`;
  };

const clockLabel =
  (stepMs: number) =>
  (ms: number): string => {
    const text = new Date(Math.round(ms)).toISOString();
    if (stepMs >= 86_400_000) return text.slice(5, 10);
    if (stepMs >= 60_000) return text.slice(11, 16) === '00:00' ? text.slice(5, 10) : text.slice(11, 16);
    return stepMs >= 1000 ? text.slice(11, 19) : text.slice(11, 23);
  };

function nowLine(scene: Scene, nowMs: number): SVGElement[] {
  const x = xOf(scene, nowMs);
  if (x < LEFT || x > scene.width) return [];
  return [svg('line', { x1: x, x2: x, y1: TOP - 8, y2: BASE, class: 'now' })];
}

/** A flag at the foot: split brains and flapping belong into the same story. */
function alarmMark(scene: Scene, { atMs, kind }: PageEvent): SVGElement {
  const x = xOf(scene, atMs);
  return svg(
    'g',
    { class: 'alarm' },
    svg('path', { d: `M${x} ${BASE}v-15l9 4.5-9 4.5`, class: 'flag' }),
    svg('title', {}, `${kind} ${new Date(atMs).toISOString().slice(11, 19)}`),
  );
}

function marks(scene: Scene): SVGElement[] {
  const shown = scene.moves.filter((move) => {
    const { startMs, endMs } = extentOf(move);
    return endMs >= scene.span.startMs && startMs <= scene.span.endMs;
  });
  const ordered = [
    ...shown.filter(({ id }) => id !== scene.chosen?.id),
    ...shown.filter(({ id }) => id === scene.chosen?.id),
  ];
  return ordered.map((move) => drawMove(scene, move));
}

function drawMove(scene: Scene, move: PageMove): SVGElement {
  const { startMs, endMs } = extentOf(move);
  const [x0, x1] = [xOf(scene, startMs), xOf(scene, endMs)];
  const wide = x1 - x0 >= BAR_FROM_PX;
  const chosen = move.id === scene.chosen?.id;
  const shape = wide ? bar(scene, move) : mark(move, (x0 + x1) / 2);
  const group = svg('g', { class: `move${chosen ? ' chosen' : ''}`, 'data-move': move.id }, ...shape);
  group.append(svg('title', {}, titleOf(move)));
  return group;
}

export function titleOf({ address, from, to, outageNs }: PageMove): string {
  const outage = outageNs === null ? 'outage not seen' : `outage ${duration(outageNs)}`;
  return `${address}: ${from?.port ?? 'nobody'} → ${to.port}, ${outage}`;
}

/** A stem as high as the outage; on it a shape for whose time most of it was. */
function mark(move: PageMove, x: number): SVGElement[] {
  const share = mainShare(move);
  if (move.outageNs === null || share === null)
    return [
      hit(x - 9, BASE - 16, 18, 22),
      svg('path', { d: `M${x} ${BASE - 9}l5 5-5 5-5-5z`, class: 'unknown' }),
    ];
  const y = yOf(move.outageNs);
  return [
    hit(x - 8, y - 10, 16, BASE - y + 10),
    svg('line', { x1: x, x2: x, y1: BASE, y2: y, class: 'stem' }),
    MARKS[share](x, y),
  ];
}

const hit = (x: number, y: number, width: number, height: number): SVGElement =>
  svg('rect', { x, y, width, height, class: 'hit' });

const MARKS: Readonly<Record<Share, (x: number, y: number) => SVGElement>> = {
  guests: (cx, cy) => svg('circle', { cx, cy, r: 6, fill: 'url(#p-guests)', class: 'edge' }),
  network: (x, y) =>
    svg('rect', { x: x - 5, y: y - 5, width: 10, height: 10, fill: 'url(#p-network)', class: 'edge' }),
  traffic: (x, y) => svg('path', { d: `M${x} ${y - 7}l6.5 11h-13z`, fill: 'url(#p-traffic)', class: 'edge' }),
};

function bar(scene: Scene, move: PageMove): SVGElement[] {
  const y = yOf(move.outageNs ?? 0) - BAR / 2;
  const at = (ns: number): number => clampX(scene, xOf(scene, move.announcedMs + ns / 1e6));
  const stages = move.stages.flatMap((stage) => drawStage(stage, at(stage.startNs), at(stage.endNs), y));
  const zero = xOf(scene, move.announcedMs);
  const announced = svg('path', { d: `M${zero} ${y + BAR + 3}l4 7h-8z`, class: 'announced' });
  return [...stages, announced];
}

/** A stage may begin kilometres left of the picture. */
const clampX = ({ width }: Scene, x: number): number => Math.min(Math.max(x, LEFT - 20), width + 20);

function drawStage(
  { name, share, startNs, endNs }: PageStage,
  x0: number,
  x1: number,
  y: number,
): SVGElement[] {
  const width = Math.max(x1 - x0, 1.5);
  const rect = svg('rect', { x: x0, y, width, height: BAR, fill: `url(#p-${share})`, class: 'edge' });
  if (width < LABEL_FROM_PX) return [rect];
  const text = `${STAGE_WORDS[name] ?? name} ${duration(endNs - startNs)}`;
  const label = text.length * 6.4 < width ? text : SHARE_WORDS[share];
  return [rect, svg('text', { x: x0 + width / 2, y: y - 5, 'text-anchor': 'middle', class: 'stage' }, label)];
}
