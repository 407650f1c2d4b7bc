// SPDX-License-Identifier: BSD-2-Clause
// Below the table: ports, what is wrong with them first, and the last events.
import type { DaemonStatus } from '../api/types.js';
import type { EventKind, EventParty, EventRecord, PortRecord } from '../observe/messages.js';
import { clean, fit, flow, type Line, type Span, type Style } from './text.js';
import { durationText, timeText } from './words.js';

/** At most `height` lines. */
export function portLines(daemon: DaemonStatus | null, width: number, height: number): Line[] {
  if (!daemon) return [];
  const { ports, absent } = daemon;
  const missing = absent.map(({ kind, name }): Span => ({
    text: clean(`${name} ABSENT ${kind}`),
    style: 'yellow',
  }));
  const troubled = ports.filter(isTroubled).map(portSpan);
  const sound = ports.filter((port) => !isTroubled(port)).map(portSpan);
  const all = [...troubled, ...missing, ...sound];
  if (all.length === 0) return [[{ text: 'no port is served', style: 'yellow' }]];
  return flow(all, width, height);
}

const isTroubled = ({ up, failure }: PortRecord): boolean => !up || failure !== null;

/** State in words, since colour may be missing. */
function portSpan({ name, kind, hook, up, failure }: PortRecord): Span {
  const what = kind === 'vnic' ? hook : `${kind} ${hook}`;
  if (failure !== null) return { text: clean(`${name} NOT ATTACHED: ${failure}`), style: 'red' };
  return up ? { text: clean(`${name} ${what}`) } : { text: clean(`${name} ${what} DOWN`), style: 'yellow' };
}

const KIND_STYLE: Partial<Record<EventKind, Style>> = {
  move: 'bold',
  release: 'yellow',
  refuse: 'yellow',
  flap: 'red',
  'split-brain': 'red',
  'dual-active': 'red',
  disagreement: 'red',
  detach: 'yellow',
  lost: 'red',
};

/** The newest `height`, the newest last, as a log is read. */
export function eventLines(events: readonly EventRecord[], width: number, height: number): Line[] {
  if (events.length === 0) return [[{ text: 'nothing has happened yet', style: 'grey' }]];
  return height > 0 ? events.slice(-height).map((event) => eventLine(event, width)) : [];
}

/** A narrow screen keeps when, what and who: the address comes before the reason. */
function eventLine(event: EventRecord, width: number): Line {
  const { wallNs, kind, address, reason, count, repointNs } = event;
  const time = timeText(wallNs).slice(0, width < 60 ? 8 : 12);
  const rest = [
    address,
    partiesText(event),
    reason,
    count > 1 ? `x${count}` : '',
    repointNs === null ? '' : `in ${durationText(repointNs)}`,
  ];
  const text = clean(` ${rest.filter(Boolean).join(' ')}`);
  const style = KIND_STYLE[kind];
  const what = kind.padEnd(width < 60 ? 7 : 11);
  return fit([{ text: `${time} ` }, style ? { text: what, style } : { text: what }, { text }], width);
}

function partiesText({ from, to }: EventRecord): string {
  if (from && to) return `${partyText(from)} -> ${partyText(to)}`;
  if (from) return `${partyText(from)} -> nobody`;
  return to ? partyText(to) : '';
}

/** A MAC says less than its port, and takes more room. */
const partyText = ({ port, mac }: EventParty): string => port || mac;
