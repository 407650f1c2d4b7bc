// SPDX-License-Identifier: BSD-2-Clause
// `havip demo` and `havip lab` as people run them: what they show is so, and whatever happens to them, nothing of
// theirs stays on the machine.
import test, { type ExecutionContext } from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLI, placesIn } from '../../src/lab/demo-daemon.js';
import { KEPT_PREFIX } from '../../src/lab/demo-place.js';
import { labFolder } from '../../src/lab/cleanup.js';
import { Child, type Finished } from '../../src/lab/process.js';
import { isClean, leftovers, requireRoot } from '../support/lab.js';

const QUICK = ['--advert-interval', '0.3'];

test.before(requireRoot);

function start(...argv: string[]): Child {
  return new Child([process.execPath, CLI, ...argv]);
}

async function run(...argv: string[]): Promise<Finished> {
  return start(...argv).finished();
}

/** setpriv becomes node, and node's number is in the prefix. */
async function leftBy(pid: number): Promise<Awaited<ReturnType<typeof leftovers>>> {
  return leftovers(`havipdemo${pid}`);
}

async function leavesNothing(t: ExecutionContext, pid: number): Promise<void> {
  const left = await leftBy(pid);
  t.true(isClean(left), JSON.stringify(left));
}

interface Outcome {
  ok: boolean;
  followed: boolean;
  oneHolder: boolean;
  holder: string;
  kind: string;
  outageNs: number;
  guestsNs: number;
  networkNs: number;
  repointNs: number;
  longestGapNs: number;
  savedPackets: number;
  from: { answered: number };
  to: { answered: number };
  stream: { sent: number; lost: number; duplicated: number };
  downloads: Record<'before' | 'after', { bytes: number; intact: boolean }> & { running: { error: string } };
  timeline: { timeNs: number; time: string; who: string }[];
}

test.serial('two demos at once, veth and tap: each follows its takeover, and leaves nothing', async (t) => {
  const demos = ['veth', 'tap'].map((kind) => start('demo', ...QUICK, '--json', '--kind', kind));
  for (const demo of demos) {
    const { code, stdout, stderr } = await demo.finished();
    t.is(code, 0, stderr);
    checkOutcome(t, JSON.parse(stdout) as Outcome);
    await leavesNothing(t, demo.pid);
  }
});

function checkOutcome(t: ExecutionContext, outcome: Outcome): void {
  const { stream, from, to, downloads, outageNs, guestsNs, networkNs, repointNs } = outcome;
  const ms = (ns: number): string => (ns / 1e6).toFixed(2);
  t.log(
    `${outcome.kind}: guests ${ms(guestsNs)} ms, network ${ms(networkNs)} ms, re-point ${ms(repointNs)} ms`,
  );
  t.true(outcome.ok && outcome.followed && outcome.oneHolder);
  t.is(outcome.holder, 'vnic-vm-b');
  t.true(downloads.before.intact && downloads.after.intact);
  t.not(downloads.running.error, '');
  t.is(stream.duplicated, 0);
  // Each packet was answered by exactly one of the two, or lost; all that were lost fit into the outage.
  t.true(from.answered > 500 && to.answered > 500);
  t.true(from.answered + to.answered + stream.lost >= stream.sent);
  t.true(stream.lost <= outageNs / 1e6 + 50, `${stream.lost} lost in ${ms(outageNs)} ms`);
  t.is(guestsNs + networkNs, outageNs);
  t.true(networkNs < 100e6 && repointNs > 0 && repointNs < 100e6);
  // The client's cache was never right again.
  t.true(outcome.savedPackets >= to.answered);
  const times = outcome.timeline.map(({ timeNs }) => timeNs);
  t.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  );
}

test.serial(
  'for a person: 80 columns, no colour in a pipe, and the status as the CLI prints it',
  async (t) => {
    const { code, stdout, stderr } = await run('demo', '--advert-interval', '0.1');
    t.is(code, 0, stderr);
    const [story = '', status = ''] = stdout.split('$ havip status');
    t.deepEqual(
      story.split('\n').filter((line) => line.length > 80),
      [],
    );
    t.false(stdout.includes('\x1b'));
    t.regex(story, /vm-b {4}announces 10\.0\.1\.50/);
    t.regex(story, /\$ havip explain\n {2}move \d+ {2}10\.0\.1\.50 demo\/web\n/);
    t.regex(status, /10\.0\.1\.50 +held +vnic-vm-b/);
  },
);

for (const [signal, code, afterMs] of [
  ['SIGINT', 130, 300],
  ['SIGTERM', 143, 1200],
  ['SIGHUP', 129, 2500],
  ['SIGINT', 130, 5000],
] as const) {
  const ms = Math.round(afterMs * (0.7 + 0.6 * Math.random()));
  test.serial(`${signal} after about ${afterMs} ms leaves nothing`, async (t) => {
    const demo = start('demo');
    await sleep(ms);
    demo.kill(signal);
    const exit = await demo.closed;
    t.log(`after ${ms} ms, at: ${demo.lines.at(-1) ?? 'nothing yet'}`);
    // Before it had anything to take away, the signal may have ended it.
    t.true(exit.code === code || exit.signal === signal, JSON.stringify(exit));
    await leavesNothing(t, demo.pid);
  });
}

test.serial('an impatient person: three times Ctrl-C still leaves nothing', async (t) => {
  const demo = start('demo', ...QUICK);
  await demo.waitFor(/holder/, { timeoutMs: 30_000 });
  for (let time = 0; time < 3; time += 1) {
    demo.kill('SIGINT');
    await sleep(150);
  }
  t.is((await demo.closed).code, 130);
  await leavesNothing(t, demo.pid);
});

test.serial('what a killed demo leaves is swept by the next, which spares the living', async (t) => {
  const killed = start('demo', ...QUICK);
  const living = start('demo', ...QUICK, '--json');
  await killed.waitFor(/havip run/, { timeoutMs: 30_000 });
  killed.kill('SIGKILL');
  await killed.exited;
  t.false(isClean(await leftBy(killed.pid)));
  const next = start('demo');
  await next.waitFor(/swept/, { timeoutMs: 30_000 });
  await leavesNothing(t, killed.pid);
  await next.stop('SIGINT', 30_000);
  await leavesNothing(t, next.pid);
  t.is((await living.finished()).code, 0, living.stderr);
});

test.serial('havip demo | head -1', async (t) => {
  const demo = spawn(process.execPath, [CLI, 'demo', ...QUICK], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(demo.stdout, 'data');
  demo.stdout.destroy();
  await once(demo, 'exit');
  await leavesNothing(t, demo.pid ?? -1);
});

test.serial('without keepalived: its package is named before anything is made', async (t) => {
  // In a mount namespace of its own: nothing there is to execute.
  const hide = `mount --bind /dev/null "$(command -v keepalived)" && exec "$0" "$@"`;
  const argv = ['unshare', '--mount', 'sh', '-c', hide, process.execPath, CLI, 'demo'];
  const demo = new Child(argv);
  const { code, stdout, stderr } = await demo.finished();
  t.is(code, 1);
  t.is(stdout, '');
  t.regex(stderr, /keepalived.*apt-get install keepalived/s);
  await leavesNothing(t, demo.pid);
});

test.serial('not as root: said at once, with exit code 3', async (t) => {
  for (const argv of [['demo'], ['lab', 'up'], ['lab', 'down']]) {
    const user = ['setpriv', '--reuid', '65534', '--clear-groups', '--', process.execPath, CLI];
    const { code, stderr } = await new Child([...user, ...argv]).finished();
    t.is(code, 3, stderr);
  }
});

for (const value of ['0', '-1', 'soon', '11', '']) {
  test(`--advert-interval "${value}" is wrong usage`, async (t) => {
    t.is((await run('demo', '--advert-interval', value)).code, 2);
  });
}

test.serial('lab up, up, status, down, up --no-run, down, down', async (t) => {
  if (!isClean(await leftovers(KEPT_PREFIX))) return t.fail('a lab is up that is not ours: havip lab down');
  t.teardown(() => run('lab', 'down'));
  const up = await run('lab', 'up', ...QUICK);
  t.is(up.code, 0, up.stderr);
  t.regex(up.stdout, /nsenter --net=\/run\/netns\/haviplab-client/);
  const { socket } = placesIn(labFolder(KEPT_PREFIX));
  t.regex((await run('status', '--socket', socket)).stdout, /10\.0\.1\.50 +held +vnic-vm-a/);
  const again = await run('lab', 'up');
  t.is(again.code, 1);
  t.regex(again.stderr, /lab down/);
  t.regex((await run('lab', 'status')).stdout, /haviplab-hv .*havip-run \d+/);
  t.is((await run('lab', 'down')).code, 0);
  t.true(isClean(await leftovers(KEPT_PREFIX)));

  t.is((await run('lab', 'up', ...QUICK, '--no-run')).code, 0);
  t.is((await run('status', '--socket', socket)).code, 4);
  t.is((await run('lab', 'down')).code, 0);
  t.true(isClean(await leftovers(KEPT_PREFIX)));
  t.is((await run('lab', 'down')).code, 0);
  t.is((await run('lab', 'status')).code, 4);
});

test.serial('Ctrl-C while a lab comes up leaves nothing of it', async (t) => {
  if (!isClean(await leftovers(KEPT_PREFIX))) return t.fail('a lab is up that is not ours: havip lab down');
  const up = start('lab', 'up');
  await sleep(900);
  up.kill('SIGINT');
  t.is((await up.closed).code, 130);
  t.true(isClean(await leftovers(KEPT_PREFIX)));
});
