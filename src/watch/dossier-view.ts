// SPDX-License-Identifier: BSD-2-Clause
// A dossier on the screen: who lost it to whom, how long it was gone, and the stages as bars on one time line.
import type { Dossier, Share, Stage } from '../holders/dossier.js';
import { clean, fit, pad, type Line, type Style } from './text.js';
import { durationText, timeText } from './words.js';

const STYLE: Record<Share, Style> = { guests: 'yellow', network: 'red', traffic: 'grey' };

/** Each line fits `width`. The last is blank. */
export function dossierLines(dossier: Dossier, width: number): Line[] {
  const { id, announcedWallNs, from, to, reason, advice, complete } = dossier;
  const move = `${from ? from.port : 'nobody'} -> ${to.port}`;
  const title = clean(`move ${id}  ${timeText(announcedWallNs)} UTC  ${move}  ${reason}`);
  const lines: Line[] = [
    [{ text: title, style: 'bold' }],
    [{ text: clean(outageText(dossier)) }],
    ...stageBars(dossier.stages, width),
  ];
  if (!complete) lines.push([{ text: 'still waiting for packets of the new holder', style: 'grey' }]);
  if (advice) lines.push([{ text: clean(`advice: ${advice}`) }]);
  return [...lines.map((line) => fit(line, width)), []];
}

function outageText({ outageNs, basis, guestsNs, networkNs, expectedGuestsNs }: Dossier): string {
  if (outageNs === null) return 'outage unknown: no traffic was seen on one side';
  const parts = [`outage by ${basis} ${durationText(outageNs)}`, `guests ${durationText(guestsNs)}`];
  parts.push(`network ${durationText(networkNs)}`);
  if (expectedGuestsNs !== null) parts.push(`VRRP alone ${durationText(expectedGuestsNs)}`);
  return parts.join('  ');
}

/** Each stage where it lies between the first stamp and the last. */
function stageBars(stages: readonly Stage[], width: number): Line[] {
  const [first, last] = [stages.at(0)?.startNs ?? 0n, stages.at(-1)?.endNs ?? 0n];
  const name = stages.reduce((widest, stage) => Math.max(widest, stage.name.length), 6);
  const cells = Math.max(4, width - name - 22);
  const cellOf = (ns: bigint): number =>
    Math.floor((Number(ns - first) * cells) / Number(last - first || 1n));
  return stages.map(({ name: what, share, startNs, endNs }) => {
    const from = Math.min(cells - 1, cellOf(startNs));
    const length = Math.max(1, cellOf(endNs) - from);
    const label = `  ${pad(clean(what), name)} ${pad(share, 7)} ${pad(durationText(endNs - startNs), 9, true)}  `;
    return [{ text: label }, { text: ' '.repeat(from) + '#'.repeat(length), style: STYLE[share] }];
  });
}
