// SPDX-License-Identifier: BSD-2-Clause
// The history of a real daemon: over stops, kills and cut tails, on disks that are full or read-only, with and without
// the daemon to ask. Whatever becomes of it, failovers go on.
import { mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { readHistory } from '../../src/history/reader.js';
import { listSegments } from '../../src/history/segments.js';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import {
  CLI,
  events,
  havip,
  metrics,
  metricsAddress,
  socketPath,
  startDaemon,
  statePath,
  type Daemon,
  type EventLine,
} from '../support/daemon.js';
import { eventually, requireRoot } from '../support/lab.js';
import { pairLab, takeOver } from '../support/pair.js';

test.before(requireRoot);

const run = promisify(execFile);

const lines = (text: string): EventLine[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as EventLine);
const seqs = (found: readonly { seq: number }[]): number[] => found.map(({ seq }) => seq);
const moves = (found: readonly EventLine[]): EventLine[] => found.filter(({ kind }) => kind === 'move');

async function query(lab: Lab, ...flags: string[]): Promise<EventLine[]> {
  const { stdout, stderr, code } = await havip(lab, 'events', '--json', ...flags);
  if (code !== 0) throw new Error(stderr);
  return lines(stdout);
}

test.serial('events, moves and numbers go on over a stop and over a kill', async (t) => {
  const lab = await pairLab(t);
  const first = await startDaemon(lab);
  await takeOver(lab, 'vm-a');
  await takeOver(lab, 'vm-b');
  const before = await events(lab);
  await first.stop();

  const second = await startDaemon(lab);
  await takeOver(lab, 'vm-a');
  const after = await events(lab);
  t.deepEqual(after.slice(0, before.length), before, 'the same, to the nanosecond');
  t.deepEqual(
    seqs(after),
    after.map((_, i) => i + 1),
    'one row of numbers without a gap',
  );
  t.is(moves(after).length, 2);
  const lastSeq = after.at(-1)?.seq ?? 0;
  await eventually('all is on disk', async () => [...readHistory(statePath(lab))].length >= lastSeq);
  await second.kill();

  await startDaemon(lab);
  await takeOver(lab, 'vm-b');
  const resumed = await query(lab, '--after', String(lastSeq));
  t.is(resumed[0]?.seq, lastSeq + 1, 'who had read up to the kill goes on without a gap or a repetition');
  t.is(moves(resumed).length, 1);
  t.is(resumed.filter(({ kind }) => kind === 'lost').length, 0);
});

test.serial('a tail that was cut is dropped, and said in the log and as an event', async (t) => {
  const lab = await pairLab(t);
  const first = await startDaemon(lab);
  await takeOver(lab, 'vm-a');
  const before = await events(lab);
  await first.stop();
  const [segment] = listSegments(statePath(lab));
  const { size } = await stat(segment?.path ?? '');
  await truncate(segment?.path ?? '', size - 3);

  const second = await startDaemon(lab);
  t.regex(second.child.stderr, /the end of the history was cut by a crash/);
  const after = await events(lab);
  t.deepEqual(after.slice(0, before.length - 1), before.slice(0, -1));
  t.like(after[before.length - 1], { kind: 'lost', reason: 'history-cut', seq: before.length });
});

/** A state folder of its own, gone with the test. */
async function mountState(t: ExecutionContext, lab: Lab, options: string): Promise<string> {
  const folder = statePath(lab);
  await mkdir(folder);
  await run('mount', ['-t', 'tmpfs', '-o', `mode=0750,${options}`, 'tmpfs', folder]);
  t.teardown(() => run('umount', ['-l', folder]));
  return folder;
}

/** Both guests echo; the address moves while a stream runs, and the new holder gets it. */
async function checkFailover(t: ExecutionContext, lab: Lab, to: 'vm-a' | 'vm-b'): Promise<void> {
  const echo = await traffic.echoStream(lab, to);
  const stream = await traffic.sendStream(lab, 'client', { to: VIP, seconds: 30 });
  await takeOver(lab, to);
  await eventually(`${to} gets the stream`, async () => (await echo.records()).length > 100);
  const { echoed } = await stream.finish();
  t.true(echoed > 100, `${echoed} echoes`);
  await echo.child.stop();
}

async function health(lab: Lab, daemon: Daemon): Promise<{ historyFailure: string | null }> {
  const page = await lab.must('hv', ['curl', '-sS', '-f', `http://${metricsAddress(daemon)}/healthz`]);
  return JSON.parse(page) as { historyFailure: string | null };
}

async function checkMemoryOnly(t: ExecutionContext, lab: Lab, daemon: Daemon, why: RegExp): Promise<void> {
  await eventually('the daemon knows', async () => (await health(lab, daemon)).historyFailure !== null);
  t.regex((await health(lab, daemon)).historyFailure ?? '', why);
  t.is((await metrics(lab, daemon)).get('havip_history_writable'), 0);
  await checkFailover(t, lab, 'vm-a');
  await checkFailover(t, lab, 'vm-b');
  t.true(moves(await events(lab)).length >= 1, 'the API tells what happens all the same');
  t.regex((await havip(lab, 'status')).stdout, /history: in memory only: /);
  const said = daemon.child.stderr.match(/the history is kept in memory only/g);
  t.is(said?.length, 1, 'once, however often it is tried');
}

async function checkKept(t: ExecutionContext, lab: Lab, daemon: Daemon): Promise<void> {
  await eventually(
    'it is written again',
    async () => (await health(lab, daemon)).historyFailure === null,
    20_000,
  );
  t.regex(daemon.child.stderr, /the history is written again/);
  const found = await metrics(lab, daemon);
  t.is(found.get('havip_history_writable'), 1);
  t.is(found.get('havip_history_lost_total'), 0);
  const told = await events(lab);
  t.deepEqual(
    seqs([...readHistory(statePath(lab))]),
    seqs(told),
    'what waited in memory is in the file, once',
  );
}

test.serial(
  'a full disk costs the history on disk and no failover, and when there is room it goes on',
  async (t) => {
    const lab = await pairLab(t);
    const folder = await mountState(t, lab, 'size=64k');
    await writeFile(`${folder}/filler`, Buffer.alloc(60 << 10));
    const daemon = await startDaemon(lab);
    // More than the page that is left takes: it is full in the middle of a record.
    const ports = Array.from({ length: 80 }, (_, i) => `spare${i}`);
    const added = ports.map((name) => [
      `link add ${name} type veth peer name ${name}x`,
      `link set ${name} master br-web up`,
    ]);
    await lab.ip('hv', added.flat());
    await checkMemoryOnly(t, lab, daemon, /ENOSPC/);
    await rm(`${folder}/filler`);
    await checkKept(t, lab, daemon);
    await checkFailover(t, lab, 'vm-a');
  },
);

test.serial('a read-only state folder likewise', async (t) => {
  const lab = await pairLab(t);
  const folder = await mountState(t, lab, 'ro');
  const daemon = await startDaemon(lab);
  await takeOver(lab, 'vm-a');
  await checkMemoryOnly(t, lab, daemon, /EROFS/);
  await run('mount', ['-o', 'remount,rw', folder]);
  await checkKept(t, lab, daemon);
});

test.serial('a state folder that others may write is refused with the cure; the daemon serves', async (t) => {
  const lab = await pairLab(t);
  await mountState(t, lab, 'mode=1777');
  const daemon = await startDaemon(lab);
  await checkMemoryOnly(t, lab, daemon, /writable by others.*chmod 750/);
  t.deepEqual(await readdir(statePath(lab)), []);
});

test.serial('events by time, address, kind and number, with a daemon and without: the same', async (t) => {
  const lab = await pairLab(t);
  const flags = [
    '--bridge',
    'br-web',
    '--vip',
    `${VIP}/24`,
    '--vip',
    '10.0.1.51/24',
    '--metrics',
    '127.0.0.1:0',
  ];
  const daemon = await startDaemon(lab, { flags: [...flags, '--web', '127.0.0.1:0'] });
  for (const guest of ['vm-a', 'vm-b', 'vm-a'] as const) await takeOver(lab, guest);
  await takeOver(lab, 'vm-b', '10.0.1.51');
  const all = await events(lab);
  const third = moves(all)[1] as EventLine;
  const asked = {
    moves: ['--kind', 'move'],
    last: ['--vip', VIP, '--kind', 'bind,move', '--last', '1'],
    other: ['--vip', '10.0.1.51', '--since', '1h'],
    since: ['--since', third.time],
    until: ['--until', third.time],
    none: ['--until', '1h'],
  };
  // An alarm of the moves above ends by itself a little later.
  const known = (found: readonly EventLine[]): EventLine[] => found.filter(({ seq }) => seq <= all.length);
  const told: Record<string, EventLine[]> = {};
  for (const [name, words] of Object.entries(asked)) told[name] = known(await query(lab, ...words));
  t.deepEqual(told.moves, moves(all));
  t.deepEqual(told.last, [third]);
  t.true((told.other ?? []).length > 0 && told.other?.every(({ address }) => address === '10.0.1.51'));
  t.deepEqual(told.since, all.slice(all.indexOf(third)));
  t.deepEqual(
    told.until,
    all.filter(({ time }) => time <= third.time),
  );
  t.deepEqual(told.none, []);

  await daemon.stop();
  for (const [name, words] of Object.entries(asked)) {
    t.deepEqual(known(await query(lab, ...words)), told[name], name);
  }
  const { stderr, stdout } = await havip(lab, 'events', '--json');
  t.regex(stderr, new RegExp(`no daemon answers; this is what ${statePath(lab)} has kept`));
  t.deepEqual(known(lines(stdout)), all);
  t.is((await havip(lab, 'events', '--follow')).code, 4);
  const typo = await havip(lab, 'events', '--kind', 'moev');
  t.is(typo.code, 2);
  t.regex(typo.stderr, /"moev"; allowed: bind, move, /);
});

test.serial(
  '--follow begins with what is kept, goes on with what happens, and shows what was asked for',
  async (t) => {
    const lab = await pairLab(t);
    await startDaemon(lab);
    for (const guest of ['vm-a', 'vm-b', 'vm-a'] as const) await takeOver(lab, guest);
    const flags = ['--follow', '--json', '--kind', 'move', '--last', '1'];
    const env = { HAVIP_SOCKET: socketPath(lab) };
    const child = lab.spawn('hv', [process.execPath, CLI, 'events', ...flags], { env });
    await child.waitFor(/"kind":"move"/);
    await takeOver(lab, 'vm-b');
    await eventually('the second', async () => lines(child.stdout).length === 2);
    child.kill('SIGINT');
    t.is((await child.finished()).code, 0);
    t.deepEqual(lines(child.stdout), moves(await events(lab)).slice(-2));
  },
);

test.serial('two daemons with one state folder: the second keeps its history in memory', async (t) => {
  const lab = await pairLab(t);
  await startDaemon(lab);
  await takeOver(lab, 'vm-a');
  const env = { HAVIP_PIN_PATH: `${await lab.bpffs()}/second`, HAVIP_SOCKET: `${lab.tempDir}/second.sock` };
  const flags = [
    '--bridge',
    'br-none',
    '--vip',
    '10.0.9.1/24',
    '--metrics',
    '127.0.0.1:0',
    '--web',
    '127.0.0.1:0',
  ];
  const second = await startDaemon(lab, { flags, env });
  await second.child.waitFor(/kept in memory only/);
  t.regex(second.child.stderr, /is written by process \d+; give each daemon a folder of its own/);
  await second.stop();
  t.deepEqual(seqs([...readHistory(statePath(lab))]), seqs(await events(lab)));
});
