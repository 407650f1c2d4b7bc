// SPDX-License-Identifier: BSD-2-Clause
// The configuration as it stands: the file (or flags) that is in force, and what was defined at run time beside it.
// Every change is checked in a worker as a whole; nothing here touches what serves.
import { join } from 'node:path';
import { loadInWorker, type Loaded } from '../config/in-worker.js';
import type { ConfigSource } from '../config/load-worker.js';
import { problemsError, type Problem } from '../config/problem.js';
import type { Conflict, RuntimeSet } from '../config/runtime.js';
import type { Config } from '../config/types.js';
import { HavipError } from '../errors.js';
import type { HavipName } from '../observe/orders.js';
import { RuntimeStore } from './runtime-store.js';

export type Source = Exclude<ConfigSource, { readonly text: Uint8Array }>;

/** Checked, and not in force yet. */
export interface Candidate {
  readonly config: Config;
  readonly runtime: RuntimeSet;
  readonly conflicts: readonly Conflict[];
  readonly text: Uint8Array | null;
}

export class Configuration {
  private constructor(
    private readonly source: Source,
    private readonly overrides: Partial<Config>,
    readonly store: RuntimeStore,
    private now: Candidate,
  ) {}

  /**
   * @param overrides What flags or the environment said against the file; they beat it at every reload too.
   * @param statePath Where run-time definitions are kept where there is no file for them to lie beside.
   * Errors: USAGE with everything that is wrong with the file or the flags.
   */
  static async open(source: Source, overrides: Partial<Config> = {}, statePath = ''): Promise<Configuration> {
    const path = 'path' in source ? `${source.path}.runtime` : join(statePath, 'runtime.json');
    const store = await RuntimeStore.open(path);
    const loaded = await loadInWorker(source, store.set);
    if ('problems' in loaded) throw problemsError(loaded.problems);
    return new Configuration(source, overrides, store, candidate(loaded, store.set, overrides));
  }

  /** The file's name; null: started from flags, nothing to read again. */
  get path(): string | null {
    return 'path' in this.source ? this.source.path : null;
  }

  get config(): Config {
    return this.now.config;
  }

  /** Reads the file again. Errors: HavipError FAILED; what is wrong with the file are problems. */
  async reread(): Promise<Candidate | { readonly problems: readonly Problem[] }> {
    const { set } = this.store;
    const loaded = await loadInWorker(this.source, set);
    return 'problems' in loaded ? loaded : candidate(loaded, set, this.overrides);
  }

  /**
   * The file that is in force, whatever lies on the disk now, with another set beside it.
   * Errors: USAGE where the set holds an entry that the checks refuse and that was not refused before.
   */
  async check(runtime: RuntimeSet): Promise<Candidate> {
    const { text } = this.now;
    const source = text && 'path' in this.source ? { path: this.source.path, text } : this.source;
    const loaded = await loadInWorker(source, runtime);
    if ('problems' in loaded) throw problemsError(loaded.problems);
    const refused = loaded.conflicts.find((conflict) => !this.isKnown(entryOf(runtime, conflict)));
    if (refused) throw new HavipError('USAGE', refused.why);
    return candidate(loaded, runtime, this.overrides);
  }

  /** It is in force. */
  accept(candidate: Candidate): void {
    this.now = candidate;
  }

  /** HAVIPs in force that were defined at run time. */
  fromApi(): HavipName[] {
    const { runtime, conflicts } = this.now;
    const idle = new Set(conflicts.filter(({ kind }) => kind === 'havip').map(({ index }) => index));
    return runtime.havips
      .filter((_, index) => !idle.has(index))
      .map(({ network, subnet, havip }) => ({ network, subnet, address: havip.address }));
  }

  /** What was defined at run time and is not in force, a line each. */
  notes(): string[] {
    const { runtime, conflicts } = this.now;
    const lines = conflicts.map((conflict) => `${subjectOf(runtime, conflict)}: ${conflict.why}`);
    return this.store.fault === null ? lines : [this.store.fault, ...lines];
  }

  /** An entry that did not change and was out of force before is no news. */
  private isKnown(entry: unknown): boolean {
    const { runtime, conflicts } = this.now;
    return conflicts.some((conflict) => entryOf(runtime, conflict) === entry);
  }
}

const candidate = (loaded: Loaded, runtime: RuntimeSet, overrides: Partial<Config>): Candidate => ({
  config: { ...loaded.config, ...overrides },
  runtime,
  conflicts: loaded.conflicts,
  text: loaded.text,
});

const entryOf = ({ havips, eips }: RuntimeSet, { kind, index }: Conflict): unknown =>
  kind === 'havip' ? havips[index] : eips[index];

function subjectOf({ havips, eips }: RuntimeSet, { kind, index }: Conflict): string {
  const havip = havips[index];
  if (kind === 'havip') return `${havip?.havip.address} (${havip?.network}/${havip?.subnet})`;
  const eip = eips[index];
  return `EIP ${eip?.eip.address} (${eip?.network})`;
}
