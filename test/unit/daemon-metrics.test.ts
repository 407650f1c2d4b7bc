// SPDX-License-Identifier: BSD-2-Clause
// The families about the daemon and its host: outages, alarms, loops, maps, ports; and what promtool thinks of all.
import test from 'ava';
import { DossierMemory } from '../../src/observe/dossiers.js';
import { LoopLagMeter } from '../../src/observe/loop-lag.js';
import { MapFill, type FillingMap } from '../../src/observe/map-fill.js';
import { Metrics } from '../../src/observe/metrics.js';
import { promtool } from '../support/prometheus.js';
import { dossier } from './dossiers.js';
import { family, MOVE, PORT, view } from './metrics-view.js';

const MS = 1_000_000n;

/** Samples that are not 0. */
const counted = (lines: readonly string[]): string[] => lines.slice(1).filter((line) => !line.endsWith(' 0'));

function metricsOf(...dossiers: Parameters<typeof dossier>[0][]): Metrics {
  const moves = new DossierMemory();
  const metrics = new Metrics(view({ moves }), '0.1.0');
  for (const differences of dossiers) moves.put(dossier({ complete: true, ...differences }));
  return metrics;
}

test('an outage is observed when its dossier is complete, with the shares apart', async (t) => {
  const metrics = metricsOf(
    { complete: false },
    { outageNs: 3_211n * MS, guestsNs: 3_210n * MS, networkNs: 800n },
  );
  const outage = await family('havip_outage_seconds', metrics);
  t.true(outage.includes('havip_outage_seconds_bucket{le="3"} 0'));
  t.true(outage.includes('havip_outage_seconds_bucket{le="4"} 1'));
  t.deepEqual(outage.slice(-2), ['havip_outage_seconds_sum 3.211', 'havip_outage_seconds_count 1']);
  const shares = await family('havip_outage_share_seconds', metrics);
  t.true(shares.includes('havip_outage_share_seconds_bucket{share="network",le="0.000001"} 1'));
  t.true(shares.includes('havip_outage_share_seconds_bucket{share="guests",le="3"} 0'));
  t.true(shares.includes('havip_outage_share_seconds_sum{share="guests"} 3.21'));
  t.true(shares.includes('havip_outage_share_seconds_count{share="network"} 1'));
});

test('a dossier that is told again when it is complete counts once', async (t) => {
  const metrics = metricsOf({ id: 1 }, { id: 1 }, { id: 2 });
  t.is((await family('havip_outage_seconds', metrics)).at(-1), 'havip_outage_seconds_count 2');
});

test('a move without traffic is no outage, but counted', async (t) => {
  const nothing = { outageNs: null, guestsNs: null, networkNs: null } as const;
  const metrics = metricsOf({ basis: 'none', ...nothing }, { id: 2, basis: 'deliveries', outageNs: 0n });
  t.is((await family('havip_outage_seconds', metrics)).at(-1), 'havip_outage_seconds_count 1');
  t.deepEqual((await family('havip_dossiers_total', metrics)).slice(1), [
    'havip_dossiers_total{basis="answers"} 0',
    'havip_dossiers_total{basis="deliveries"} 1',
    'havip_dossiers_total{basis="none"} 1',
  ]);
});

test('every set of labels is there before anything has happened', async (t) => {
  const metrics = metricsOf();
  for (const name of ['havip_outage_share_seconds', 'havip_event_loop_lag_seconds', 'havip_alarms_total']) {
    const samples = (await family(name, metrics)).slice(1);
    t.true(samples.length >= 4, name);
    t.deepEqual(counted(await family(name, metrics)), [], name);
  }
});

test('the loops of both threads are one observation a second each', async (t) => {
  const metrics = metricsOf();
  metrics.observeLag(30e6);
  metrics.observeLag(0);
  const lag = await family('havip_event_loop_lag_seconds', metrics);
  t.true(lag.includes('havip_event_loop_lag_seconds_bucket{thread="control",le="0.025"} 1'));
  t.true(lag.includes('havip_event_loop_lag_seconds_bucket{thread="control",le="0.05"} 2'));
  t.true(lag.includes('havip_event_loop_lag_seconds_sum{thread="control"} 0.03'));
  t.true(lag.includes('havip_event_loop_lag_seconds_count{thread="worker"} 2'));
});

test('a loop that was held for a while is seen, once', async (t) => {
  const meter = new LoopLagMeter();
  meter.start();
  const turn = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  await turn(400);
  meter.takeMaxNs();
  for (const end = performance.now() + 800; performance.now() < end;);
  await turn(400);
  const held = meter.takeMaxNs();
  t.true(held > 500e6, `${held}`);
  await turn(400);
  t.true(meter.takeMaxNs() < held);
  meter.stop();
});

test('alarms: HAVIPs are named while they last', async (t) => {
  const alarms = { split: new Set([4]), flapping: new Set([4, 5, 77]) };
  const metrics = new Metrics(view({ alarms }), '0.1.0');
  metrics.observe([{ ...MOVE, kind: 'split-brain' }]);
  t.deepEqual((await family('havip_alarm_active', metrics)).slice(1), [
    'havip_alarm_active{network="blue",address="10.0.1.50",alarm="split-brain"} 1',
    'havip_alarm_active{network="blue",address="10.0.1.50",alarm="flapping"} 1',
    'havip_alarm_active{network="r\\"e\\\\d\\n",address="10.0.1.50",alarm="flapping"} 1',
  ]);
  t.is((await family('havip_flapping', metrics))[1], 'havip_flapping 3');
  t.is((await family('havip_split_brain', metrics))[1], 'havip_split_brain 1');
  t.deepEqual(counted(await family('havip_alarms_total', metrics)), [
    'havip_alarms_total{kind="split-brain"} 1',
  ]);
});

test('alarms: however many, at most a thousand are named', async (t) => {
  const flapping = new Set([4, ...Array.from({ length: 2000 }, (_, i) => i + 10)]);
  const rows = [...flapping].map((havip) => ({ ...[...view().rows()][0], havip }) as never);
  const metrics = new Metrics(view({ rows: () => rows, alarms: { split: new Set(), flapping } }), '0.1.0');
  t.is((await family('havip_alarm_active', metrics)).length, 1001);
  t.is((await family('havip_flapping', metrics))[1], 'havip_flapping 2001');
});

test('ports by kind and state, and what is missing', async (t) => {
  const down = { ...PORT, name: 'tap-c', up: false };
  const odd = { ...PORT, name: 'eth1', kind: 'uplink', failure: 'EBUSY' } as const;
  const absent = [{ kind: 'bridge', name: 'br-app' }] as const;
  const metrics = new Metrics(view({ ports: [PORT, down, odd], absent }), '0.1.0');
  const ports = await family('havip_ports', metrics);
  t.is(ports.length, 1 + 4 * 3);
  t.deepEqual(counted(ports), [
    'havip_ports{kind="vnic",state="up"} 1',
    'havip_ports{kind="vnic",state="down"} 1',
    'havip_ports{kind="uplink",state="unattached"} 1',
  ]);
  t.deepEqual((await family('havip_absent', metrics)).slice(1), [
    'havip_absent{kind="bridge"} 1',
    'havip_absent{kind="uplink"} 0',
    'havip_absent{kind="gateway"} 0',
  ]);
});

test('when the configuration was loaded, in seconds since 1970', async (t) => {
  const name = 'havip_config_loaded_timestamp_seconds';
  t.is((await family(name))[1], `${name} 1500000000.25`);
});

function fillingMap(walks: { count: number }, sizes: readonly number[] = [4096, 4]): FillingMap {
  return {
    name: 'claims',
    limit: 8192,
    *batchSizes() {
      walks.count += 1;
      yield* sizes;
    },
  };
}

test('maps are counted before the first page, and anew only when the count is old', async (t) => {
  let nowMs = 5;
  const walks = { count: 0 };
  const fill = new MapFill([fillingMap(walks)], () => nowMs);
  const [first, second] = await Promise.all([fill.text(), fill.text()]);
  t.is(first, second);
  t.true(first.includes('havip_map_entries{map="claims"} 4100\n'));
  t.true(first.includes('havip_map_entries_limit{map="claims"} 8192\n'));
  nowMs += 60_000;
  await fill.text();
  t.is(walks.count, 1);
  nowMs += 1;
  // Nobody waits for it.
  await fill.text();
  await fill.text();
  t.is(walks.count, 2);
});

test('a map that cannot be read is NaN, and the page is a page', async (t) => {
  const broken: FillingMap = {
    ...fillingMap({ count: 0 }),
    batchSizes: () => {
      throw new Error('EBADF');
    },
  };
  t.true((await new MapFill([broken]).text()).includes('havip_map_entries{map="claims"} NaN\n'));
});

test('promtool has nothing to say against the page', async (t) => {
  const alarms = { split: new Set([4]), flapping: new Set([5]) };
  const metrics = new Metrics(view({ alarms, fillingMaps: [fillingMap({ count: 0 })] }), '0.1.0');
  metrics.observe([MOVE]);
  let page = '';
  for await (const piece of metrics.pieces()) page += piece;
  const { code, said } = promtool(['check', 'metrics'], page);
  t.is(said, '');
  t.is(code, 0);
});
