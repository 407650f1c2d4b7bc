// SPDX-License-Identifier: BSD-2-Clause
// One failover in full: its outage and whose time it was, the stages in a bar, what to tune, every stamp.
import type { PageMove, PageParty } from '../observe/page/types.js';
import { byId, el, replace, type Child } from './dom.js';
import { duration, exact, offset, rfc3339 } from './format.js';
import { SHARE_MEANINGS, SHARE_WORDS, STAGE_WORDS, STAMP_WORDS, trafficNs, type Share } from './moves.js';

const SHARE_TITLES: Readonly<Record<Share, string>> = {
  guests: "guests' share",
  network: "network's share",
  traffic: 'no traffic',
};

const BASIS_WORDS: Readonly<Record<PageMove['basis'], string>> = {
  answers: "from the old holder's last packet to the new one's first",
  deliveries: 'from the last packet that the old holder got to the first that the new one got',
  none: 'nobody sent anything while nobody answered',
};

export interface DossierHooks {
  close(): void;
  zoom(move: PageMove): void;
}

export class DossierPanel {
  private readonly box = byId('dossier');
  private shown: PageMove | null = null;

  constructor(private readonly hooks: DossierHooks) {
    this.box.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      hooks.close();
    });
  }

  /** The same word for word is left alone: somebody may be reading it. */
  show(move: PageMove | null): void {
    if (JSON.stringify(move) === JSON.stringify(this.shown)) return;
    const inside = this.box.contains(document.activeElement);
    this.shown = move;
    this.box.hidden = move === null;
    replace(this.box, ...(move ? this.contents(move) : []));
    if (inside && move) this.focus();
  }

  focus(): void {
    this.box.querySelector<HTMLElement>('h3')?.focus();
  }

  private contents(move: PageMove): Child[] {
    return [
      this.heading(move),
      el('p', { class: 'advice' }, el('strong', {}, 'What to tune '), move.advice || 'Nothing.'),
      move.stages.length > 0 ? stageBar(move) : null,
      el('div', { class: 'figures' }, shares(move), stamps(move)),
    ];
  }

  private heading(move: PageMove): HTMLElement {
    const { address, network, subnet, from, to, id, complete } = move;
    const who = `${address} from ${from?.port ?? 'nobody'} to ${to.port}`;
    const outage = move.outageNs === null ? 'outage not seen' : `${duration(move.outageNs)} outage`;
    return el(
      'div',
      { class: 'head' },
      el('h3', { id: 'dossier-title', tabindex: -1 }, who, el('span', { class: 'outage' }, outage)),
      el(
        'p',
        { class: 'count' },
        `move ${id} · ${network} / ${subnet} · ${rfc3339(move.announcedMs)}${complete ? '' : ' · still being written'}`,
      ),
      el(
        'div',
        { class: 'tools' },
        el('button', { type: 'button', onclick: () => this.hooks.zoom(move) }, 'Show its stages'),
        el(
          'button',
          { type: 'button', 'aria-label': 'Close the dossier', onclick: () => this.hooks.close() },
          '✕',
        ),
      ),
    );
  }
}

/** Not to scale where a stage would be too thin to see: the figures below are. */
function stageBar({ stages }: PageMove): HTMLElement {
  const total = stages.reduce((sum, { startNs, endNs }) => sum + endNs - startNs, 0) || 1;
  const parts = stages.map(({ name, share, startNs, endNs }) => {
    const part = el('li', {
      class: `stage fill-${share}`,
      title: `${STAGE_WORDS[name] ?? name}: ${exact(endNs - startNs)} (${SHARE_WORDS[share]})`,
    });
    part.style.flexGrow = String(Math.max(0.004, (endNs - startNs) / total));
    return part;
  });
  const legend = stages.map(({ name, share, startNs, endNs }) =>
    el(
      'li',
      {},
      swatch(share),
      `${STAGE_WORDS[name] ?? name} `,
      el('b', {}, duration(endNs - startNs)),
      el('span', { class: 'faint' }, ` ${SHARE_WORDS[share]}`),
    ),
  );
  return el(
    'div',
    { class: 'bar-box' },
    el('ol', { class: 'bar', 'aria-hidden': 'true' }, ...parts),
    el('ol', { class: 'legend', 'aria-label': 'Stages in their order' }, ...legend),
  );
}

export const swatch = (share: Share): HTMLElement => el('span', { class: `swatch fill-${share}` });

function shares(move: PageMove): HTMLElement {
  const { outageNs, guestsNs, networkNs, expectedGuestsNs, basis, vrrp } = move;
  const figure = (ns: number | null): string => (ns === null ? 'not seen' : exact(ns));
  const share = (name: Share, ns: number | null): HTMLElement =>
    line([swatch(name), SHARE_TITLES[name]], figure(ns), SHARE_MEANINGS[name]);
  return el(
    'table',
    { class: 'plain' },
    el('caption', {}, 'Figures'),
    el(
      'tbody',
      {},
      line(['outage'], figure(outageNs), BASIS_WORDS[basis]),
      share('guests', guestsNs),
      share('network', networkNs),
      share('traffic', move.stages.length > 0 ? trafficNs(move) : null),
      line(
        ['expected of the guests'],
        figure(expectedGuestsNs),
        'until a VRRP backup takes over, by RFC 9568',
      ),
      ...(vrrp
        ? [line(['VRRP'], `VRID ${vrrp.vrid}, advert every ${duration(vrrp.intervalNs)}`, priorities(vrrp))]
        : []),
      line(['taken by'], move.reason, move.releaseReason ? `released before: ${move.releaseReason}` : ''),
      line(['old holder'], party(move.from), ''),
      line(['new holder'], party(move.to), ''),
    ),
  );
}

const party = (one: PageParty | null): string => (one ? `${one.port}  ${one.mac}` : 'nobody');

function priorities({ oldPriority, newPriority }: NonNullable<PageMove['vrrp']>): string {
  const word = (priority: number | null): string => (priority === null ? 'not seen' : String(priority));
  return `priority ${word(oldPriority)}, then ${word(newPriority)}`;
}

function stamps({ stamps: seen, announcedMs }: PageMove): HTMLElement {
  const inOrder = [...seen].sort((a, b) => a.atNs - b.atNs);
  return el(
    'table',
    { class: 'plain' },
    el('caption', {}, 'Stamps, from the announcement'),
    el(
      'tbody',
      {},
      ...inOrder.map(({ name, atNs }) =>
        line([STAMP_WORDS[name] ?? name], offset(atNs), rfc3339(announcedMs + atNs / 1e6).slice(11)),
      ),
    ),
  );
}

const line = (name: Child[], figure: string, note: string): HTMLElement =>
  el(
    'tr',
    {},
    el('th', { scope: 'row' }, ...name),
    el('td', { class: 'number' }, figure),
    el('td', { class: 'faint' }, note),
  );
