// SPDX-License-Identifier: BSD-2-Clause
// Lines of a screen: text with a style, measured in terminal cells, cut and padded to a width. All of ours is ASCII;
// names may be anything, so they are escaped and measured here and nowhere else.
import { escapeControl, paintText, type Color } from '../cli/render.js';

export type Style = 'bold' | 'reverse' | Color;

export interface Span {
  readonly text: string;
  readonly style?: Style;
}

/** Shape: left to right; no span holds a control character. */
export type Line = readonly Span[];

/** Stands for what was cut off. */
const CUT = '~';

/** East Asian wide and full-width characters, and emoji: two cells each. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]/u;
/** Accents that sit on the character before, joiners and variation selectors: no cell of their own. */
const ZERO = /[\p{Mn}\p{Me}\p{Cf}]/u;
const ASCII = /^[\x20-\x7e]*$/;

const cellsOf = (character: string): number => (ZERO.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

/** Unit: terminal cells. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  return Array.from(text).reduce((cells, character) => cells + cellsOf(character), 0);
}

export const lineWidth = (line: Line): number => line.reduce((cells, { text }) => cells + textWidth(text), 0);

/** What a guest or a file chose, as text of ours. */
export const clean = escapeControl;

/** At most `width` cells; a cut is marked in the last of them. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  if (width <= 0) return '';
  let [kept, cells] = ['', 0];
  for (const character of text) {
    cells += cellsOf(character);
    if (cells > width - 1) break;
    kept += character;
  }
  return kept + CUT;
}

/** Exactly `width` cells. */
export function pad(text: string, width: number, right = false): string {
  const fitting = cut(text, width);
  const blanks = ' '.repeat(width - textWidth(fitting));
  return right ? blanks + fitting : fitting + blanks;
}

/** The line, cut where the screen ends. */
export function fit(line: Line, width: number): Line {
  let left = width;
  const spans: Span[] = [];
  for (const span of line) {
    if (left <= 0) break;
    const whole = textWidth(span.text) <= left;
    spans.push(whole ? span : { ...span, text: cut(span.text, left) });
    left -= textWidth(span.text);
  }
  return spans;
}

/** `left` and `right` at the two ends of a line; where both do not fit, `left` goes first. */
export function spread(left: Line, right: Line, width: number): Line {
  const blanks = width - lineWidth(left) - lineWidth(right);
  return blanks < 1 ? fit(left, width) : [...left, { text: ' '.repeat(blanks) }, ...right];
}

/** Items in lines of at most `width` cells, two blanks apart; what `most` lines cannot take is counted at the end. */
export function flow(items: readonly Span[], width: number, most: number): Line[] {
  const lines: Span[][] = [];
  for (const [at, item] of items.entries()) {
    const line = lines.at(-1);
    const more = items.length - at;
    const room = lines.length === most && more > 1 ? width - `  +${more}`.length : width;
    if (line && lineWidth(line) + 2 + textWidth(item.text) <= room) line.push({ text: '  ' }, item);
    else if (lines.length < most) lines.push([item]);
    else if (line) return [...lines.slice(0, -1), fit([...line, { text: `  +${more}` }], width)];
  }
  return lines;
}

const SGR = { bold: ['\x1b[1m', '\x1b[22m'], reverse: ['\x1b[7m', '\x1b[27m'] } as const;

/** As the terminal takes it; without `color` the bare text. */
export function lineText(line: Line, color: boolean): string {
  const text = line.map((span) => (color ? painted(span) : span.text)).join('');
  return color ? text : text.trimEnd();
}

function painted({ text, style }: Span): string {
  if (style === undefined) return text;
  if (style !== 'bold' && style !== 'reverse') return paintText(text, style);
  const [on, off] = SGR[style];
  return `${on}${text}${off}`;
}
