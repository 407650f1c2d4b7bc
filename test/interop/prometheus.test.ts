// SPDX-License-Identifier: BSD-2-Clause
// A real Prometheus scrapes a real daemon, through a failover, a HAVIP that flaps and one that nobody holds: the page
// is to its rules, and every query of the dashboard and of the alert rules has an answer.
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import { heldBy, metricsAddress, startDaemon, webConfig } from '../support/daemon.js';
import { eventually, requireRoot } from '../support/lab.js';
import { pairLab, takeOver } from '../support/pair.js';
import {
  dashboardQueries,
  exposedNames,
  metricNames,
  promtool,
  readRules,
  startPrometheus,
  type Prometheus,
} from '../support/prometheus.js';

test.before(requireRoot);

const UNHELD = '10.0.1.51';
const FLAPPING = '10.0.1.52';
const HAVIPS = [
  { address: VIP },
  { address: UNHELD },
  { address: FLAPPING, damping: { moves: 1, window: '60s' } },
];
const ping = ['ping', '-c', '3', '-i', '0.2', '-W', '1', VIP];

/** One move under traffic, and one more of the other HAVIP than its budget allows. */
async function live(lab: Lab): Promise<void> {
  for (const guest of ['vm-a', 'vm-b'] as const) {
    await takeOver(lab, guest);
    await lab.must('client', ping);
    await lab.announce(guest, FLAPPING);
    await heldBy(lab, lab.port(guest), FLAPPING);
  }
  await lab.announce('vm-a', FLAPPING);
}

const valueOf = async (prometheus: Prometheus, expression: string): Promise<number> =>
  Number((await prometheus.query(expression))[0]?.value[1]);

test.serial('rules and dashboard ask for what the daemon has, and get it', async (t) => {
  const lab = await pairLab(t);
  const daemon = await startDaemon(lab, { config: webConfig(HAVIPS) });
  const address = metricsAddress(daemon);
  const prometheus = await startPrometheus(lab, address);
  await live(lab);
  await eventually('what happened has been scraped', async () => {
    const moves = await valueOf(prometheus, `havip_moves_total{address="${VIP}"}`);
    return moves === 1 && (await valueOf(prometheus, 'havip_flapping')) === 1;
  });
  const page = await lab.must('hv', ['curl', '-sS', '-f', `http://${address}/metrics`]);
  checkPage(t, page);
  await checkDashboard(t, prometheus);
  await checkRules(t, prometheus);
  const repoint = await valueOf(prometheus, 'histogram_quantile(1, havip_repoint_seconds_bucket)');
  t.true(repoint > 0 && repoint <= 1, `${repoint}`);
  t.is(await valueOf(prometheus, 'havip_map_entries{map="bindings"}'), HAVIPS.length);
  t.true((await valueOf(prometheus, 'havip_event_loop_lag_seconds_count{thread="control"}')) >= 2);
});

function checkPage(t: ExecutionContext, page: string): void {
  t.deepEqual(promtool(['check', 'metrics'], page), { code: 0, said: '' });
  const exposed = exposedNames(page);
  const { panels, annotations } = dashboardQueries();
  const asked = [...panels, ...annotations, ...readRules()].flatMap(({ expr }) => metricNames(expr));
  t.true(asked.length > 50);
  t.deepEqual(
    asked.filter((name) => !exposed.has(name)),
    [],
  );
}

async function checkDashboard(t: ExecutionContext, prometheus: Prometheus): Promise<void> {
  const { panels, annotations } = dashboardQueries();
  for (const { title, expr } of panels) {
    const answer = await prometheus.query(expr);
    t.true(answer.length > 0, `${title}: nothing came back for ${expr}`);
  }
  // Empty unless the file was just read again.
  for (const { expr } of annotations) await t.notThrowsAsync(prometheus.query(expr), expr);
}

interface RuleState {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  readonly alerts: readonly { labels: Record<string, string>; annotations: Record<string, string> }[];
}

/** A machine without free CPU raises these by right. */
const ABOUT_THE_MACHINE = /^Havip(ControlLoopSlow|RepointSlow|OutageBy)/;

/** Evaluated by the server itself, with its text filled in; what is not wrong here is not told. */
async function checkRules(t: ExecutionContext, prometheus: Prometheus): Promise<void> {
  const { groups } = (await prometheus.ask('rules')) as { groups: { rules: RuleState[] }[] };
  const rules = groups.flatMap((group) => group.rules);
  t.is(rules.length, readRules().length);
  for (const { name, health, lastError } of rules) t.is(health, 'ok', `${name}: ${lastError}`);
  const told = rules
    .filter(({ name }) => !ABOUT_THE_MACHINE.test(name))
    .flatMap(({ name, alerts }) => alerts.map(({ labels }) => `${name} ${labels.address}`));
  t.deepEqual(told.sort(), [`HavipFlapping ${FLAPPING}`, `HavipUnheld ${UNHELD}`]);
  const [flapping] = rules.flatMap(({ name, alerts }) => (name === 'HavipFlapping' ? alerts : []));
  t.regex(flapping?.annotations.summary ?? '', /^blue 10\.0\.1\.52: /);
}
