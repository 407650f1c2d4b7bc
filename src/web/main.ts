// SPDX-License-Identifier: BSD-2-Clause
// The status page: takes the parts that the daemon sends, and gives each to whoever shows it.
import type {
  DaemonPart,
  PageMove,
  PageParts,
  PageRow,
  PartName,
  TotalsPart,
} from '../observe/page/types.js';
import { Charts } from './charts.js';
import { byId, el, replace } from './dom.js';
import { DossierPanel, swatch } from './dossier.js';
import { showEvents, showPorts } from './lists.js';
import { Liveness } from './liveness.js';
import { Moves, SHARE_MEANINGS, SHARE_WORDS, type Share } from './moves.js';
import { Stream } from './stream.js';
import { showAlarms, showChosen, showConfig, showDaemon, showTiles } from './summary.js';
import { HavipTable } from './table.js';
import { Timeline } from './timeline.js';
import { ViewState } from './view-state.js';

const live = new Liveness();
const moves = new Moves();
const view: ViewState = new ViewState(() => stream.open());
const nowMs = (): number => live.nowMs();
const table = new HavipTable(view, nowMs);
const charts = new Charts((name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim());
const dossier = new DossierPanel({ close: closeDossier, zoom: (move) => timeline.zoomTo(move) });
const timeline: Timeline = new Timeline(moves, { nowMs, chosen: showDossier });

let daemon: DaemonPart | null = null;
let totals: TotalsPart | null = null;

const SHOW: { readonly [Name in PartName]: (part: PageParts[Name]) => void } = {
  tick: (part) => live.ticked(part),
  daemon: (part) => {
    if (daemon && daemon.startedMs !== part.startedMs) forget();
    daemon = part;
    showConfig(part);
  },
  totals: (part) => {
    totals = part;
    showAlarms(part, chooseRow);
  },
  rows: (part) => {
    table.show(part);
    showChosen(part.chosen, nowMs(), () => view.choose(''));
  },
  charts: (part) => charts.show(part),
  ports: showPorts,
  events: (part) => {
    showEvents(part);
    timeline.showAlarms(part.events);
  },
  moves: (part) => {
    moves.add(part);
    timeline.movesChanged();
    dossier.show(timeline.chosen);
  },
};

const stream: Stream = new Stream(() => view.search(), {
  part: (name, value) => SHOW[name](value),
  lost: (why) => live.gone(why),
});

function forget(): void {
  moves.clear();
  timeline.movesChanged();
}

/** Choosing a move chooses its HAVIP too. */
function showDossier(move: PageMove | null, enter: boolean): void {
  dossier.show(move);
  if (move) view.choose(move.key);
  if (enter) dossier.focus();
}

function closeDossier(): void {
  timeline.choose(null);
  timeline.focus();
}

function chooseRow(row: PageRow): void {
  view.choose(row.key);
}

function everySecond(): void {
  if (daemon) showDaemon(daemon, nowMs());
  if (totals) showTiles(totals, moves.list, nowMs());
  timeline.draw();
}

const SHARES: readonly Share[] = ['guests', 'network', 'traffic'];
replace(
  byId('shares'),
  ...SHARES.map((share) => el('li', { title: SHARE_MEANINGS[share] }, swatch(share), SHARE_WORDS[share])),
);
showChosen(null, 0, () => undefined);
setInterval(everySecond, 1000);
stream.open();
