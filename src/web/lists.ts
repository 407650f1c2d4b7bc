// SPDX-License-Identifier: BSD-2-Clause
// The ports with their health, and the last events.
import type { EventsPart, PageEvent, PageParty, PagePort, PortsPart } from '../observe/page/types.js';
import { byId, el, replace, setText, type Child } from './dom.js';
import { clock, duration, grouped, plural } from './format.js';

const row = (cells: readonly (readonly [string, Child[]])[], state: string): HTMLElement =>
  el(
    'tr',
    { 'data-state': state },
    ...cells.map(([name, children]) => el('td', { class: name }, ...children)),
  );

const headOf = (caption: string, ...titles: string[]): Child[] => [
  el('caption', { class: 'sr' }, caption),
  el('thead', {}, el('tr', {}, ...titles.map((title) => el('th', { scope: 'col' }, title)))),
];

export function showPorts({ ports, total, unwell }: PortsPart): void {
  const rest = total > ports.length ? `, ${ports.length} shown` : '';
  setText(
    byId('ports-count'),
    total === 0 ? '' : `${plural(total, 'port')}${rest}, ${unwell === 0 ? 'all well' : `${unwell} not well`}`,
  );
  const head = headOf('Ports and their health', 'Port', 'Health', 'Hook', 'Refused', 'Dropped');
  const empty = el(
    'tr',
    { class: 'empty' },
    el('td', { colspan: 5 }, 'No port is served. They appear when a bridge of the configuration has some.'),
  );
  replace(byId('ports'), ...head, el('tbody', {}, ...(ports.length ? ports.map(portRow) : [empty])));
}

function portRow(port: PagePort): HTMLElement {
  const { name, bridge, kind, hook, takesXdp, refused, dropped } = port;
  const [mark, health, state] = healthOf(port);
  const count = (value: string, atMs: number | null): Child[] => [
    el('span', { title: 'since it was attached' }, grouped(value)),
    atMs === null ? null : el('span', { class: 'faint block' }, `last ${clock(atMs).slice(0, 8)}`),
  ];
  const redirect = takesXdp ? 'takes XDP' : 'by the bridge from XDP';
  return row(
    [
      ['mono', [name, el('span', { class: 'faint block' }, bridge ? `${kind} of ${bridge}` : kind)]],
      ['health', [el('span', { class: 'mark', 'aria-hidden': 'true' }, mark), health]],
      ['', [hook, el('span', { class: 'faint block' }, redirect)]],
      ['number', count(refused, port.refusedMs)],
      ['number', count(dropped, port.droppedMs)],
    ],
    state,
  );
}

function healthOf({ up, failure }: PagePort): readonly [string, string, string] {
  if (failure !== null) return ['✕', `not attached: ${failure}`, 'bad'];
  return up ? ['✓', 'attached, up', 'good'] : ['↓', 'attached, down', 'warn'];
}

const BAD_KINDS: ReadonlySet<string> = new Set([
  'split-brain',
  'flap',
  'dual-active',
  'disagreement',
  'lost',
]);
const WARN_KINDS: ReadonlySet<string> = new Set(['refuse', 'release', 'detach']);

export function showEvents({ events }: EventsPart): void {
  const head = headOf('The last events, newest first', 'Time', 'What', 'HAVIP', 'Who', 'Why');
  const empty = el('tr', { class: 'empty' }, el('td', { colspan: 5 }, 'Nothing has happened yet.'));
  replace(byId('events'), ...head, el('tbody', {}, ...(events.length ? events.map(eventRow) : [empty])));
}

function eventRow(event: PageEvent): HTMLElement {
  const { atMs, kind, address, network, subnet, reason, count, repointNs } = event;
  const where = address ? el('span', { class: 'faint block' }, `${network} / ${subnet}`) : null;
  const repoint =
    repointNs === null ? null : el('span', { class: 'faint block' }, `re-point ${duration(repointNs)}`);
  const state = BAD_KINDS.has(kind) ? 'bad' : WARN_KINDS.has(kind) ? 'warn' : 'good';
  return row(
    [
      ['mono', [clock(atMs)]],
      ['kind', [count > 1 ? `${kind} ×${grouped(String(count))}` : kind]],
      ['mono', [address, where]],
      ['mono', who(event)],
      ['', [reason, repoint]],
    ],
    state,
  );
}

function who({ kind, from, to }: PageEvent): Child[] {
  const port = (one: PageParty | null): string => one?.port ?? 'nobody';
  if (!from && !to) return [];
  if (kind === 'refuse' || !from) return [port(to)];
  return [port(from), ' → ', port(to)];
}
