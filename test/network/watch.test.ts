// SPDX-License-Identifier: BSD-2-Clause
// `havip watch` on a real terminal with a real daemon: what is seen, what keys do, and that the terminal is as it was
// before, whatever ended it.
import { readFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import { CLI, havip, startDaemon, webConfig, type Daemon } from '../support/daemon.js';
import { eventually, requireRoot } from '../support/lab.js';
import { pairLab, takeOver } from '../support/pair.js';
import { Tmux, type TmuxOptions } from '../support/tmux.js';

test.before(requireRoot);

const WATCH = `${process.execPath} ${CLI} watch --interval 0.25`;
const CONFIG = webConfig([{ address: VIP }, { address: '10.0.1.51' }, { address: 'fd00:1::50' }]);

interface Stage {
  readonly lab: Lab;
  readonly daemon: Daemon;
  readonly tmux: Tmux;
  /** Before anything was drawn. */
  readonly modes: string;
}

/** vm-a holds the VIP, and a terminal is open. */
async function stage(t: ExecutionContext, options: TmuxOptions = {}): Promise<Stage> {
  const lab = await pairLab(t);
  const daemon = await startDaemon(lab, { config: CONFIG });
  await takeOver(lab, 'vm-a');
  const tmux = await Tmux.open(t, lab, options);
  await tmux.shows(/ready\$/);
  return { lab, daemon, tmux, modes: await tmux.modes() };
}

/** The watch is on the screen. */
async function watching(tmux: Tmux, flags = ''): Promise<string[]> {
  await tmux.type(`${WATCH} ${flags}`);
  return tmux.shows(new RegExp(`${VIP.replaceAll('.', '\\.')} .*held`));
}

/** As before: cooked modes, a cursor, the main screen with the shell's lines, and a shell that listens. */
async function checkRestored(t: ExecutionContext, { tmux, modes }: Stage, how: string): Promise<void> {
  await tmux.shows(/watch[\s\S]*\nready\$\s*$/);
  t.is(await tmux.flag('alternate_on'), '0', `${how}: main screen`);
  t.is(await tmux.flag('cursor_flag'), '1', `${how}: cursor`);
  // readline has modes of its own while it waits for a line: the shell's prompt then and now.
  t.is(await tmux.modes(), modes, `${how}: stty`);
  await tmux.type('printf "still %s\\n" here');
  await tmux.shows(/^still here$/m);
}

const rowOf = (screen: readonly string[], address: string): string =>
  screen.find((line) => line.slice(2).startsWith(`${address} `)) ?? '';

async function watchPid(lab: Lab): Promise<number> {
  const { stdout } = await lab.exec('hv', ['pgrep', '-f', `^${process.execPath} ${CLI} watch`]);
  for (const pid of stdout.split('\n').filter(Boolean).map(Number)) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1');
    if (environment.includes(`${lab.tempDir}/havip.sock`)) return pid;
  }
  throw new Error('no watch runs in this lab');
}

test.serial('in 80x24: who holds it, and the move to the other when it happens', async (t) => {
  const here = await stage(t);
  const { lab, tmux } = here;
  const screen = await watching(tmux);
  t.log(screen.join('\n'));
  t.is(screen.length, 24);
  t.regex(screen[0] ?? '', /^havip 0\.\d+\.\d+ {2}pid \d+ {2}up \d+s +\d\d:\d\d:\d\d UTC$/);
  t.regex(screen[1] ?? '', /^2 unheld {2}1 held {2}by state/);
  t.regex(rowOf(screen, VIP), new RegExp(`held +${lab.port('vm-a')} `));
  t.regex(rowOf(screen, '10.0.1.51'), /unheld +- /);
  t.is(await tmux.flag('cursor_flag'), '0');
  t.is(await tmux.flag('alternate_on'), '1');
  await takeOver(lab, 'vm-b');
  const after = await tmux.shows(new RegExp(`held +${lab.port('vm-b')} `));
  t.log(after.join('\n'));
  t.regex(rowOf(after, VIP), / 1( +\S+)?$/, 'one move');
  t.regex(after.join('\n'), new RegExp(`move +${VIP} +${lab.port('vm-a')} -> ${lab.port('vm-b')}`));
  await tmux.key('q');
  await checkRestored(t, here, 'q');
});

test.serial('keys: filter, sort, details, freeze, help', async (t) => {
  const { lab, tmux } = await stage(t);
  await watching(tmux);
  await tmux.key('/', 'u', 'n', 'h', 'e', 'l', 'd');
  const filtered = await tmux.shows(/^\/unheld/m);
  t.is(rowOf(filtered, VIP), '');
  t.not(rowOf(filtered, '10.0.1.51'), '');
  await tmux.key('Escape');
  await tmux.shows(new RegExp(`${VIP} .*held`));
  await tmux.key('s', 's');
  const sorted = await tmux.shows(/by address/);
  t.deepEqual(
    sorted.slice(3, 6).map((line) => line.slice(2).split(' ')[0]),
    [VIP, '10.0.1.51', 'fd00:1::50'],
  );
  await tmux.key('Enter');
  const details = await tmux.shows(/held by/);
  t.log(details.join('\n'));
  t.regex(details.join('\n'), new RegExp(`${VIP} {2}blue/web[\\s\\S]*held by ${lab.port('vm-a')}`));
  await tmux.key('Escape');
  await tmux.shows(/by address/);
  await tmux.key('Space');
  await tmux.shows(/FROZEN/);
  await takeOver(lab, 'vm-b');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  t.regex(rowOf(await tmux.screen(), VIP), new RegExp(`held +${lab.port('vm-a')} `), 'frozen');
  await tmux.key('Space');
  await tmux.shows(new RegExp(`held +${lab.port('vm-b')} `));
  await tmux.key('?');
  await tmux.shows(/q, Ctrl-C +quit/);
});

test.serial('in 40x10 the lines that matter, none of them broken', async (t) => {
  const here = await stage(t);
  const { tmux } = here;
  await watching(tmux);
  await tmux.resize(40, 10);
  await eventually('it is drawn for 40x10', async () => {
    const lines = await tmux.screen();
    return lines.length === 10 && (lines[0]?.endsWith('UTC') ?? false) && /held/.test(rowOf(lines, VIP));
  });
  const drawn = await tmux.screen();
  t.log(drawn.join('\n'));
  t.is(drawn.length, 10);
  t.true(drawn.every((line) => line.length <= 40));
  t.regex(rowOf(drawn, VIP), /held/);
  await tmux.resize(80, 24);
  await tmux.shows(/-- events/);
  await tmux.key('C-c');
  await checkRestored(t, here, 'Ctrl-C');
});

for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const) {
  test.serial(`the terminal is as before after ${signal}`, async (t) => {
    // dash edits no lines: bash would put right by itself what is wrong with the modes.
    const here = await stage(t, { shell: ['dash'] });
    await watching(here.tmux);
    process.kill(await watchPid(here.lab), signal);
    await checkRestored(t, here, signal);
  });
}

test.serial('Ctrl-Z gives the shell its terminal, fg brings the watch back', async (t) => {
  const here = await stage(t);
  const { lab, tmux, modes } = here;
  await watching(tmux);
  await tmux.key('C-z');
  await tmux.shows(/Stopped/);
  t.is(await tmux.flag('alternate_on'), '0');
  t.is(await tmux.flag('cursor_flag'), '1');
  t.is(await tmux.modes(), modes);
  await takeOver(lab, 'vm-b');
  await tmux.type('fg');
  await tmux.shows(new RegExp(`held +${lab.port('vm-b')} `));
  t.is(await tmux.flag('alternate_on'), '1');
  await tmux.key('q');
  await checkRestored(t, here, 'q after fg');
});

test.serial('a daemon that dies is said, what was seen greys, and a new one is found', async (t) => {
  const here = await stage(t);
  const { lab, daemon, tmux } = here;
  await watching(tmux);
  await daemon.kill();
  const gone = await tmux.shows(/DAEMON GONE \d+s, this is \d+s old/);
  t.log(gone.join('\n'));
  t.regex(rowOf(gone, VIP), new RegExp(`held +${lab.port('vm-a')} `), 'the last picture stays');
  const styled = await tmux.screen(true);
  t.regex(styled[0] ?? '', /^\x1b\[90mhavip/, 'in grey');
  t.notRegex(styled.slice(2).join('\n'), /\x1b\[(1|7|3[0-7])m/, 'and in no other colour');
  await startDaemon(lab, { config: CONFIG });
  await eventually('it is live again', async () => !/DAEMON GONE/.test((await tmux.screen()).join('\n')));
  await takeOver(lab, 'vm-b');
  await tmux.shows(new RegExp(`held +${lab.port('vm-b')} `));
  await tmux.key('q');
  await checkRestored(t, here, 'q after the daemon died');
});

test.serial('no terminal: exit 2 with the cure, and --once for a pipe', async (t) => {
  const lab = await pairLab(t);
  const none = await havip(lab, 'watch', '--once');
  t.is(none.code, 4);
  await startDaemon(lab, { config: CONFIG });
  await takeOver(lab, 'vm-a');
  const refused = await havip(lab, 'watch');
  t.is(refused.code, 2);
  t.regex(refused.stderr, /needs a terminal[\s\S]*try: havip status, havip events --follow/);
  const { code, stdout } = await havip(lab, 'watch', '--once', '--interval', '0.25');
  t.is(code, 0);
  t.notRegex(stdout, /\x1b/);
  t.regex(rowOf(stdout.split('\n'), VIP), new RegExp(`held +${lab.port('vm-a')} `));
});
