// SPDX-License-Identifier: BSD-2-Clause
// One HAVIP: who holds it, what it carries, its last moves as dossiers, and what was told about it.
import { rfc3339 } from '../cli/json.js';
import type { EventRecord } from '../observe/messages.js';
import { dossierLines } from './dossier-view.js';
import { eventLines } from './panes.js';
import type { Row } from './rows.js';
import type { Details } from './state.js';
import { clean, fit, type Line } from './text.js';
import { ageText, countText, rateText } from './words.js';

const SHOWN_EVENTS = 10;

/** The newest dossier first: it is the one that somebody was woken for. */
export function detailsLines(
  { subject, row, dossiers }: Details,
  events: readonly EventRecord[],
  width: number,
  nowMs: number,
): Line[] {
  const { network, subnet, address } = subject;
  const own = events.filter((event) => event.address === address && event.network === network);
  const lines: Line[] = [
    [{ text: clean(`${address}  ${network}/${subnet}`), style: 'bold' }],
    ...(row ? rowLines(row, nowMs) : [[{ text: 'no longer configured here', style: 'red' } as const]]),
    [],
    ...(dossiers.length ? [] : [[{ text: 'no move is on record', style: 'grey' } as const], []]),
    ...dossiers.toReversed().flatMap((dossier) => dossierLines(dossier, width)),
    ...(own.length ? eventLines(own, width, SHOWN_EVENTS) : []),
  ];
  return lines.map((line) => fit(line, width));
}

function rowLines(row: Row, nowMs: number): Line[] {
  const { state, holder, moves, rate, packets, savedPackets, unheldPackets } = row;
  const held = holder
    ? [
        `held by ${holder.port} ${holder.mac} (${holder.location}), by ${holder.by}`,
        `since ${rfc3339(holder.sinceWallNs).slice(0, 23)}Z, ${ageText(nowMs - Number(holder.sinceWallNs / 1_000_000n))}`,
      ]
    : ['nobody holds it'];
  const texts = [
    `${state}, ${countText(moves)} moves`,
    ...held,
    `${rateText(rate)} packets/s, ${countText(packets)} in all`,
    `${countText(savedPackets)} saved, ${countText(unheldPackets)} while unheld`,
  ];
  return texts.map((text, at) => [
    at === 0 && state !== 'held' ? { text, style: 'red' } : { text: clean(text) },
  ]);
}
