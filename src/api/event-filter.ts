// SPDX-License-Identifier: BSD-2-Clause
// Which events a reader asked for, decided where they are kept: what it did not ask for costs it nothing.
import { printable } from '../config/problem.js';
import { HavipError } from '../errors.js';
import { canonicalAddress } from '../net/addresses.js';
import type { EventKind, EventRecord } from '../observe/messages.js';
import type { EventFilter } from './types.js';

/** A mapping, so that a kind that is added is not forgotten here. */
const KINDS: Readonly<Record<EventKind, true>> = {
  ...{ bind: true, move: true, 'mac-change': true, release: true, refuse: true },
  ...{ flap: true, 'flap-end': true, 'split-brain': true, 'split-brain-end': true, 'dual-active': true },
  ...{ disagreement: true, attach: true, detach: true, config: true, lost: true },
};

/** Errors: USAGE for a kind that is none, and for an address that is none. */
export function matcherOf({ kinds = [], address, network }: EventFilter): (event: EventRecord) => boolean {
  const unknown = kinds.find((kind) => !Object.hasOwn(KINDS, kind));
  if (unknown !== undefined) {
    const cure = `one of: ${Object.keys(KINDS).join(', ')}`;
    throw new HavipError('USAGE', `no kind of event: ${quote(unknown)}`, { cure });
  }
  const wanted = new Set<string>(kinds);
  const canonical = address === undefined ? null : canonicalAddress(address);
  if (address !== undefined && canonical === null)
    throw new HavipError('USAGE', `not an IP address: ${quote(address)}`);
  return (event) =>
    (wanted.size === 0 || wanted.has(event.kind)) &&
    (canonical === null || event.address === canonical) &&
    (network === undefined || event.network === network);
}

const quote = (text: string): string => printable(JSON.stringify(text.slice(0, 64)));
