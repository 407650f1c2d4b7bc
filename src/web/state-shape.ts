// SPDX-License-Identifier: BSD-2-Clause
// A HAVIP's state as a shape and a word, so that nobody has to tell colours apart.
import type { RowState } from '../observe/page/types.js';
import { el, svg } from './dom.js';

export const STATE_WORDS: Readonly<Record<RowState, string>> = {
  held: 'held',
  unheld: 'unheld',
  flapping: 'flapping',
  'split-brain': 'split brain',
};

/** Full: somebody has it. Hollow: nobody. Zigzag: it goes to and fro. Two halves: two speak for it. */
const SHAPES: Readonly<Record<RowState, () => SVGElement>> = {
  held: () => svg('circle', { cx: 8, cy: 8, r: 5.5, fill: 'currentColor' }),
  unheld: () =>
    svg('circle', {
      cx: 8,
      cy: 8,
      r: 5,
      fill: 'none',
      stroke: 'currentColor',
      'stroke-width': 2,
      'stroke-dasharray': '3 2.2',
    }),
  flapping: () =>
    svg('path', {
      d: 'M1.5 11 5 4.5l3 7 3-7 3.5 6.5',
      fill: 'none',
      stroke: 'currentColor',
      'stroke-width': 2.4,
      'stroke-linejoin': 'round',
      'stroke-linecap': 'round',
    }),
  'split-brain': () => svg('path', { d: 'M6.5 1.5v13L.5 8zM9.5 1.5v13l6-6.5z', fill: 'currentColor' }),
};

export function stateBadge(state: RowState): HTMLElement {
  return el('span', { class: `state ${state}` }, stateShape(state), STATE_WORDS[state]);
}

export function stateShape(state: RowState): SVGElement {
  return svg('svg', { viewBox: '0 0 16 16', width: 14, height: 14, 'aria-hidden': 'true' }, SHAPES[state]());
}
