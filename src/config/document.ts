// SPDX-License-Identifier: BSD-2-Clause
// YAML text -> plain values, and from a path back to the line. Values are converted here and not by yaml's own `toJS`:
// it searches all anchors for every alias (100,000 aliases: 112 s, measured with yaml 2.9.1; here 0.1 s).
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Alias, LineCounter, Node, Pair, YAMLMap } from 'yaml';
import { show } from './messages.js';
import type { Finding, Path } from './problem.js';
import { readSyntax, type TextFault } from './syntax.js';

/** Values that all aliases together may stand for: 100,000 HAVIPs that share a list of 100 members are within. */
const MAX_EXPANDED = 20_000_000;

/** A YAML document as plain values that knows where each of them stood. */
export class ConfigDocument {
  readonly value: unknown;
  readonly faults: readonly TextFault[];
  readonly #root: Node | null;
  readonly #lines: LineCounter;
  readonly #targets: ReadonlyMap<Alias, Node>;

  /** Errors: none, whatever the text. */
  constructor(text: string) {
    const { document, faults, lines } = readSyntax(text);
    this.#lines = lines;
    this.#root = document?.contents ?? null;
    const converter = new Converter();
    this.value = converter.convert(this.#root);
    this.faults = [...faults, ...converter.faults];
    this.#targets = converter.targets;
  }

  get isEmpty(): boolean {
    return this.#root === null || (isScalar(this.#root) && this.#root.value === null);
  }

  /** Line and column, from 1, of an offset. */
  place(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }

  /** Where the value (or key) at `path` starts; where it does not exist, its nearest existing ancestor. */
  offsetOf(path: Path, at: Finding['at']): number {
    let node = this.#resolve(this.#root);
    for (const [index, part] of path.entries()) {
      const pair = isMap(node) ? findPair(node, part) : undefined;
      if (pair !== undefined && at === 'key' && index === path.length - 1) return startOf(pair.key as Node);
      const next = isSeq(node) ? node.items[Number(part)] : pair?.value;
      // `key:` with nothing behind it: the key is all there is to point to.
      if (next === undefined || next === null) return startOf(pair === undefined ? node : (pair.key as Node));
      node = this.#resolve(next as Node);
    }
    return startOf(node);
  }

  #resolve(node: Node | null): Node | null {
    return isAlias(node) ? (this.#targets.get(node) ?? node) : node;
  }
}

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

function findPair(map: YAMLMap, key: string | number): Pair | undefined {
  return map.items.find((pair) => keyText(pair.key) === String(key));
}

/** A key as text, as it was written: an interface may be called 0x10. */
function keyText(key: unknown): string {
  if (!isScalar(key)) return '(not text)';
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}

interface Converted {
  readonly value: unknown;
  /** Nodes in it with every alias expanded. */
  readonly size: number;
}

class Converter {
  readonly faults: TextFault[] = [];
  readonly targets = new Map<Alias, Node>();
  readonly #anchors = new Map<string, { node: Node; converted: Converted | null }>();
  #expanded = 0;

  convert(root: Node | null): unknown {
    return this.#convert(root).value;
  }

  #convert(node: unknown): Converted {
    if (isAlias(node)) return this.#alias(node);
    const anchor = (node as { anchor?: string } | null)?.anchor;
    // Known before its content is: an alias inside it must not find an older anchor of the same name.
    if (anchor !== undefined) this.#anchors.set(anchor, { node: node as Node, converted: null });
    const converted = this.#content(node);
    if (anchor !== undefined) this.#anchors.set(anchor, { node: node as Node, converted });
    return converted;
  }

  #content(node: unknown): Converted {
    if (isMap(node)) return this.#map(node);
    if (isSeq(node)) return this.#seq(node.items);
    return { value: isScalar(node) ? node.value : null, size: 1 };
  }

  #seq(items: readonly unknown[]): Converted {
    let size = 1;
    const value = items.map((item) => {
      const converted = this.#convert(item);
      size += converted.size;
      return converted.value;
    });
    return { value, size };
  }

  #map(map: YAMLMap): Converted {
    let size = 1;
    const entries = new Map<string, unknown>();
    for (const pair of map.items) {
      const key = this.#key(pair, entries);
      const converted = this.#convert(pair.value);
      size += converted.size;
      entries.set(key, converted.value);
    }
    // fromEntries defines properties, so that the key __proto__ is a key like any other.
    return { value: Object.fromEntries(entries), size };
  }

  #key(pair: Pair, seen: ReadonlyMap<string, unknown>): string {
    const key = keyText(pair.key);
    const offset = startOf(pair.key as Node | null);
    if (!isScalar(pair.key))
      this.faults.push({ offset, message: 'a key that is no plain text; allowed: words' });
    else if (seen.has(key))
      this.faults.push({ offset, message: `the key ${show(key)} is given twice; allowed: once` });
    return key;
  }

  #alias(alias: Alias): Converted {
    const anchor = this.#anchors.get(alias.source);
    const offset = startOf(alias);
    if (anchor === undefined || anchor.converted === null) {
      const why = anchor === undefined ? 'has no anchor before it' : 'stands inside its own anchor';
      this.faults.push({ offset, message: `the alias ${show(`*${alias.source}`)} ${why}` });
      return { value: null, size: 1 };
    }
    this.targets.set(alias, anchor.node);
    return this.#bounded(anchor.converted, offset);
  }

  /** Aliases of aliases grow by powers (the "billion laughs"); no later check should have to count that far. */
  #bounded(converted: Converted, offset: number): Converted {
    const before = this.#expanded;
    this.#expanded += converted.size;
    if (this.#expanded <= MAX_EXPANDED) return converted;
    const message = `the aliases up to here stand for more than ${MAX_EXPANDED} values, which is the most allowed`;
    if (before <= MAX_EXPANDED) this.faults.push({ offset, message });
    return { value: null, size: 1 };
  }
}
