// SPDX-License-Identifier: BSD-2-Clause
// What a run found, as text: JSON with every sample, and a page of Markdown with each figure beside the command that
// measures it again.
import { isMet, percentile, type Figure } from './figures.js';
import { machineText } from './machine.js';
import type { Report, SuiteReport } from './run.js';

export function reportJson({ machine, suites }: Report): string {
  const told = suites.map(({ pictures, figures, ...suite }) => ({
    ...suite,
    pictures: pictures.map(({ name }) => `${name}.svg`),
    figures: figures.map((figure) => ({ ...figure, ...spread(figure), met: isMet(figure) })),
  }));
  return `${JSON.stringify({ ...machine, suites: told }, null, 1)}\n`;
}

/** null where there are no samples, as JSON would have it of NaN. */
function spread({ samples }: Figure): Record<'low' | 'median' | 'high', number> {
  const [low = NaN, median = NaN, high = NaN] = [25, 50, 75].map((p) => percentile(samples, p));
  return { low, median, high };
}

export function reportMarkdown({ machine, suites }: Report): string {
  const head = `# Benchmarks\n\n${machine.date.slice(0, 10)}, ${machineText(machine)}.\n`;
  return `${head}${suites.map(suiteMarkdown).join('')}`;
}

function suiteMarkdown({ name, about, command, took, failed, figures, pictures }: SuiteReport): string {
  const rows = figures.map((figure) => `| ${figure.what} | ${figure.value} | ${asked(figure)} |\n`);
  const images = pictures.map((picture) => `\n![${picture.title}](${picture.name}.svg)\n`);
  const body =
    failed === null ? `| what | measured | asked |\n|---|---|---|\n${rows.join('')}` : `Failed: ${failed}\n`;
  return (
    `\n## ${name}\n\n${about[0]?.toUpperCase()}${about.slice(1)}.\n\n` +
    `\`${command}\` (${took.toFixed(0)} s)\n\n${body}${images.join('')}`
  );
}

function asked(figure: Figure): string {
  const met = isMet(figure);
  return met === null ? figure.bar : `${figure.bar}: ${met ? 'met' : '**missed**'}`;
}

export function figureText(figure: Figure): string {
  const { what, value, bar } = figure;
  const met = isMet(figure);
  const judged = met === null ? '' : met ? ', met' : ', missed';
  return `${what}: ${value}${bar ? `   [asked: ${bar}${judged}]` : ''}`;
}
