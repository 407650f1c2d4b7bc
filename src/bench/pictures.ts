// SPDX-License-Identifier: BSD-2-Clause
// A picture -> SVG, without a browser. What draws it is loaded only here: no other command waits for it.
import type { Library, Picture } from './suite.js';

/** What is used of the DOM: its types would bring a browser's globals into all of this program. */
interface Drawn {
  readonly tagName: string;
  readonly outerHTML: string;
  querySelectorAll(selector: string): Iterable<Drawn>;
  setAttribute(name: string, value: string): void;
}

interface Means {
  readonly library: Library;
  readonly document: unknown;
}

/** null where the optional packages were not installed: then there are figures, and no pictures. */
export async function drawingMeans(): Promise<Means | null> {
  try {
    const [library, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
    const { document } = parseHTML('<!doctype html><html><body></body></html>') as { document: unknown };
    return { library, document };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  }
}

/** A file of its own: its colours, and what a page would otherwise have said, are in it. */
export function toSvg({ title, plot }: Picture, { library, document }: Means): string {
  const draw = library.plot as unknown as (options: object) => Drawn;
  const style = { background: 'white', color: '#222', fontSize: '12px' };
  const drawn = draw({ width: 860, ...plot(library), document, style });
  // With a legend it is a figure around two drawings, and the last is the plot itself.
  const svg = drawn.tagName.toLowerCase() === 'svg' ? drawn : [...drawn.querySelectorAll('svg')].at(-1);
  if (!svg) throw new Error(`nothing was drawn for "${title}"`);
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', title);
  return `${svg.outerHTML}\n`;
}
