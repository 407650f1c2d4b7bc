// SPDX-License-Identifier: BSD-2-Clause
// The dossiers of the last moves, in the worker: what `havip explain`, the page, the metrics and the history go by.
import type { DossierQuery } from '../api/types.js';
import type { Dossier } from '../holders/dossier.js';

/** About 1 KB each. */
export const DOSSIERS_KEPT = 4096;

type Listener = (dossier: Dossier) => void;

export class DossierMemory {
  private readonly kept = new Map<number, Dossier>();
  private readonly listeners = new Set<Listener>();

  constructor(private readonly limit = DOSSIERS_KEPT) {}

  /** The newest word about that move; listeners hear of it whenever it changes, last when it is complete. */
  put(dossier: Dossier): void {
    this.kept.set(dossier.id, dossier);
    if (this.kept.size > this.limit) {
      const [oldest] = this.kept.keys();
      if (oldest !== undefined) this.kept.delete(oldest);
    }
    for (const listener of this.listeners) listener(dossier);
  }

  /** Oldest first. */
  find({ id, address, network, last }: DossierQuery): readonly Dossier[] {
    if (id !== undefined) return [this.kept.get(id)].filter((found) => found !== undefined);
    const found = [...this.kept.values()].filter(
      (one) => one.address === (address ?? one.address) && one.network === (network ?? one.network),
    );
    return last === undefined ? found : found.slice(-last);
  }

  /** @returns Ends the subscription. `listener` must neither throw nor wait. */
  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}
