// SPDX-License-Identifier: BSD-2-Clause
// Elements, and text in them. Strings reach the page only here, as text nodes with control characters made visible.
import { visible } from './escape.js';

export type Child = Node | string | null;
type Value = string | number | boolean | null | ((event: never) => void);
type Attributes = Readonly<Record<string, Value>>;

const SVG = 'http://www.w3.org/2000/svg';

/** Attributes by name; `onclick` and its like are listeners; false and null leave out. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  return filled(document.createElement(tag), attributes, children);
}

export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[Tag] {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled<T extends Element>(element: T, attributes: Attributes, children: readonly Child[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener);
    else setAttribute(element, name, value);
  }
  element.append(...children.flatMap((child) => (child === null ? [] : [toNode(child)])));
  return element;
}

const toNode = (child: Node | string): Node =>
  typeof child === 'string' ? document.createTextNode(visible(child)) : child;

/** Touches the page only where something changes. */
export function setAttribute(element: Element, name: string, value: string | number | boolean | null): void {
  if (value === null || value === false) return element.removeAttribute(name);
  const text = value === true ? '' : visible(String(value));
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

export function setText(element: Element, text: string): void {
  const shown = visible(text);
  if (element.textContent !== shown) element.textContent = shown;
}

export function replace(element: Element, ...children: Child[]): void {
  element.replaceChildren(...children.flatMap((child) => (child === null ? [] : [toNode(child)])));
}

/** One of index.html's. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}
