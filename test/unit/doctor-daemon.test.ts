// SPDX-License-Identifier: BSD-2-Clause
// The doctor on kernel, privileges, pins, daemon and configuration, of hosts that are made up.
import test from 'ava';
import type { Sight } from '../../src/doctor/sight.js';
import { finds, findingsOf } from './doctor-finds.js';
import * as seen from './sights.js';

test(
  'an old kernel',
  finds,
  { kernel: seen.kernel({ release: '5.10.0-30' }) },
  ['fail kernel version'],
  /5\.18/,
);
test(
  'a kernel without BTF',
  finds,
  { kernel: seen.kernel({ btf: false }) },
  ['fail kernel BTF'],
  /CONFIG_DEBUG_INFO_BTF/,
);
test(
  'a helper that is missing',
  finds,
  { kernel: seen.kernel({ features: [{ name: 'bpf_timer', present: false }] }) },
  ['fail kernel features'],
  /no bpf_timer/,
);
test('an interpreter', finds, { kernel: seen.kernel({ jit: '0' }) }, ['warn kernel JIT'], /bpf_jit_enable=1/);
test(
  'programs that are refused',
  finds,
  { object: seen.object({ refused: 'R1 !read_ok' }) },
  ['fail kernel programs'],
  /R1 !read_ok/,
);
test(
  'an object that is missing',
  finds,
  { object: seen.object({ missing: '/usr/lib/xdp.o', tags: new Map() }) },
  ['fail kernel programs'],
  /is missing/,
);
test('nothing of the newer ways is no fault', (t) => {
  t.deepEqual(findingsOf({ kernel: seen.kernel({ tcx: false, xdpFeatures: false, jit: null }) }), []);
});

/** CAP_NET_RAW is bit 13. */
const NO_RAW = '000001ffffffdfff';
test(
  'a caller who may not, beside a daemon',
  finds,
  { caller: seen.caller({ uid: 7, capabilities: NO_RAW }) },
  ['warn privileges caller'],
  /user 7 lacks CAP_NET_RAW \(to ask/,
);
test(
  'a caller who may not, and no daemon',
  finds,
  { caller: seen.caller({ capabilities: NO_RAW }), daemon: seen.daemon(seen.NO_DAEMON) },
  ['fail privileges caller', 'warn daemon process'],
  /would be refused/,
);
test(
  'a daemon that may not',
  finds,
  { daemon: seen.daemon({ process: { ...seen.PROCESS, capabilities: NO_RAW } }) },
  ['fail privileges daemon'],
  /process 77 .*CAP_NET_RAW/,
);

test(
  'no folder to pin in',
  finds,
  { pins: seen.pins({ nearest: null, bpffs: false, exists: false }) },
  ['fail pins bpffs'],
  /mkdir -p \/sys\/fs\/bpf && mount -t bpf bpf \/sys\/fs\/bpf/,
);
test('no bpffs', finds, { pins: seen.pins({ bpffs: false }) }, ['fail pins bpffs'], /mount -t bpf bpf/);
test(
  'a folder that others may write',
  finds,
  { pins: seen.pins({ mode: 0o40770 }) },
  ['fail pins pin folder'],
  /mode 0770.*chmod 0700/,
);
test(
  'a folder of somebody else',
  finds,
  { pins: seen.pins({ uid: 9 }) },
  ['fail pins pin folder'],
  /user 9.*chown 0 /,
);
test(
  'a folder in one that others may write',
  finds,
  { pins: seen.pins({ parentMode: 0o40777 }) },
  ['warn pins pin folder'],
  /chmod o-w \/sys\/fs\/bpf/,
);
test('but not where that one is sticky', (t) => {
  t.deepEqual(findingsOf({ pins: seen.pins({ parentMode: 0o41777 }) }), []);
});
test(
  'pins of another ABI',
  finds,
  { pins: seen.pins({ foreign: ['maps-v3'] }) },
  ['fail pins pinned version'],
  /maps-v3.*havip unload/,
);

test(
  'nothing loaded',
  finds,
  { pins: seen.pins({ used: false }), daemon: seen.daemon(seen.NO_DAEMON) },
  ['warn daemon loaded'],
  /havip run/,
);
test(
  'pins without a daemon',
  finds,
  { daemon: seen.daemon(seen.NO_DAEMON) },
  ['warn daemon process'],
  /serves alone/,
);
test(
  'a stopped daemon',
  finds,
  {
    daemon: seen.daemon({
      status: null,
      error: seen.NO_DAEMON.error,
      process: { ...seen.PROCESS, state: 'T' },
    }),
  },
  ['fail daemon process'],
  /kill -CONT 77/,
);
test(
  'a dead one that nobody reaps',
  finds,
  { daemon: seen.daemon({ process: { ...seen.PROCESS, state: 'Z' } }) },
  ['fail daemon process'],
  /not reaped/,
);
test(
  'a daemon that does not answer',
  finds,
  { daemon: seen.daemon({ status: null, error: seen.NO_DAEMON.error }) },
  ['fail daemon socket'],
  /77 runs, but no daemon/,
);
test(
  'a daemon that may not be asked',
  finds,
  { daemon: seen.daemon({ status: null, error: { message: 'may not', permission: true } }) },
  ['warn daemon socket'],
  /sudo/,
);
test(
  'another daemon that answers',
  finds,
  { daemon: seen.daemon({ status: { ...seen.STATUS, pid: 78 } }) },
  ['warn daemon socket'],
  /78 answers.*77 serves/,
);
test(
  'a daemon of another version',
  finds,
  { daemon: seen.daemon({ ownVersion: '0.2.0' }) },
  ['warn daemon version'],
  /0\.1\.0, this command 0\.2\.0/,
);

const inForce = (change: object): Partial<Sight> => ({
  daemon: seen.daemon({
    status: {
      ...seen.STATUS,
      config: { path: '/etc/havip.yaml', stale: false, loadedWallNs: 10n, problems: [], ...change },
    },
  }),
});
test(
  'a stale configuration',
  finds,
  inForce({ stale: true, problems: ['f:1:2: bad'] }),
  ['warn configuration in force'],
  /f:1:2: bad.*havip reload/,
);
test(
  'a file that nobody reloaded',
  finds,
  inForce({ loadedWallNs: 1n }),
  ['warn configuration in force'],
  /nobody reloaded/,
);
test(
  'a bad file',
  finds,
  { config: { ...seen.config(), config: null, problems: ['f:1:2: bad'] } },
  ['fail configuration file'],
  /havip check \/etc\/havip\.yaml/,
);
test(
  'an uplink that is not here',
  finds,
  { network: seen.network({ subnet: { uplinks: ['eth1', 'eth9'] } }) },
  ['warn configuration uplink eth9'],
  /not on this host/,
);
