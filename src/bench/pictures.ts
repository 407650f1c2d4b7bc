// SPDX-License-Identifier: BSD-2-Clause
// A picture -> SVG, without a browser. What draws it is loaded only here: no other command waits for it.
import type { Library, Picture } from './suite.js';

/** What is used of the DOM: its types would bring a browser's globals into all of this program. */
interface Drawn {
  readonly tagName: string;
  readonly outerHTML: string;
  textContent: string;
  append(child: Drawn): void;
  querySelectorAll(selector: string): Iterable<Drawn>;
  setAttribute(name: string, value: string): void;
}

interface Drawing {
  createElementNS(namespace: string, name: string): Drawn;
}

interface Means {
  readonly library: Library;
  readonly document: Drawing;
}

const SVG = 'http://www.w3.org/2000/svg';

/** null where the optional packages were not installed: then there are figures, and no pictures. */
export async function drawingMeans(): Promise<Means | null> {
  try {
    const [library, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
    const { document } = parseHTML('<!doctype html><html><body></body></html>') as unknown as {
      document: Drawing;
    };
    return { library, document };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  }
}

/** Unit: pixels, above whatever the picture has there itself. */
const TITLE_HEIGHT = 24;

function heading(document: Drawing, title: string): Drawn {
  const text = document.createElementNS(SVG, 'text');
  const attributes = { x: '10', y: '18', 'text-anchor': 'start', 'font-weight': 'bold' };
  for (const [name, value] of Object.entries(attributes)) text.setAttribute(name, value);
  text.textContent = title;
  return text;
}

/** A file of its own: its colours, and what a page would otherwise have said, are in it. */
export function toSvg({ title, plot }: Picture, { library, document }: Means): string {
  const draw = library.plot as unknown as (options: object) => Drawn;
  const style = { background: 'white', color: '#222', fontSize: '12px' };
  const options = plot(library);
  const marginTop = TITLE_HEIGHT + (options.marginTop ?? 20);
  const height = options.height === undefined ? {} : { height: options.height + TITLE_HEIGHT };
  const drawn = draw({ width: 860, ...options, ...height, marginTop, document, style });
  // With a legend it is a figure around two drawings, and the last is the plot itself.
  const svg = drawn.tagName.toLowerCase() === 'svg' ? drawn : [...drawn.querySelectorAll('svg')].at(-1);
  if (!svg) throw new Error(`nothing was drawn for "${title}"`);
  svg.setAttribute('xmlns', SVG);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', title);
  svg.append(heading(document, title));
  return `${svg.outerHTML}\n`;
}
