// SPDX-License-Identifier: BSD-2-Clause
// `havip check` as a shell sees it: output, messages, exit code. Each row is a process of its own.
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

const folder = mkdtempSync(join(tmpdir(), 'havip-check-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const SOUND =
  'networks: [{ name: n, subnets: [{ name: s, bridge: br, cidr: 10.0.0.0/8, havips: [{ address: 10.0.0.1 }, { address: 10.0.0.2 }] }] }]\n';
const UNSOUND =
  'networks: [{ name: n, subnets: [{ name: s, bridge: br, cidr: 10.0.0.0/8, havips: [{ address: 11.0.0.1, gard: x }] }] }]\n';
writeFileSync(join(folder, 'good.yaml'), SOUND);
writeFileSync(join(folder, 'bad.yaml'), UNSOUND);
writeFileSync(join(folder, 'secret.yaml'), SOUND);
chmodSync(join(folder, 'secret.yaml'), 0);

/** What the program's main does with a command: run it, and print what it throws. */
const MAIN = `
const { checkCommand } = await import(${JSON.stringify(new URL('../../src/cli/check.js', import.meta.url).href)});
try {
  await checkCommand().parseAsync(process.argv.slice(1), { from: 'user' });
} catch (error) {
  console.error(error.message + '; ' + error.cure);
  process.exitCode = error.exitCode;
}`;

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Root reads every file by these two capabilities; without them a mode of 0 keeps it out too. */
const WITHOUT_OVERRIDE = [
  'setpriv',
  '--bounding-set=-dac_override,-dac_read_search',
  '--inh-caps=-dac_override,-dac_read_search',
] as const;

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const options = { cwd: folder, env: { ...process.env, HAVIP_CONFIG: undefined, ...env } };
  return new Promise((resolve) => {
    const node = [process.execPath, '--input-type=module', '-e', MAIN, '--', ...args];
    const child = execFile(
      WITHOUT_OVERRIDE[0],
      [...WITHOUT_OVERRIDE.slice(1), ...node],
      options,
      (_error, out, err) => {
        resolve({ code: child.exitCode ?? -1, out, err });
      },
    );
  });
}

const shell = test.macro(async (t, args: readonly string[], expected: Outcome, env?: NodeJS.ProcessEnv) => {
  t.deepEqual(await run(args, env), expected);
});

const OK = 'good.yaml: ok: 1 networks, 1 subnets, 2 HAVIPs\n';
const MESSAGES =
  'bad.yaml:1:94: address: found 11.0.0.1, which is outside its subnet; allowed: an address in 10.0.0.0/8\n' +
  'bad.yaml:1:104: unknown key "gard", did you mean "guard"? allowed: address, members, rebind, guard, unheld, damping, heal, arp, serviceMac\n';

test('a sound file', shell, ['good.yaml'], { code: 0, out: OK, err: '' });
test('an unsound file: messages on standard error, exit 2', shell, ['bad.yaml'], {
  code: 2,
  out: '',
  err: MESSAGES,
});
test('a missing file', shell, ['absent.yaml'], { code: 2, out: '', err: 'absent.yaml: does not exist\n' });
test(
  'HAVIP_CONFIG when no file is given',
  shell,
  [],
  { code: 0, out: OK, err: '' },
  { HAVIP_CONFIG: 'good.yaml' },
);
test('--config when no file is given', shell, ['--config', 'good.yaml'], { code: 0, out: OK, err: '' });
test(
  'the argument beats HAVIP_CONFIG',
  shell,
  ['good.yaml'],
  { code: 0, out: OK, err: '' },
  { HAVIP_CONFIG: 'bad.yaml' },
);
test('no file at all', shell, [], {
  code: 2,
  out: '',
  err: 'no configuration file given; havip check FILE, or set HAVIP_CONFIG\n',
});

test('a file that may not be read: exit 3', shell, ['secret.yaml'], {
  code: 3,
  out: '',
  err: 'secret.yaml: may not be read by this user\n',
});

test('--json of a sound file', async (t) => {
  const { code, out, err } = await run(['good.yaml', '--json']);
  t.deepEqual({ code, err }, { code: 0, err: '' });
  t.deepEqual(JSON.parse(out), {
    file: 'good.yaml',
    ok: true,
    networks: 1,
    subnets: 1,
    havips: 2,
    problems: [],
  });
});

test('--json of an unsound file', async (t) => {
  const { code, out, err } = await run(['bad.yaml', '--json']);
  t.deepEqual({ code, err }, { code: 2, err: '' });
  const { ok, problems } = JSON.parse(out) as {
    ok: boolean;
    problems: { file: string; line: number; column: number }[];
  };
  t.false(ok);
  t.deepEqual(
    problems.map(({ file, line, column }) => [file, line, column]),
    [
      ['bad.yaml', 1, 94],
      ['bad.yaml', 1, 104],
    ],
  );
});

test('--schema prints a JSON Schema and needs no file', async (t) => {
  const { code, out, err } = await run(['--schema']);
  t.deepEqual({ code, err }, { code: 0, err: '' });
  t.like(JSON.parse(out), {
    $schema: 'http://json-schema.org/draft-07/schema#',
    required: ['networks'],
    additionalProperties: false,
  });
});

test("the help's example is a file that passes", async (t) => {
  const { out } = await run(['--help']);
  const example = /cat havip\.yaml\n(.*?)\n {2}\$ havip check havip\.yaml\n {2}(.*?)\n/s.exec(out);
  writeFileSync(join(folder, 'havip.yaml'), (example?.[1] ?? '').replaceAll(/^ {2}/gm, ''));
  t.deepEqual(await run(['havip.yaml']), { code: 0, out: `${example?.[2]}\n`, err: '' });
});
