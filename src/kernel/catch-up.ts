// SPDX-License-Identifier: BSD-2-Clause
// The programs go on deciding in the old maps while those are copied into larger ones. Once the new maps are in use,
// what was decided in between is brought after.
import type { Tables } from './maps.js';

/**
 * Bindings and states that are newer in `from`; whatever the programs have decided in `to` since stays.
 * @param place Has packets of a HAVIP go by what was written to `to.bindings`.
 * @returns how many HAVIPs.
 */
export function catchUp(from: Tables, to: Tables, place: (havip: number) => void): number {
  let late = 0;
  for (const [key, binding] of from.bindings.entries()) {
    const { havip } = binding;
    const state = from.states.get(havip);
    const copied = to.states.get(havip);
    const isNewer = state && copied && state.newestNs > copied.newestNs;
    if (!isNewer && binding.sinceNs <= (to.bindings.get(key)?.sinceNs ?? 0n)) continue;
    // A claimant that waits in it has lost its timer: the loader applies it, as after a start.
    if (state) to.states.set(havip, state);
    to.bindings.set(key, binding);
    place(havip);
    late++;
  }
  return late;
}
