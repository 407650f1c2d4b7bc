// SPDX-License-Identifier: BSD-2-Clause
// A dossier for people: whose time it was, a bar of its stages, and every stamp in the order in which it came.
import type { Dossier, Share, Stage } from '../holders/dossier.js';
import { rfc3339 } from './json.js';
import { escapeControl, paintText, type Color } from './render.js';

/** A terminal has at least 80 columns, two of which the demo takes; advice is folded there. */
const COLUMNS = 78;
const BAR_COLUMNS = 60;

/** By shape first: colour is only for who has it. */
const SHARES: Readonly<Record<Share, { mark: string; color: Color; words: string }>> = {
  guests: { mark: '#', color: 'yellow', words: 'to notice, elect, announce and answer' },
  network: { mark: '!', color: 'red', words: 'from the announcement to the binding' },
  traffic: { mark: '.', color: 'grey', words: 'nobody sent anything' },
};

/** Ends with a line feed. */
export function dossierText(dossier: Dossier, color = false): string {
  const blocks = [
    headLines(dossier),
    outageLines(dossier),
    dossier.stages.length ? [`  ${stageBar(dossier.stages, BAR_COLUMNS, color)}`] : [],
    stampLines(dossier),
    fold(dossier.advice),
  ];
  const lines = blocks.filter((block) => block.length).flatMap((block, at) => (at ? ['', ...block] : block));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

function headLines({ id, network, subnet, address, from, to, reason, announcedWallNs }: Dossier): string[] {
  const who = `${from ? from.port : 'nobody'} -> ${to.port}`;
  return [
    `move ${id}  ${address} ${network}/${subnet}`,
    `  ${rfc3339(announcedWallNs).slice(0, 23)}Z  ${who}, by ${reason}`,
  ].map(escapeControl);
}

function outageLines({
  outageNs,
  basis,
  guestsNs,
  networkNs,
  stages,
  expectedGuestsNs,
  from,
  to,
}: Dossier): string[] {
  if (outageNs === null) return ['  outage     none seen'];
  const old = from?.port ?? 'nobody';
  const measured =
    basis === 'answers'
      ? `from ${old}'s last answer to ${to.port}'s first`
      : `from the last packet to ${old} to the first to ${to.port}`;
  const expected =
    expectedGuestsNs === null
      ? SHARES.guests.words
      : `expected ${duration(expectedGuestsNs)} after the last advert`;
  const trafficNs = stages.reduce(
    (sum, one) => (one.share === 'traffic' ? sum + one.endNs - one.startNs : sum),
    0n,
  );
  const row = (name: string, ns: bigint, words: string): string =>
    escapeControl(`  ${name.padEnd(9)}${duration(ns).padStart(13)}  ${words}`);
  return [
    row('outage', outageNs, measured),
    row(' guests', guestsNs ?? 0n, `${SHARES.guests.mark} ${expected}`),
    row(' network', networkNs ?? 0n, `${SHARES.network.mark} ${SHARES.network.words}`),
    ...(trafficNs ? [row(' traffic', trafficNs, `${SHARES.traffic.mark} ${SHARES.traffic.words}`)] : []),
  ];
}

/** Each stage has at least one mark, so that what took microseconds is seen too. */
export function stageBar(stages: readonly Stage[], columns: number, color = false): string {
  const lengths = stages.map(({ startNs, endNs }) => Number(endNs - startNs));
  const total = lengths.reduce((sum, length) => sum + length, 0) || 1;
  const room = Math.max(0, columns - stages.length);
  return stages
    .map(({ share }, at) => {
      const { mark, color: name } = SHARES[share];
      const marks = mark.repeat(1 + Math.round((room * (lengths[at] ?? 0)) / total));
      return color ? paintText(marks, name) : marks;
    })
    .join('');
}

function stampLines({ stamps, from, to, address, reason, releaseReason, vrrp }: Dossier): string[] {
  const [old, now] = [from?.port ?? '', to.port];
  const priority = (value: number | null | undefined): string =>
    value == null ? '' : ` (priority ${value})`;
  const rows: readonly (readonly [bigint | null, string, string])[] = [
    [stamps.lastAdvertNs, old, `last VRRP advert${priority(vrrp?.oldPriority)}`],
    [stamps.resignedNs, old, 'says goodbye: VRRP priority 0'],
    [stamps.lastFromOldNs, old, `last packet as ${address}`],
    [stamps.lastToOldNs, old, 'gets its last packet'],
    [stamps.firstMissedNs, '', 'first packet that nobody answered'],
    [stamps.releasedNs, 'havip', `releases it: ${releaseReason}`],
    [stamps.firstSignNs, now, `first probe or VRRP advert${priority(vrrp?.newPriority)}`],
    [stamps.announcedNs, now, `announces ${address} (${reason})`],
    [stamps.writtenNs, 'havip', `has it in the map${after(stamps.announcedNs, stamps.writtenNs)}`],
    [stamps.firstToNewNs, now, 'gets its first packet'],
    [stamps.firstFromNewNs, now, `first packet as ${address}`],
  ];
  const seen = rows.filter((row): row is readonly [bigint, string, string] => row[0] !== null);
  const sorted = seen
    .map((row, at) => ({ row, at }))
    .sort((a, b) => Number(a.row[0] - b.row[0]) || a.at - b.at);
  const zeroNs = stamps.lastFromOldNs ?? stamps.lastToOldNs ?? stamps.lastAdvertNs ?? stamps.announcedNs;
  const width = Math.max(...seen.map(([, who]) => who.length));
  return sorted.map(({ row: [ns, who, what] }) =>
    escapeControl(`  ${relative(ns - zeroNs).padStart(14)}  ${who.padEnd(width)}  ${what}`),
  );
}

const after = (fromNs: bigint, toNs: bigint | null): string =>
  toNs === null ? '' : `, ${duration(toNs - fromNs)} later`;

const thousands = (value: number, digits: number): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** In ms down to a tenth; below that in µs or ns. */
export function duration(ns: bigint): string {
  const us = Number(ns) / 1000;
  if (us >= 100) return `${thousands(us / 1000, 1)} ms`;
  return us >= 1 ? `${us.toFixed(1)} µs` : `${ns} ns`;
}

const relative = (ns: bigint): string => `${thousands(Number(ns) / 1e6, 1)} ms`;

function fold(sentence: string): string[] {
  const lines: string[] = [];
  let line = ' ';
  for (const word of escapeControl(sentence).split(' ')) {
    if (line.length + 1 + word.length > COLUMNS && line.trim()) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
