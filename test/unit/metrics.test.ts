// SPDX-License-Identifier: BSD-2-Clause
// The text of /metrics, to the letter: names, labels and types are what dashboards hang on.
import test from 'ava';
import { REASON } from '../../src/kernel/layout.gen.js';
import { CLAIM_RESULT_NAMES, REASONS } from '../../src/kernel/names.js';
import { DurationHistogram, escapeLabel, labels } from '../../src/observe/exposition.js';
import { HavipSeries, HolderMemory, LabelCache, labelText } from '../../src/observe/havip-series.js';
import { Metrics } from '../../src/observe/metrics.js';
import { family, MOVE, PORT, row, view } from './metrics-view.js';

const RED = 'network="r\\"e\\\\d\\n",address="10.0.1.50"';

const golden = test.macro({
  exec: async (t, name: string, expected: string[]) => t.deepEqual(await family(name), expected),
  title: (_, name) => `family ${name}`,
});

test(golden, 'havip_history_writable', ['# TYPE havip_history_writable gauge', 'havip_history_writable 0']);

test(golden, 'havip_history_lost_total', [
  '# TYPE havip_history_lost_total counter',
  'havip_history_lost_total 14',
]);

test(golden, 'havip_packets_total', [
  '# TYPE havip_packets_total counter',
  'havip_packets_total{network="blue",address="10.0.1.50"} 9223372036854775808',
  `havip_packets_total{${RED}} 0`,
]);
test(golden, 'havip_bytes_total', [
  '# TYPE havip_bytes_total counter',
  'havip_bytes_total{network="blue",address="10.0.1.50"} 11',
  `havip_bytes_total{${RED}} 11`,
]);
test(golden, 'havip_saved_packets_total', [
  '# TYPE havip_saved_packets_total counter',
  'havip_saved_packets_total{network="blue",address="10.0.1.50"} 12',
  `havip_saved_packets_total{${RED}} 12`,
]);
test(golden, 'havip_moves_total', [
  '# TYPE havip_moves_total counter',
  'havip_moves_total{network="blue",address="10.0.1.50"} 3',
  `havip_moves_total{${RED}} 3`,
]);
test(golden, 'havip_held', [
  '# TYPE havip_held gauge',
  'havip_held{network="blue",address="10.0.1.50"} 1',
  `havip_held{${RED}} 0`,
]);
test(golden, 'havip_holder', [
  '# TYPE havip_holder gauge',
  'havip_holder{network="blue",address="10.0.1.50",port="tap-b"} 1',
]);
test(golden, 'havip_port_attached', [
  '# TYPE havip_port_attached gauge',
  'havip_port_attached{port="tap-b",hook="tc"} 1',
]);
test(golden, 'havip_config_stale', ['# TYPE havip_config_stale gauge', 'havip_config_stale 1']);
test(golden, 'havip_events_lost_total', [
  '# TYPE havip_events_lost_total counter',
  'havip_events_lost_total 8',
]);
test(golden, 'havip_claims_refused_total', [
  '# TYPE havip_claims_refused_total counter',
  ...CLAIM_RESULT_NAMES.filter((name) => name.startsWith('refused-')).map((name) => {
    const reason = name.slice('refused-'.length);
    return `havip_claims_refused_total{port="tap-b",reason="${reason}"} ${reason === 'spoof' ? 6 : 0}`;
  }),
]);

test('frames: every reason has a series from the start, verdict and reason apart', async (t) => {
  const [type, ...samples] = await family('havip_frames_total');
  t.is(type, '# TYPE havip_frames_total counter');
  t.is(samples.length, REASONS.length);
  t.is(samples[REASON.PASS_NOT_IP], 'havip_frames_total{port="tap-b",verdict="pass",reason="not-ip"} 0');
  t.true(
    samples.includes(
      `havip_frames_total{port="tap-b",verdict="redirect",reason="holder"} ${REASON.REDIRECT_HOLDER}`,
    ),
  );
  t.true(
    samples.includes(`havip_frames_total{port="tap-b",verdict="drop",reason="unheld"} ${REASON.DROP_UNHELD}`),
  );
});

test('claims: by kind and result, and none for frames that are no claim', async (t) => {
  const samples = await family('havip_claims_total');
  t.true(samples.includes('havip_claims_total{port="tap-b",kind="arp-reply",result="claim"} 5'));
  t.true(samples.includes('havip_claims_total{port="tap-b",kind="arp-probe",result="intent"} 0'));
  t.false(samples.some((sample) => /kind="none"|kind="arp-probe",result="refresh"/.test(sample)));
});

test('a port where no program could be attached is 0', async (t) => {
  const metrics = new Metrics(view({ ports: [{ ...PORT, failure: 'EBUSY' }] }), '0.1.0');
  t.is((await family('havip_port_attached', metrics))[1], 'havip_port_attached{port="tap-b",hook="tc"} 0');
});

test('build information names version and ABI', async (t) => {
  t.regex(
    (await family('havip_build_info'))[1] ?? '',
    /^havip_build_info\{version="0.1.0",abi="\d+",node="v[\d.]+"\} 1$/,
  );
});

test('a former holder stays with 0, the present one is 1', async (t) => {
  const metrics = new Metrics(view(), '0.1.0');
  metrics.observe([MOVE]);
  t.deepEqual((await family('havip_holder', metrics)).slice(1), [
    'havip_holder{network="blue",address="10.0.1.50",port="tap-b"} 1',
    'havip_holder{network="blue",address="10.0.1.50",port="tap-a"} 0',
  ]);
});

test('a refused claimant is no former holder', (t) => {
  const memory = new HolderMemory();
  memory.observe({ ...MOVE, kind: 'refuse', from: null, repointNs: null });
  t.is(memory.ports(labelText('blue', '10.0.1.50')), undefined);
});

test('former holders are bounded, the latest stay', (t) => {
  const memory = new HolderMemory();
  for (let i = 0; i < 50; i++) memory.observe({ ...MOVE, from: { port: `tap-${i}`, mac: '' }, to: null });
  const kept = [...(memory.ports(labelText('blue', '10.0.1.50')) ?? [])];
  t.is(kept.length, 8);
  t.is(kept.at(-1), 'tap-49');
});

test('re-point times fall into cumulative buckets in seconds', (t) => {
  const histogram = new DurationHistogram([1e-6, 2.5e-6, 1]);
  for (const ns of [1_000n, 1_001n, 999_999_999n, 2_000_000_000n]) histogram.observe(ns);
  t.deepEqual(histogram.text('h', 'help').split('\n').slice(2), [
    'h_bucket{le="0.000001"} 1',
    'h_bucket{le="0.0000025"} 2',
    'h_bucket{le="1"} 3',
    'h_bucket{le="+Inf"} 4',
    'h_sum 3.000002',
    'h_count 4',
    '',
  ]);
});

test('events with a re-point time are counted, others are not', async (t) => {
  const metrics = new Metrics(view(), '0.1.0');
  metrics.observe([MOVE, { ...MOVE, kind: 'release', repointNs: null }]);
  t.is((await family('havip_repoint_seconds', metrics)).at(-1), 'havip_repoint_seconds_count 1');
});

const escaping = test.macro((t, value: string, expected: string) => t.is(escapeLabel(value), expected));
test('a plain label', escaping, 'tap-a', 'tap-a');
test('a quote', escaping, 'a"b', 'a\\"b');
test('a backslash before a quote', escaping, '\\"', '\\\\\\"');
test('a line feed', escaping, 'a\nb', 'a\\nb');
test('a tab is allowed as it is', escaping, 'a\tb', 'a\tb');

test('labels keep their order', (t) => t.is(labels({ port: 'p"', hook: 'tc' }), '{port="p\\"",hook="tc"}'));

test('every line is a comment or a sample, and each family stands together', async (t) => {
  let page = '';
  for await (const piece of new Metrics(view(), '0.1.0').pieces()) page += piece;
  const lines = page.trimEnd().split('\n');
  const odd = lines.filter(
    (line) => !/^(# (HELP|TYPE) \S+ .*|[a-z_\d]+(\{.*\})? ([-+.\de]+|Nan)|)$/.test(line),
  );
  t.deepEqual(odd, []);
  const heads = lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2]);
  t.is(new Set(heads).size, heads.length, 'a family begins once');
  t.regex(page, /^process_cpu_seconds_total \d/m);
  t.notRegex(page, /nodejs_/, 'they would be about the worker, without saying so');
});

test('65,000 series: the time is printed', (t) => {
  const rows = Array.from({ length: 10_834 }, (_, i) =>
    row({ havip: i, address: `10.0.${i >> 8}.${i & 255}` }),
  );
  const cache = new LabelCache();
  const once = (): number => {
    const series = new HavipSeries(new HolderMemory(), cache);
    series.add(rows);
    return Buffer.byteLength(series.pieces().join(''));
  };
  const runs = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    const bytes = once();
    const { user, system } = process.cpuUsage(before);
    return { bytes, ms: (user + system) / 1000 };
  });
  t.log(
    runs.map(({ ms }) => `${ms.toFixed(1)} ms of CPU`).join(', '),
    `for ${rows.length * 6} series, ${runs[0]?.bytes} bytes`,
  );
  t.pass();
});
