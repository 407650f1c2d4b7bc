// SPDX-License-Identifier: BSD-2-Clause
// Packets a second of the chosen HAVIP and the busiest ones, by uPlot. Lines differ by dashes too, not by colour alone.
import uPlot from './uplot.js';
import type { ChartsPart } from '../observe/page/types.js';
import { byId, el, replace, setText } from './dom.js';
import { clock, rate } from './format.js';

const HEIGHT = 210;
const DASHES: readonly number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5]];

export class Charts {
  private readonly box = byId('chart');
  private readonly empty = el('p', { class: 'empty' }, 'No packet to any HAVIP yet.');
  private plot: uPlot | null = null;
  private part: ChartsPart | null = null;
  private drawnFor = '';

  /** @param colorOf The value of a CSS variable, as the theme has it now: a canvas knows none. */
  constructor(private readonly colorOf: (name: string) => string) {
    this.box.append(this.empty);
    new ResizeObserver(() => this.plot?.setSize({ width: this.box.clientWidth, height: HEIGHT })).observe(
      this.box,
    );
    addEventListener('havip-theme', () => this.redraw());
  }

  show(part: ChartsPart): void {
    this.part = part;
    const lines = part.series.map(({ key }) => key).join('\n');
    this.empty.hidden = part.series.length > 0;
    if (lines !== this.drawnFor || !this.plot) return this.redraw();
    this.plot.setData(dataOf(part));
    this.showLegend(part, null);
  }

  private redraw(): void {
    this.plot?.destroy();
    this.plot = null;
    const { part } = this;
    this.drawnFor = part?.series.map(({ key }) => key).join('\n') ?? '';
    replace(byId('chart-legend'));
    if (!part || part.series.length === 0) return;
    this.plot = new uPlot(this.options(part), dataOf(part), this.box);
    this.showLegend(part, null);
  }

  private options({ series }: ChartsPart): uPlot.Options {
    const axis = {
      stroke: this.colorOf('--muted'),
      grid: { stroke: this.colorOf('--line'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
    };
    return {
      width: this.box.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { y: { range: (_plot, _least, most) => [0, Math.max(most * 1.1, 10)] } },
      axes: [
        {
          ...axis,
          space: 80,
          values: (_plot, times) => times.map((seconds) => clock(seconds * 1000).slice(0, 8)),
        },
        { ...axis, size: 58, values: (_plot, rates) => rates.map((value) => rate(value)) },
      ],
      series: [{}, ...series.map((_, at) => this.line(at))],
      hooks: { setCursor: [({ cursor }) => this.part && this.showLegend(this.part, cursor.idx ?? null)] },
    };
  }

  private line(at: number): uPlot.Series {
    return {
      stroke: this.colorOf(`--line-${at}`),
      width: 2,
      dash: DASHES[at] ?? [],
      points: { show: false },
    };
  }

  /** @param index Where the cursor is; null: the newest. */
  private showLegend({ series, timesMs }: ChartsPart, index: number | null): void {
    const list = byId('chart-legend');
    const at = index ?? timesMs.length - 1;
    if (list.childElementCount !== series.length) replace(list, ...series.map((_, n) => legendLine(n)));
    series.forEach(({ address, values }, n) => {
      const [, name, value] = list.children[n]?.children ?? [];
      if (name) setText(name, address);
      if (value) setText(value, rate(values[at] ?? null));
    });
  }
}

const dataOf = ({ timesMs, series }: ChartsPart): uPlot.AlignedData => [
  timesMs.map((ms) => ms / 1000),
  ...series.map(({ values }) => [...values]),
];

const legendLine = (at: number): HTMLElement =>
  el(
    'li',
    {},
    el('span', { class: `key key-${at}` }),
    el('span', { class: 'mono' }),
    el('b', { class: 'number' }),
  );
