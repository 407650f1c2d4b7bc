// SPDX-License-Identifier: BSD-2-Clause
// Completion in a real bash: what TAB offers at each place of the command line. The daemon is a fake on a real socket.
// zsh and fish, where they are installed, are asked the same.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { ApiServer } from '../../src/api/server.js';
import type { DaemonStatus, HavipStatus } from '../../src/api/types.js';
import { FakeSource } from './api-source.js';
import { DAEMON, row } from './watch-fixtures.js';

const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'havip-complete-'));
const socket = join(folder, 'havip.sock');

const EVIL = {
  slot: 9,
  name: '$(x)',
  bridge: '',
  kind: 'vnic',
  hook: 'tc',
  up: true,
  takesXdp: true,
  failure: null,
} as const;

class Source extends FakeSource {
  override listHavips(): Iterable<HavipStatus> {
    return ['10.0.1.50', '10.0.1.51', 'fd00:1::50', 'fd00:1::51'].map((address) => row(address));
  }

  override daemon(): DaemonStatus {
    return { ...DAEMON, ports: [...DAEMON.ports, EVIL] };
  }
}

let server: ApiServer;
const scripts: Record<string, string> = {};

test.before(async () => {
  server = await ApiServer.start(socket, new Source());
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'havip'), `#!/bin/sh\nexec ${process.execPath} ${CLI} "$@"\n`, {
    mode: 0o755,
  });
  mkdirSync(join(folder, 'etc', 'deep'), { recursive: true });
  writeFileSync(join(folder, 'etc', 'havip.yaml'), '');
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = spawnSync(process.execPath, [CLI, 'completion', shell], { encoding: 'utf8' });
    writeFileSync((scripts[shell] = join(folder, `havip.${shell}`)), stdout);
  }
});
test.after.always(() => {
  server.stop();
  rmSync(folder, { recursive: true });
});

/** Runs beside this process, which plays the daemon. */
function run(argv: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const [file = '', ...rest] = argv;
  const given = {
    ...process.env,
    HAVIP_SOCKET: socket,
    PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}`,
    ...env,
  };
  const child = spawn(file, rest, { env: given, cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (part: Buffer) => (text += part.toString()));
  return new Promise((resolve) => child.on('close', () => resolve(text)));
}

const words = (text: string): string[] => text.split('\n').filter(Boolean).sort();

/** As readline calls it: the whole line, its words parted at blanks, colons and equals signs. */
const BASH = `
source "$1"
COMP_LINE=$2 COMP_POINT=\${#2} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
_havip 2>&1
printf '%s\\n' "\${COMPREPLY[@]}"`;

const inBash = async (line: string, env = {}): Promise<string[]> =>
  words(await run(['bash', '--norc', '-c', BASH, 'bash', scripts.bash ?? '', line], env));

const offers = test.macro(async (t, line: string, expected: readonly string[]) =>
  t.deepEqual(await inBash(line), [...expected].sort()),
);

test.serial('bash: commands', offers, 'havip sta', ['status']);
test.serial('bash: subcommands', offers, 'havip map ', ['list', 'dump', 'get', 'help']);
test.serial('bash: options', offers, 'havip map dump --j', ['--json']);
test.serial('bash: choices of an argument', offers, 'havip map dump bind', ['bindings']);
test.serial('bash: choices of an option', offers, 'havip demo --kind ', ['veth', 'tap']);
test.serial('bash: choices behind an equals sign', offers, 'havip demo --kind=v', ['veth']);
test.serial('bash: files, folders among them', offers, 'havip run --config etc/', [
  'etc/havip.yaml',
  'etc/deep',
]);
test.serial('bash: folders only', offers, 'havip run --pin-path etc/', ['etc/deep']);
test.serial(
  'bash: an argument behind an option with its value',
  offers,
  'havip status --config /etc/none 10.',
  ['10.0.1.50', '10.0.1.51'],
);
test.serial('bash: addresses of the daemon', offers, 'havip status 10.', ['10.0.1.50', '10.0.1.51']);
test.serial('bash: an IPv6 address, from its last colon on', offers, 'havip status fd00:1::', ['50', '51']);
test.serial('bash: ports of the daemon, without what a shell would run', offers, 'havip trace --port ', [
  'tap-a',
  'eth1',
]);
test.serial('bash: after --port, options again', offers, 'havip trace --port tap-a --ic', ['--icmp']);
test.serial('bash: an argument that takes many', offers, 'havip map get bindings 10.0.1.50 tap', ['tap-a']);
test.serial('bash: nothing where nothing more is taken', offers, 'havip status 10.0.1.50 ', []);
test.serial('bash: the daemon of --socket', offers, 'havip status --socket /nowhere 10.', []);

test.serial('bash: every command and every option of --help', async (t) => {
  const help = spawnSync(process.execPath, [CLI, '--help'], { encoding: 'utf8' }).stdout;
  const names = [...help.slice(help.indexOf('\nCommands:')).matchAll(/^ {2}([a-z-]+) /gm)].map(
    ([, name = '']) => name,
  );
  t.deepEqual(await inBash('havip '), names.sort());
  for (const name of ['run', 'watch']) {
    const text = spawnSync(process.execPath, [CLI, name, '--help'], { encoding: 'utf8' }).stdout;
    const options = text.slice(text.indexOf('\nOptions:')).matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm);
    t.deepEqual(await inBash(`havip ${name} --`), [...options].map(([, flag = '']) => flag).sort());
  }
});

test.serial('without a daemon: silence, at once, exit code 0', async (t) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'complete', 'havip'], {
    encoding: 'utf8',
    env: { ...process.env, HAVIP_SOCKET: '/nowhere/havip.sock' },
  });
  t.deepEqual([status, stdout, stderr], [0, '', '']);
  t.deepEqual(await inBash('havip status ', { HAVIP_SOCKET: '/nowhere/havip.sock' }), []);
});

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

/** Not among the test packages: what cannot be asked is said, and its syntax is bash's to check no more. */
test.serial('fish: the same places', async (t) => {
  if (!has('fish')) return t.pass('no fish here');
  const ask = async (line: string): Promise<string[]> =>
    words(
      await run([
        'fish',
        '--no-config',
        '-c',
        'source $argv[1]; complete -C $argv[2]',
        scripts.fish ?? '',
        line,
      ]),
    ).map((found) => found.split('\t')[0] ?? '');
  t.deepEqual(await ask('havip sta'), ['status']);
  t.deepEqual(await ask('havip map '), ['dump', 'get', 'help', 'list']);
  t.deepEqual(await ask('havip map dump bind'), ['bindings']);
  t.deepEqual(await ask('havip demo --kind '), ['tap', 'veth']);
  t.deepEqual(await ask('havip run --config etc/'), ['etc/deep/', 'etc/havip.yaml']);
  t.deepEqual(await ask('havip status 10.'), ['10.0.1.50', '10.0.1.51']);
  t.deepEqual(await ask('havip status fd00:1::5'), ['fd00:1::50', 'fd00:1::51']);
  t.deepEqual(await ask('havip trace --port '), ['eth1', 'tap-a']);
  t.deepEqual(await ask('havip map get bindings 10.0.1.50 tap'), ['tap-a']);
  t.deepEqual(await ask('havip status 10.0.1.50 '), []);
});

/** Its completion works inside its line editor only; here the functions that it calls are played. */
const ZSH = `
compdef() { : }
compadd() { [[ $1 == -- ]] && shift; print -rl -- \${(M)@:#\${words[CURRENT]}*} }
_describe() { [[ $1 == -o ]] && shift; local -a all=(\${(P)2}); print -rl -- \${(M)\${all%%:*}:#\${words[CURRENT]}*} }
_files() { print -rl -- FILES "$@" }
source $1
words=(\${(s: :)2}); [[ $2 == *' ' ]] && words+=('')
CURRENT=$#words
_havip`;

test.serial('zsh: the same places', async (t) => {
  if (!has('zsh')) return t.pass('no zsh here');
  const ask = async (line: string): Promise<string[]> =>
    words(await run(['zsh', '-f', '-c', ZSH, 'zsh', scripts.zsh ?? '', line]));
  t.deepEqual(await ask('havip sta'), ['status']);
  t.deepEqual(await ask('havip map '), ['dump', 'get', 'help', 'list']);
  t.deepEqual(await ask('havip map dump --j'), ['--json']);
  t.deepEqual(await ask('havip map dump bind'), ['bindings']);
  t.deepEqual(await ask('havip demo --kind '), ['tap', 'veth']);
  t.deepEqual(await ask('havip run --config etc/'), ['FILES']);
  t.deepEqual(await ask('havip run --pin-path etc/'), ['-/', 'FILES']);
  t.deepEqual(await ask('havip status 10.'), ['10.0.1.50', '10.0.1.51']);
  t.deepEqual(await ask('havip trace --port '), ['eth1', 'tap-a']);
  t.deepEqual(await ask('havip map get bindings 10.0.1.50 tap'), ['tap-a']);
  t.deepEqual(await ask('havip status 10.0.1.50 '), []);
});
