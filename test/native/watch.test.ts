// SPDX-License-Identifier: BSD-2-Clause
// LinkWatcher and XdpFeatureWatcher on real devices, as root. Each scenario of child.ts runs in a network namespace of
// its own, made and removed here.

import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));
const CHILD_TIMEOUT_MS = 60_000;
let counter = 0;

function makeNamespace(t: { teardown(end: () => void): void }): string {
  const name = `hn${process.pid}n${counter++}`;
  execFileSync('ip', ['netns', 'add', name]);
  t.teardown(() => execFileSync('ip', ['netns', 'delete', name]));
  return name;
}

const inNamespace = test.macro(async (t, scenario: string) => {
  const [here, there] = [makeNamespace(t), makeNamespace(t)];
  const command = [
    `--net=/run/netns/${here}`,
    process.execPath,
    '--enable-source-maps',
    CHILD,
    scenario,
    there,
  ];
  await t.notThrowsAsync(promisify(execFile)('nsenter', command, { timeout: CHILD_TIMEOUT_MS }));
});

test.serial('links are followed as they come, join, leave, move away and go', inNamespace, 'links');
test.serial('600 pairs while the loop is busy: overrun, listed anew, nothing missed', inNamespace, 'overrun');
test.serial("a veth's XDP features follow its peer's GRO", inNamespace, 'features');
test.serial('a handler that throws does not end the reading', inNamespace, 'throwing');
test.serial('an unreferenced reader lets the process end', inNamespace, 'unref');
