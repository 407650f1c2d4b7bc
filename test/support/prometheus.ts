// SPDX-License-Identifier: BSD-2-Clause
// Debian's Prometheus: promtool on files, a server that scrapes the daemon of a lab, and what our own rules and
// dashboard ask of it.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { Host } from './daemon.js';
import { eventually } from './lab.js';

const OBSERVE = fileURLToPath(new URL('../../../src/observe/', import.meta.url));
export const RULES = `${OBSERVE}alerts/havip.rules.yml`;
export const DASHBOARD = `${OBSERVE}grafana/havip.json`;

export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

export function readRules(): Rule[] {
  const { groups } = parse(readFileSync(RULES, 'utf8')) as RuleFile;
  return groups.flatMap(({ rules }) => rules);
}

/** Shape of `said`: both streams. */
export function promtool(argv: readonly string[], input?: string): { code: number | null; said: string } {
  const { status, stdout, stderr, error } = spawnSync('promtool', argv, { encoding: 'utf8', input });
  if (error) throw error;
  return { code: status, said: stdout + stderr };
}

/** Names of metrics in an expression, those of functions and labels left out. */
export function metricNames(expression: string): string[] {
  const bare = expression.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').replaceAll(/\{[^}]*\}/g, '');
  return [...new Set(bare.match(/\b(?:havip|process)_[a-z_]+\b/g) ?? [])];
}

/** Names that a page of metrics has samples or a head of; a histogram's parts each. */
export function exposedNames(page: string): Set<string> {
  const names = [...page.matchAll(/^([a-z_]+)[{ ]/gm)].map(([, name = '']) => name);
  const heads = [...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
  return new Set([...names, ...heads]);
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface Prometheus {
  /** Path of its HTTP API, parameters: `query`, { query: 'up' }. Errors: what it says of a bad query. */
  ask(path: string, parameters?: Readonly<Record<string, string>>): Promise<unknown>;
  query(expression: string): Promise<Sample[]>;
}

const ADDRESS = '127.0.0.1:9090';

/** Scrapes `target` each second as the job `havip`, and evaluates our rules. Ends with the lab. */
export async function startPrometheus(host: Host, target: string): Promise<Prometheus> {
  const config = `${host.tempDir}/prometheus.yml`;
  const global = { scrape_interval: '1s', evaluation_interval: '1s' };
  const scrape = { job_name: 'havip', static_configs: [{ targets: [target] }] };
  await writeFile(config, JSON.stringify({ global, scrape_configs: [scrape], rule_files: [RULES] }));
  const places = [`--config.file=${config}`, `--storage.tsdb.path=${host.tempDir}/tsdb`];
  const child = host.spawn('hv', ['prometheus', ...places, `--web.listen-address=${ADDRESS}`]);
  await child.waitFor(/Server is ready/, { timeoutMs: 30_000 });
  const ask = async (path: string, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> => {
    const data = Object.entries(parameters).flatMap(([name, value]) => [
      '--data-urlencode',
      `${name}=${value}`,
    ]);
    const argv = ['curl', '-sS', '--get', ...data, `http://${ADDRESS}/api/v1/${path}`];
    const reply = JSON.parse(await host.must('hv', argv)) as {
      status: string;
      error?: string;
      data: unknown;
    };
    if (reply.status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${reply.error}`);
    return reply.data;
  };
  const query = async (expression: string): Promise<Sample[]> =>
    ((await ask('query', { query: expression })) as { result: Sample[] }).result;
  await eventually('it has scraped', async () => (await query('up{job="havip"} == 1')).length === 1, 15_000);
  return { ask, query };
}

/** A query of the dashboard, and where it stands. */
export interface DashboardQuery {
  readonly title: string;
  readonly expr: string;
}

interface Dashboard {
  readonly panels: readonly { title: string; targets?: readonly { expr: string }[] }[];
  readonly templating: { readonly list: readonly { name: string; definition?: string }[] };
  readonly annotations: { readonly list: readonly { name: string; expr: string }[] };
}

const VARIABLES: Readonly<Record<string, string>> = {
  instance: '.*',
  network: '.*',
  address: '.*',
  __rate_interval: '10s',
  __range: '1m',
};

function filledIn(expression: string): string {
  return expression.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = VARIABLES[name];
    if (value === undefined) throw new Error(`$${name} is no variable of the dashboard: ${expression}`);
    return value;
  });
}

const LABEL_VALUES = /^label_values\((.*), (\w+)\)$/;

/** Every query, variables filled in; those of the variables as what they count. */
export function dashboardQueries(): { panels: DashboardQuery[]; annotations: DashboardQuery[] } {
  const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard;
  const variables = dashboard.templating.list.flatMap(({ name, definition }) => {
    if (definition === undefined) return [];
    const [, selector = '', label = ''] = LABEL_VALUES.exec(definition) ?? [];
    return [{ title: `$${name}`, expr: filledIn(`count by (${label}) (${selector})`) }];
  });
  const panels = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ title, expr: filledIn(expr) })),
  );
  const annotations = dashboard.annotations.list.map(({ name, expr }) => ({
    title: name,
    expr: filledIn(expr),
  }));
  return { panels: [...variables, ...panels], annotations };
}
