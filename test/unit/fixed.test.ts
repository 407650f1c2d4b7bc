// SPDX-License-Identifier: BSD-2-Clause
// What only a start can change is refused by a reload, by its name in the file.
import test from 'ava';
import type { Config } from '../../src/config/types.js';
import { refuseFixed } from '../../src/control/fixed.js';
import { subnet } from './configs.js';

const CONFIG: Config = {
  pinPath: '/sys/fs/bpf/havip',
  socket: '/run/havip/havip.sock',
  metricsListen: { host: '127.0.0.1', port: 9435 },
  webListen: null,
  statePath: '/var/lib/havip',
  capacity: { havips: 4, ports: 8 },
  subnets: [],
  eips: [],
};

const refused = test.macro((t, change: Partial<Config>, name: string, old: string) => {
  const error = t.throws(() => refuseFixed(CONFIG, { ...CONFIG, ...change }), { code: 'USAGE' });
  t.is(error?.message, `${name} cannot change while havip runs: it is ${old}`);
});

test('pinPath', refused, { pinPath: '/sys/fs/bpf/other' }, 'pinPath', '"/sys/fs/bpf/havip"');
test('api.socket', refused, { socket: '/run/other' }, 'api.socket', '"/run/havip/havip.sock"');
test(
  'metrics.listen',
  refused,
  { metricsListen: { host: '127.0.0.1', port: 1 } },
  'metrics.listen',
  '{"host":"127.0.0.1","port":9435}',
);
test('web.listen', refused, { webListen: { host: '::1', port: 1 } }, 'web.listen', 'null');
test('statePath', refused, { statePath: '/tmp' }, 'statePath', '"/var/lib/havip"');
test('capacity.ports', refused, { capacity: { havips: 4, ports: 9 } }, 'capacity.ports', '8');

test('the rest may change, and what is equal has not', (t) => {
  const { metricsListen } = CONFIG;
  const capacity = { havips: 400, ports: 8 };
  const same = { ...CONFIG, metricsListen: metricsListen && { ...metricsListen } };
  t.notThrows(() => refuseFixed(CONFIG, { ...same, capacity, subnets: [subnet('web', [])] }));
});
