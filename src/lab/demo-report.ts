// SPDX-License-Identifier: BSD-2-Clause
// The demo's outcome for a person: a timeline and the shares of the outage, in 80 columns of plain ASCII.
import { NEW, OLD, type Measured } from './demo.js';
import { type Figures, type Moment } from './demo-figures.js';

export type Paint = (text: string, color: 'red' | 'green' | 'yellow' | 'grey') => string;

const BAR_COLUMNS = 34;

export interface Outcome {
  readonly measured: Measured;
  readonly figures: Figures;
  readonly advertIntervalS: number;
}

export function report(outcome: Outcome, paint: Paint): string {
  return `${timeline(outcome, paint)}\n${shares(outcome.figures, paint)}${losses(outcome, paint)}`;
}

function timeline({ measured, figures, advertIntervalS }: Outcome, paint: Paint): string {
  const isNews = ({ who }: Moment): boolean => who === NEW;
  const first = figures.timeline.findIndex(isNews);
  const lines = figures.timeline.map((moment) => momentLine(moment, measured.killedNs, paint));
  const wait = `${'...'.padStart(14)}  ${NEW}    misses three adverts, one every ${advertIntervalS} s, and takes over`;
  if (first >= 0) lines.splice(first, 0, paint(wait, 'grey'));
  return [`  since the kill`, ...lines, ''].join('\n');
}

function momentLine({ timeNs, who, what }: Moment, killedNs: bigint, paint: Paint): string {
  const at = `${milliseconds(timeNs - killedNs)} ms`.padStart(14);
  const name = who.padEnd(6);
  return `${at}  ${who === 'havip' ? paint(name, 'green') : name}  ${what}`;
}

function shares({ outageNs, guestsNs, networkNs, repointNs }: Figures, paint: Paint): string {
  if (outageNs === null || guestsNs === null || networkNs === null) {
    return row('outage', paint(`without end: nothing reached ${NEW}`, 'red'));
  }
  const line = (name: string, ns: bigint, rest: string): string =>
    row(name, `${milliseconds(ns).padStart(9)} ms  ${rest}`);
  const part = (ns: bigint): string =>
    '#'.repeat(Math.max(1, Math.round((Number(ns) / Number(outageNs)) * BAR_COLUMNS)));
  const repoint = repointNs === null ? '' : `${milliseconds(repointNs, 2)} ms of it to write the map`;
  return [
    line('outage', outageNs, `from ${OLD}'s last answer to ${NEW}'s first`),
    line(' guests', guestsNs, `${paint(part(guestsNs), 'yellow')} to notice`),
    line(' network', networkNs, `${paint(part(networkNs), 'green')} ${repoint}`),
  ].join('');
}

function losses({ measured: { stream, downloads, havip }, figures }: Outcome, paint: Paint): string {
  const gap = milliseconds(BigInt(figures.longestGapNs));
  const { before, running, after } = downloads;
  const saved = havip?.savedPackets ?? 0;
  return [
    row('lost', `${count(stream.lost)} of ${count(stream.sent)} packets; longest gap ${gap} ms`),
    row('saved', `${count(saved)} packets that were sent to ${OLD}'s MAC, and reached ${NEW}`),
    row(
      'downloads',
      `before ${outcome(before.intact, paint)}, after ${outcome(after.intact, paint)}; ${runningText(running)}`,
    ),
    verdict(figures, paint),
  ].join('');
}

/** Nothing in the network can save it. */
function runningText({ bytes, error }: Measured['downloads']['running']): string {
  if (error === '') return 'the one under way came through';
  return `the one under way broke at ${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function outcome(intact: boolean, paint: Paint): string {
  return intact ? paint('intact', 'green') : paint('BROKEN', 'red');
}

function verdict({ ok, followed, oneHolder }: Figures, paint: Paint): string {
  const why = !followed
    ? `${NEW} was not followed`
    : !oneHolder
      ? 'two guests answered'
      : 'a download is damaged';
  return ok ? '' : row('FAILED', paint(why, 'red'));
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(10)}${text}\n`;
}

/** With thousands apart: a failover takes from a fraction of one to tens of thousands. */
function milliseconds(ns: bigint, digits = 1): string {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return (Number(ns) / 1e6).toLocaleString('en-US', options);
}

function count(value: number | bigint): string {
  return value.toLocaleString('en-US');
}
