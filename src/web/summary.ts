// SPDX-License-Identifier: BSD-2-Clause
// The head of the page: which daemon, the sums, and what must not be overlooked.
import type { DaemonPart, PageMove, PageRow, TotalsPart } from '../observe/page/types.js';
import { byId, el, replace, setAttribute, setText, type Child } from './dom.js';
import { age, duration, grouped, plural, rate, rfc3339 } from './format.js';
import { stateBadge } from './state-shape.js';

const HOUR_MS = 3_600_000;

export function showDaemon({ version, pid, startedMs, pinPath }: DaemonPart, nowMs: number): void {
  const daemon = byId('daemon');
  setText(daemon, `version ${version} · process ${pid} · up ${age(nowMs - startedMs)}`);
  setAttribute(daemon, 'title', `since ${rfc3339(startedMs)}, pins at ${pinPath}`);
}

/** A stale configuration, what it names and this host lacks, and what was lost. */
export function showConfig({ config, absent, losses }: DaemonPart): void {
  const notices: HTMLElement[] = [];
  if (config?.stale) {
    const problems = config.problems.map((problem) => el('li', {}, el('code', {}, problem)));
    const text = `Configuration stale: ${config.path ?? 'the file'} is bad, the one before goes on serving.`;
    notices.push(notice('bad', el('strong', {}, text), el('ul', {}, ...problems)));
  }
  if (absent.length > 0) {
    const names = absent.map(({ kind, name }) => `${kind} ${name}`).join(', ');
    notices.push(notice('warn', el('strong', {}, `Absent: ${names}.`), ' Served as soon as it appears.'));
  }
  if (losses.ringFull !== '0' || losses.claimsFull !== '0') {
    const text = `${grouped(losses.ringFull)} doorbells and ${grouped(losses.claimsFull)} claims found no room.`;
    notices.push(
      notice('warn', el('strong', {}, text), ' The maps were read instead: no holder was missed by it.'),
    );
  }
  replaceIfChanged(byId('config'), notices);
}

const notice = (kind: string, ...children: Child[]): HTMLElement =>
  el('div', { class: `notice ${kind}` }, ...children);

/** A status that is written again is read out again. */
function replaceIfChanged(box: HTMLElement, notices: readonly HTMLElement[]): void {
  const next = el('div', {}, ...notices);
  if (next.textContent !== box.textContent) replace(box, ...notices);
}

export function showAlarms({ alarms, flapping, split }: TotalsPart, choose: (row: PageRow) => void): void {
  const said: string[] = [];
  if (split > 0) said.push(`Split brain: two guests speak for ${plural(split, 'HAVIP')}`);
  if (flapping > 0) said.push(`${plural(flapping, 'HAVIP')} flapping: the move budget is spent`);
  setText(
    document.querySelector('title') as Element,
    said.length ? `⚠ ${split + flapping} alarms · havip` : 'havip',
  );
  const box = byId('alarms');
  const key = JSON.stringify([said, alarms.map(({ key, state, holder }) => [key, state, holder?.port])]);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  if (said.length === 0) return replace(box);
  const more = split + flapping - alarms.length;
  const buttons = alarms.map((row) =>
    el(
      'button',
      { type: 'button', onclick: () => choose(row) },
      stateBadge(row.state),
      el('span', { class: 'mono' }, row.address),
      holderText(row),
    ),
  );
  const rest = more > 0 ? el('span', {}, `and ${grouped(String(more))} more`) : null;
  replace(
    box,
    notice('alarm', el('strong', {}, `${said.join('. ')}.`), el('div', { class: 'chips' }, ...buttons, rest)),
  );
}

const holderText = ({ holder }: PageRow): string => (holder ? `served by ${holder.port}` : 'nobody holds it');

export function showTiles(totals: TotalsPart, moves: readonly PageMove[], nowMs: number): void {
  const lately = moves.filter(({ announcedMs }) => announcedMs > nowMs - HOUR_MS);
  const longest = Math.max(0, ...lately.map(({ outageNs }) => outageNs ?? 0));
  const tiles = [
    tile('HAVIPs', grouped(String(totals.havips)), ''),
    tile('held', grouped(String(totals.held)), totals.held > 0 ? 'good' : ''),
    tile('unheld', grouped(String(totals.unheld)), totals.unheld > 0 ? 'warn' : ''),
    tile(
      'in alarm',
      grouped(String(totals.flapping + totals.split)),
      totals.flapping + totals.split > 0 ? 'bad' : '',
    ),
    tile('packets a second', rate(totals.rate), ''),
    tile('moves in the last hour', grouped(String(lately.length)), ''),
    tile('longest outage of them', lately.length > 0 ? duration(longest) : '–', ''),
  ];
  replaceTiles(byId('tiles'), tiles);
}

function tile(name: string, value: string, kind: string): HTMLElement {
  return el(
    'div',
    { class: `tile ${kind}` },
    el('span', { class: 'value' }, value),
    el('span', { class: 'name' }, name),
  );
}

function replaceTiles(box: HTMLElement, tiles: readonly HTMLElement[]): void {
  tiles.forEach((next, at) => {
    const now = box.children[at];
    if (!now) box.append(next);
    else if (now.textContent !== next.textContent || now.className !== next.className) now.replaceWith(next);
  });
}

/** The HAVIP whose row was clicked: what the table has no room for. */
export function showChosen(row: PageRow | null, nowMs: number, close: () => void): void {
  const box = byId('chosen');
  if (!row)
    return replace(
      box,
      el('p', { class: 'count' }, 'The busiest ones. Choose a HAVIP in the table to see its own.'),
    );
  const { holder } = row;
  const facts: readonly (readonly [string, string])[] = [
    ['Holder', holder ? `${holder.port}, ${holder.mac}` : 'nobody'],
    [
      'Since',
      holder
        ? `${rfc3339(holder.sinceMs).slice(0, 23)}Z, ${age(nowMs - holder.sinceMs)}, by ${holder.by}`
        : '–',
    ],
    ['Delivered', `${grouped(row.packets)} packets, ${grouped(row.bytes)} bytes`],
    ['Saved', `${grouped(row.saved)} that were sent to another MAC`],
    ['While unheld', `${grouped(row.unheld)} packets`],
  ];
  const key = JSON.stringify([row.key, row.state, facts]);
  if (box.dataset.key === key && box.childElementCount > 1) return;
  box.dataset.key = key;
  const focused = box.contains(document.activeElement);
  const button = el('button', { type: 'button', 'aria-label': 'Show the busiest only', onclick: close }, '✕');
  replace(
    box,
    el('div', { class: 'head' }, el('h3', { class: 'mono' }, row.address), stateBadge(row.state), button),
    el('dl', {}, ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])),
  );
  if (focused) button.focus();
}
