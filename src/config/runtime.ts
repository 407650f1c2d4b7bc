// SPDX-License-Identifier: BSD-2-Clause
// What was defined at run time, put among what the file says, for the very same checks. Where the two collide the file
// wins: the entry of run time is left out and said to be, and the rest is in force. Pure; runs in the worker.
import type { Finding, Path } from './problem.js';

/** A HAVIP as the file would write it: `address`, `members`, `rebind`, ... */
export type HavipValue = Readonly<Record<string, unknown>> & { readonly address: string };
export type EipValue = Readonly<Record<string, unknown>> & {
  readonly address: string;
  readonly havip: string;
};

export interface RuntimeHavip {
  readonly network: string;
  readonly subnet: string;
  readonly havip: HavipValue;
}

export interface RuntimeEip {
  readonly network: string;
  readonly eip: EipValue;
}

export type RuntimeEntry = RuntimeHavip | RuntimeEip;

export interface RuntimeSet {
  readonly havips: readonly RuntimeHavip[];
  readonly eips: readonly RuntimeEip[];
}

export const NO_RUNTIME: RuntimeSet = { havips: [], eips: [] };

/** An entry that is not in force, by its place in the set. */
export interface Conflict {
  readonly kind: 'havip' | 'eip';
  readonly index: number;
  readonly why: string;
}

type Check<File> = (value: unknown) => { readonly file: File | null; readonly findings: readonly Finding[] };

export interface Checked<File> {
  readonly file: File | null;
  /** Of the file's own. */
  readonly findings: readonly Finding[];
  readonly conflicts: readonly Conflict[];
}

/** What leaves drags others along (an EIP goes with its HAVIP); more rounds than that are no use. */
const ROUNDS = 8;

/** @param value The file's, as plain values; it is not changed. */
export function checkWithRuntime<File>(
  value: unknown,
  runtime: RuntimeSet,
  check: Check<File>,
): Checked<File> {
  const conflicts: Conflict[] = [];
  let entries = numbered(runtime);
  for (let round = 0; entries.length > 0 && round < ROUNDS; round++) {
    const { merged, placed, homeless } = merge(value, entries);
    conflicts.push(...homeless);
    const { file, findings } = check(merged);
    if (file !== null) return { file, findings, conflicts };
    const blamed = blame(findings, placed);
    // Nobody in particular (the capacity): the file has to stand by itself.
    if (blamed.size === 0) break;
    for (const [entry, why] of blamed) conflicts.push(conflictOf(entry, why));
    entries = [...placed.values()].filter((entry) => !blamed.has(entry));
  }
  const { file, findings } = check(value);
  const left = entries.filter((entry) => !conflicts.some((known) => isAbout(known, entry)));
  return { file, findings, conflicts: [...conflicts, ...left.map((entry) => conflictOf(entry, TOO_MANY))] };
}

const TOO_MANY = 'the configuration has no room for it';

interface Numbered {
  readonly kind: 'havip' | 'eip';
  readonly index: number;
  readonly entry: RuntimeEntry;
}

const numbered = ({ havips, eips }: RuntimeSet): Numbered[] => [
  ...havips.map((entry, index) => ({ kind: 'havip', index, entry }) as const),
  ...eips.map((entry, index) => ({ kind: 'eip', index, entry }) as const),
];

const conflictOf = ({ kind, index }: Numbered, why: string): Conflict => ({ kind, index, why });
const isAbout = (conflict: Conflict, { kind, index }: Numbered): boolean =>
  conflict.kind === kind && conflict.index === index;

interface Merged {
  readonly merged: unknown;
  /** By the path where each stands in `merged`, as text. */
  readonly placed: ReadonlyMap<string, Numbered>;
  /** Those whose network or subnet is gone. */
  readonly homeless: readonly Conflict[];
}

function merge(value: unknown, entries: readonly Numbered[]): Merged {
  const copy = new Copy(value);
  const placed = new Map<string, Numbered>();
  const homeless: Conflict[] = [];
  for (const numbered of entries) {
    const { entry } = numbered;
    const path =
      'havip' in entry
        ? copy.add(entry.network, entry.subnet, entry.havip)
        : copy.add(entry.network, null, entry.eip);
    if (path) placed.set(keyOf(path), numbered);
    else homeless.push(conflictOf(numbered, `there is no ${placeOf(entry)} any more`));
  }
  return { merged: copy.value, placed, homeless };
}

const placeOf = (entry: RuntimeEntry): string =>
  'havip' in entry ? `subnet ${entry.network}/${entry.subnet}` : `network ${entry.network}`;

const keyOf = (path: Path): string => path.join('/');

type Mapping = Record<string, unknown>;

/** The file's value with lists of its own wherever something is added: an anchor may share the original's. */
class Copy {
  readonly value: unknown;
  private readonly networks: Mapping[] = [];
  /** Lists that are ours already. */
  private readonly own = new Set<unknown>();

  constructor(value: unknown) {
    if (!isMapping(value) || !Array.isArray(value.networks)) {
      this.value = value;
      return;
    }
    this.networks = value.networks.map(copyNetwork);
    this.value = { ...value, networks: this.networks };
  }

  /** @param subnet null: to the network's EIPs. @returns where it stands; null: there is no such place. */
  add(network: string, subnet: string | null, item: unknown): Path | null {
    const at = this.networks.findIndex(({ name }) => name === network);
    const home = this.networks[at];
    if (!home) return null;
    if (subnet === null) return ['networks', at, 'eips', this.append(home, 'eips', item)];
    const subnets = Array.isArray(home.subnets) ? (home.subnets as Mapping[]) : [];
    const below = subnets.findIndex((one) => isMapping(one) && one.name === subnet);
    const place = subnets[below];
    return place ? ['networks', at, 'subnets', below, 'havips', this.append(place, 'havips', item)] : null;
  }

  private append(home: Mapping, key: 'havips' | 'eips', item: unknown): number {
    const present = home[key];
    const list: unknown[] = this.own.has(present) ? (present as unknown[]) : [...listOf(present)];
    home[key] = list;
    this.own.add(list);
    return list.push(item) - 1;
  }
}

function copyNetwork(network: unknown): Mapping {
  if (!isMapping(network)) return network as Mapping;
  const { subnets } = network;
  const copied = Array.isArray(subnets)
    ? subnets.map((subnet: unknown) => (isMapping(subnet) ? { ...subnet } : subnet))
    : subnets;
  return { ...network, ...(copied !== undefined && { subnets: copied }) };
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Lengths of the paths that lead to an entry: networks/0/subnets/0/havips/0, networks/0/eips/0. */
const DEPTHS = [6, 4];

/** Which entries are at fault, and why: those at the place of a finding, else the first one that it collides with. */
function blame(findings: readonly Finding[], placed: ReadonlyMap<string, Numbered>): Map<Numbered, string> {
  const blamed = new Map<Numbered, string>();
  for (const { path, first, message } of findings) {
    const entry = entryAt(path, placed) ?? (first && entryAt(first, placed));
    if (entry && !blamed.has(entry)) blamed.set(entry, message);
  }
  return blamed;
}

function entryAt(path: Path, placed: ReadonlyMap<string, Numbered>): Numbered | undefined {
  return DEPTHS.map((depth) => placed.get(keyOf(path.slice(0, depth)))).find(Boolean);
}
