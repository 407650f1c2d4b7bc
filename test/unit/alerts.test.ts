// SPDX-License-Identifier: BSD-2-Clause
// The alert rules under promtool: each fires when it is to, and not beside it. That the tests can tell is tested too,
// with each rule muted and with each rule always on.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parse, stringify } from 'yaml';
import { promtool, readRules, RULES, type RuleFile } from '../support/prometheus.js';

const CASES = fileURLToPath(new URL('../../../test/unit/alerts.test.yml', import.meta.url));
const NEVER = 'vector(1) < 1';
const ALWAYS = 'vector(1)';

test('promtool finds nothing to mend in the rules', (t) => {
  const { code, said } = promtool(['check', 'rules', RULES]);
  t.is(code, 0, said);
});

test('each rule fires when it is to, and only then', (t) => {
  const { code, said } = promtool(['test', 'rules', CASES]);
  t.is(code, 0, said);
});

/** Runs the cases of one rule with another expression. */
function passesWith(alert: string, expr: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'havip-rules-'));
  try {
    const { groups } = parse(readFileSync(RULES, 'utf8')) as RuleFile;
    const changed = groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) => (rule.alert === alert ? { ...rule, expr } : rule)),
    }));
    const cases = parse(readFileSync(CASES, 'utf8')) as { tests: { name: string }[] };
    const tests = cases.tests.filter(({ name }) => name.startsWith(`${alert} `));
    writeFileSync(join(folder, 'rules.yml'), stringify({ groups: changed }));
    writeFileSync(join(folder, 'cases.yml'), stringify({ ...cases, tests, rule_files: ['rules.yml'] }));
    return promtool(['test', 'rules', join(folder, 'cases.yml')]).code === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const { alert, expr } of readRules()) {
  test(`${alert}: its cases notice when it never fires, and when it always does`, (t) => {
    t.true(passesWith(alert, expr), 'as it is');
    t.false(passesWith(alert, NEVER));
    t.false(passesWith(alert, ALWAYS));
  });
}

test('each says what it is, what to do, and how urgent it is', (t) => {
  const rules = readRules();
  t.is(new Set(rules.map(({ alert }) => alert)).size, rules.length);
  for (const { alert, labels, annotations } of rules) {
    t.regex(labels.severity ?? '', /^(critical|warning)$/, alert);
    t.regex(annotations.summary ?? '', /\S/, alert);
    t.true((annotations.description?.length ?? 0) > 80, alert);
  }
});

test('a label that a text names is one that the alert has', (t) => {
  const { tests } = parse(readFileSync(CASES, 'utf8')) as {
    tests: { promql_expr_test: { exp_samples: { labels: string }[] }[] }[];
  };
  const fired = tests.flatMap((one) => one.promql_expr_test.flatMap(({ exp_samples }) => exp_samples));
  for (const { alert, annotations } of readRules()) {
    const alerts = fired.filter(({ labels }) => labels.includes(`alertname="${alert}"`));
    t.true(alerts.length > 0, alert);
    for (const [, name] of Object.values(annotations)
      .join()
      .matchAll(/\$labels\.(\w+)/g))
      for (const { labels } of alerts) t.regex(labels, new RegExp(`[{,]${name}="`), alert);
  }
});
