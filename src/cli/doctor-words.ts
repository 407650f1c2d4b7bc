// SPDX-License-Identifier: BSD-2-Clause
// What `havip doctor` prints. For somebody who was woken up: what fails, what to do, and no more.
import { AREAS, type Finding, type State } from '../doctor/finding.js';
import { escapeControl, paintText, type Color, type Screen } from './render.js';

const COLOR: Record<State, Color> = { fail: 'red', warn: 'yellow', ok: 'green' };
const WIDTH = 6;

export interface Shown {
  /** Also what is well. */
  readonly verbose: boolean;
  readonly screen: Screen;
}

/** Ends with a line feed. The cure has a line of its own, so that it can be copied whole. */
export function renderFindings(findings: readonly Finding[], { verbose, screen }: Shown): string {
  const of = (state: State): Finding[] => findings.filter((finding) => finding.state === state);
  const wrong = [...of('fail'), ...of('warn')].map((finding) => entry(finding, screen)).join('');
  const well = verbose ? byArea(of('ok'), screen) : '';
  return wrong + well + summary(of('fail').length, of('warn').length, of('ok').length, verbose);
}

function entry({ area, check, state, detail, cure }: Finding, { color }: Screen): string {
  const label = state.padEnd(WIDTH);
  const head = color ? paintText(label, COLOR[state]) : label;
  const cured = cure === null ? '' : `${' '.repeat(WIDTH)}${escapeControl(cure)}\n`;
  return `${head}${area}, ${escapeControl(`${check}: ${detail}`)}\n${cured}`;
}

function byArea(findings: readonly Finding[], screen: Screen): string {
  return AREAS.flatMap((area) => findings.filter((finding) => finding.area === area))
    .map((finding) => entry(finding, screen))
    .join('');
}

function summary(fails: number, warnings: number, well: number, verbose: boolean): string {
  const counted = (count: number, one: string): string[] =>
    count ? [`${count} ${one}${count > 1 ? 's' : ''}`] : [];
  const wrong = [...counted(fails, 'failure'), ...counted(warnings, 'warning')].join(', ');
  const rest = `${well} check${well === 1 ? ' is' : 's are'} ok${verbose ? '' : ' (-v lists them)'}`;
  return wrong ? `${wrong}; ${rest}\n` : `nothing is wrong: ${rest}\n`;
}
