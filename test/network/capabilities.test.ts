// SPDX-License-Identifier: BSD-2-Clause
// As an ordinary user: four capabilities are enough for all of a daemon's life, and each that is missing is named.
import { chmod, chown, mkdir } from 'node:fs/promises';
import test from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import type { Child } from '../../src/lab/process.js';
import { CLI, pinPath, socketPath, statePath } from '../support/daemon.js';
import { requireRoot } from '../support/lab.js';
import { pairLab } from '../support/pair.js';

test.before(requireRoot);

const NOBODY = 65534;
const NEEDED = ['net_admin', 'net_raw', 'perfmon', 'bpf'];

/** Search only, since the sources and the lab's folder may be root's. */
function asNobody(capabilities: readonly string[]): string[] {
  const list = ['dac_read_search', ...capabilities].map((name) => `+${name}`).join(',');
  const caps = [`--inh-caps=${list}`, `--ambient-caps=${list}`, `--bounding-set=-all,${list}`];
  return ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...caps, '--'];
}

function command(capabilities: readonly string[]): string[] {
  const run = ['run', '--bridge', 'br-web', '--vip', `${VIP}/24`, '--metrics', '127.0.0.1:0', '--web', 'off'];
  return [...asNobody(capabilities), process.execPath, CLI, ...run];
}

async function place(lab: Lab): Promise<Record<string, string>> {
  const pins = await pinPath(lab);
  const run = `${lab.tempDir}/run`;
  for (const folder of [pins, run]) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o700);
    await chown(folder, NOBODY, NOBODY);
  }
  const inside = (path: string): string => path.replace(lab.tempDir, run);
  return {
    HAVIP_PIN_PATH: pins,
    HAVIP_SOCKET: inside(socketPath(lab)),
    HAVIP_STATE_PATH: inside(statePath(lab)),
  };
}

test.serial('without one of them it names that one and leaves nothing', async (t) => {
  const lab = await pairLab(t);
  const env = await place(lab);
  for (const missing of NEEDED) {
    const some = NEEDED.filter((name) => name !== missing);
    const { code, stderr } = await lab.exec('hv', command(some), { env });
    t.is(code, 3, stderr);
    t.regex(stderr, new RegExp(`lacks CAP_${missing.toUpperCase()} \\(to [^,]*\\)\\n`));
  }
});

test.serial('with all four it serves, follows, is replaced and ends', async (t) => {
  const lab = await pairLab(t);
  const env = await place(lab);
  const start = async (): Promise<Child> => {
    const child = lab.spawn('hv', command(NEEDED), { env });
    await child.waitFor(/"msg":"(loaded|took over what was pinned)"/, { timeoutMs: 20_000 });
    return child;
  };
  const first = await start();
  await lab.announce('vm-a', VIP);
  await first.waitFor(/"msg":"bind"/);
  await first.stop('SIGKILL');
  const second = await start();
  await lab.announce('vm-b', VIP);
  await second.waitFor(/"msg":"move"/);
  t.deepEqual(await second.stop('SIGTERM', 5000), { code: 0, signal: null });
});
