// SPDX-License-Identifier: BSD-2-Clause
// Which HAVIPs have changed, for those who watch: from events, alarms and definitions. Names only; how a HAVIP is now
// is read when it is told.
import type { HavipName } from './orders.js';

type Listener = (names: readonly HavipName[] | null) => void;

export const keyOf = ({ network, subnet, address }: HavipName): string => `${network}/${subnet}/${address}`;

export class HavipChanges {
  private readonly listeners = new Set<Listener>();

  /** @param names null: so many that all are to be read again. */
  tell(names: readonly HavipName[] | null): void {
    if (names?.length === 0) return;
    for (const listener of this.listeners) listener(names);
  }

  /** @returns Ends it. */
  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}
