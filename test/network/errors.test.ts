// SPDX-License-Identifier: BSD-2-Clause
// What an operator gets wrong, and what the host lacks: one clear message, the exit code that is fixed, and nothing
// left behind.
import test, { type ExecutionContext } from 'ava';
import { access, readdir } from 'node:fs/promises';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import {
  CLI,
  configPath,
  failedStart,
  havip,
  pinPath,
  startDaemon,
  webConfig,
  type DaemonOptions,
} from '../support/daemon.js';
import { labFor, requireRoot } from '../support/lab.js';
import { pairLab } from '../support/pair.js';

test.before(requireRoot);

interface Refusal {
  readonly code: number;
  readonly says: RegExp;
}

/** `run` ends by itself, says why, and leaves no pin. */
async function checkRefused(
  t: ExecutionContext,
  lab: Lab,
  options: DaemonOptions,
  wanted: Refusal,
): Promise<void> {
  const { code, stdout, stderr } = await failedStart(lab, options);
  t.is(code, wanted.code, stderr);
  t.regex(stderr, wanted.says);
  t.is(stdout, '');
  t.notRegex(stderr, /\n\s+at /, 'a stack is no message');
  await checkNothingPinned(t, lab);
}

async function checkNothingPinned(t: ExecutionContext, lab: Lab): Promise<void> {
  const folder = await pinPath(lab);
  const left = await access(folder).then(
    () => readdir(folder, { recursive: true }),
    () => [],
  );
  t.deepEqual(
    left.filter((name) => name !== 'links'),
    [],
  );
}

async function bareLab(t: ExecutionContext): Promise<Lab> {
  const lab = await labFor(t);
  await lab.addNamespace('hv');
  return lab;
}

test.serial(
  'a configuration that is wrong is refused with file, line and column of every fault',
  async (t) => {
    const lab = await bareLab(t);
    const at = `${configPath(lab)}:\\d+:\\d+: `;
    const cases: [object | string, RegExp][] = [
      [
        webConfig([{ address: '10.9.9.9' }]),
        new RegExp(`${at}address: found 10\\.9\\.9\\.9, which is outside its subnet`),
      ],
      [
        webConfig([{ address: VIP }, { address: VIP }]),
        new RegExp(`${at}address: found 10\\.0\\.1\\.50 again`),
      ],
      ['networks: [', new RegExp(at)],
    ];
    for (const [config, says] of cases) await checkRefused(t, lab, { config }, { code: 2, says });
    const missing = await havip(lab, 'run', '--config', `${lab.tempDir}/nowhere.yaml`);
    t.is(missing.code, 2);
    t.regex(missing.stderr, /nowhere\.yaml/);
  },
);

test.serial('flags that do not fit together are refused', async (t) => {
  const lab = await bareLab(t);
  const cases: [string[], RegExp][] = [
    [[], /nothing to serve/],
    [['--bridge', 'br-web'], /--bridge and --vip go together/],
    [['--bridge', 'br-web', '--vip', VIP], /--vip: found "10\.0\.1\.50"; allowed: address\/prefix/],
    [['--bridge', 'br-web', '--vip', `${VIP}/24`, '--metrics', 'x'], /--metrics: /],
  ];
  for (const [flags, says] of cases) await checkRefused(t, lab, { flags }, { code: 2, says });
});

test.serial('a typing error is answered with what was meant', async (t) => {
  const lab = await bareLab(t);
  for (const [argv, says] of [
    [['statsu'], /Did you mean status\?/],
    [['status', '--jsn'], /Did you mean --json\?/],
    [['map', 'dmup', 'bindings'], /Did you mean dump\?/],
    [['map', 'dump', 'bindngs'], /bindings/],
    [['status', '10.0.1.500'], /not an IP address/],
  ] as [string[], RegExp][]) {
    const { code, stderr } = await havip(lab, ...argv);
    t.is(code, argv.at(-1) === '10.0.1.500' ? 4 : 2, `${argv.join(' ')}: ${stderr}`);
    if (code === 2) t.regex(stderr, says);
  }
});

test.serial('without a daemon or pins the commands that read say so, with exit code 4', async (t) => {
  const lab = await bareLab(t);
  for (const argv of [
    ['status'],
    ['events'],
    ['reload'],
    ['map', 'list'],
    ['map', 'dump', 'bindings'],
    ['unload'],
  ]) {
    const { code, stdout, stderr } = await havip(lab, ...argv);
    t.is(code, 4, `${argv.join(' ')}: ${stderr}`);
    t.is(stdout, '');
    t.true(stderr.length > 0);
  }
});

test.serial('a pin folder outside a BPF file system is refused with how to mount one', async (t) => {
  const lab = await bareLab(t);
  const flags = ['--bridge', 'br-web', '--vip', `${VIP}/24`, '--pin-path', `${lab.tempDir}/plain/havip`];
  await checkRefused(
    t,
    lab,
    { flags },
    { code: 1, says: /no BPF file system at .*plain[\s\S]*mount -t bpf/ },
  );
});

test.serial('a kernel without BTF is named, and nothing stays pinned', async (t) => {
  const lab = await bareLab(t);
  const pins = await pinPath(lab);
  const hidden = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', 'sh'];
  const run = [process.execPath, CLI, 'run', '--bridge', 'br-web', '--vip', `${VIP}/24`, '--pin-path', pins];
  const { code, stderr } = await lab.exec('hv', [...hidden, ...run]);
  t.is(code, 1);
  t.regex(stderr, /this kernel has no BTF[\s\S]*CONFIG_DEBUG_INFO_BTF/);
  await t.throwsAsync(access(pins), { code: 'ENOENT' });
});

test.serial('a metrics port that is taken is named, and nothing stays loaded', async (t) => {
  const lab = await pairLab(t);
  const taken = lab.spawn('hv', ['iperf3', '-s', '-p', '9477', '-B', '127.0.0.1', '--forceflush']);
  await taken.waitFor(/listening/);
  const config = { ...webConfig([{ address: VIP }]), metrics: { listen: '127.0.0.1:9477' } };
  await checkRefused(
    t,
    lab,
    { config },
    { code: 1, says: /127\.0\.0\.1:9477.*another process listens there/ },
  );
  t.notRegex(await lab.must('hv', ['bpftool', 'net', 'show']), /havip/);
  // And the way is free for the next attempt.
  await startDaemon(lab, { config: webConfig([{ address: VIP }]) });
});

test.serial('somebody without capabilities is told which, by exit code 3', async (t) => {
  const lab = await pairLab(t);
  // May look into any folder, since the sources may be root's, and nothing else.
  const search = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'];
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...search, '--'];
  const run = ['run', '--bridge', 'br-web', '--vip', `${VIP}/24`, '--pin-path', '/sys/fs/bpf/havip-nobody'];
  const refused = await lab.exec('hv', [...nobody, process.execPath, CLI, ...run]);
  t.is(refused.code, 3, refused.stderr);
  t.regex(refused.stderr, /lacks CAP_NET_ADMIN .*CAP_NET_RAW .*CAP_PERFMON .*CAP_BPF [\s\S]*sudo havip run/);

  // Also beside a daemon that runs: the socket and the pins are root's.
  await startDaemon(lab);
  const env = { HAVIP_PIN_PATH: await pinPath(lab), HAVIP_SOCKET: `${lab.tempDir}/havip.sock` };
  for (const argv of [['status'], ['map', 'dump', 'bindings']]) {
    const { code, stderr } = await lab.exec('hv', [...nobody, process.execPath, CLI, ...argv], { env });
    t.is(code, 3, `${argv.join(' ')}: ${stderr}`);
  }
});
