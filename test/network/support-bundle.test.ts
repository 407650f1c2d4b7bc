// SPDX-License-Identifier: BSD-2-Clause
// `havip support-bundle` beside a real daemon, and without one: what is inside, what is not, and that it says so.
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import type { Finished } from '../../src/lab/process.js';
import { VIP } from '../../src/lab/topology.js';
import { CLI, pinPath, socketPath, startDaemon, statePath, webConfig } from '../support/daemon.js';
import { labFor, requireRoot } from '../support/lab.js';
import { pairLab, takeOver } from '../support/pair.js';

test.before(requireRoot);

const run = promisify(execFile);

interface Bundle {
  readonly stdout: string;
  readonly read: (name: string) => Promise<string>;
}

/** Some twenty processes, one after the other: longer than the lab waits for one. */
async function runBundle(lab: Lab, path: string, ...flags: string[]): Promise<Finished> {
  const env = {
    HAVIP_PIN_PATH: await pinPath(lab),
    HAVIP_SOCKET: socketPath(lab),
    HAVIP_STATE_PATH: statePath(lab),
  };
  const argv = [process.execPath, CLI, 'support-bundle', '--output', path, ...flags];
  return lab.exec('hv', argv, { env, timeoutMs: 90_000 });
}

async function bundle(t: ExecutionContext, lab: Lab, name: string, ...flags: string[]): Promise<Bundle> {
  const path = `${lab.tempDir}/${name}.tar.gz`;
  const { code, stdout, stderr } = await runBundle(lab, path, ...flags);
  t.is(code, 0, stderr);
  t.is((await stat(path)).mode & 0o777, 0o600);
  const folder = `${lab.tempDir}/${name}`;
  await mkdir(folder);
  await run('tar', ['-xzf', path, '-C', folder]);
  const [inside = ''] = await readdir(folder);
  return { stdout, read: (part) => readFile(`${folder}/${inside}/${part}`, 'utf8') };
}

test.serial(
  'beside a daemon: everything is inside; nothing of the environment; addresses on request only',
  async (t) => {
    const lab = await pairLab(t);
    await startDaemon(lab, {
      config: webConfig([{ address: VIP }]),
      env: { MY_TOKEN: 'from-the-environment' },
    });
    for (const guest of ['vm-a', 'vm-b'] as const) await takeOver(lab, guest);
    const { stdout, read } = await bundle(t, lab, 'plain');
    const contents = await read('CONTENTS.txt');
    t.true(stdout.startsWith(contents), 'the list that is printed is the one inside');
    t.notRegex(contents.replace(/^doctor.*$/m, ''), /not there/);
    t.regex(stdout, /--redact-addresses takes them out/);

    t.regex(await read('versions.txt'), /^havip \d+\.\d+/);
    t.regex(await read('doctor.txt'), /kernel/);
    t.like(JSON.parse(await read('status.json')), [{ address: VIP, state: 'held' }]);
    t.like(JSON.parse(await read('daemon.json')), { config: { stale: false } });
    t.regex(await read('metrics.txt'), /^havip_moves_total\{.*\} 1$/m);
    t.regex(await read('events.jsonl'), /"kind":"move"/);
    t.regex(await read('history.txt'), /history-00000001\.pb .*"bootId"/);
    t.regex(await read('config.yaml'), /10\.0\.1\.50/);
    t.regex(await read('maps/list.txt'), /^bindings: 1 of \d+$/m);
    t.regex(await read('maps/bindings.jsonl'), /10\.0\.1\.50/);
    t.regex(await read('programs.jsonl'), /"verifiedInstructions":\d/);
    t.regex(await read('host/links.json'), /br-web/);
    t.regex(await read('host/sysctl.txt'), /^net\.ipv4\.conf\.br-web\.rp_filter = \d$/m);
    for (const part of contents.matchAll(/^(\S+) +\d+ bytes/gm)) {
      t.notRegex(await read(part[1] ?? ''), /from-the-environment/, part[1]);
    }
  },
);

test.serial('--redact-addresses leaves none of the lab’s in any part', async (t) => {
  const lab = await pairLab(t);
  await startDaemon(lab, { config: webConfig([{ address: VIP }]) });
  await takeOver(lab, 'vm-a');
  const { stdout, read } = await bundle(t, lab, 'masked', '--redact-addresses');
  t.notRegex(stdout, /takes them out/);
  for (const part of (await read('CONTENTS.txt')).matchAll(/^(\S+) +\d+ bytes/gm)) {
    const text = await read(part[1] ?? '');
    t.false(text.includes(VIP) || text.includes(lab.mac('vm-a')) || text.includes('fd00:1::'), part[1]);
  }
  t.regex(await read('status.json'), /"address":"ipv4-\d+".*"mac":"mac-\d+"/);
});

test.serial(
  'without a daemon, pins, history or root: what can be had, and what is missing by name',
  async (t) => {
    const lab = await labFor(t);
    await lab.addNamespace('hv');
    const { stdout, read } = await bundle(t, lab, 'bare');
    t.regex(stdout, /^status\.json +not there: .*no daemon answers/m);
    t.regex(stdout, /^config\.yaml +not there: no file is known/m);
    t.regex(stdout, /^maps\/list\.txt +not there: /m);
    t.regex(await read('versions.txt'), /^havip /);
    t.regex(await read('doctor.txt'), /kernel/);
    t.regex(await read('host/links.json'), /"lo"/);
    const again = await runBundle(lab, `${lab.tempDir}/bare.tar.gz`);
    t.is(again.code, 1);
    t.regex(again.stderr, /is there already, and is not written over/);
  },
);
