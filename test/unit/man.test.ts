// SPDX-License-Identifier: BSD-2-Clause
// The manual pages: everything that --help says, in roff that groff takes without a warning.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Command, Option } from 'commander';
import { configPage } from '../../src/man/config-page.js';
import { manualPages } from '../../src/man/pages.js';
import { quoted, roff } from '../../src/man/roff.js';

const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

const escaped = test.macro((t, text: string, expected: string) => t.is(roff(text), expected));
test('a backslash', escaped, 'a\\n', 'a\\en');
test('a dot or an apostrophe that would be a macro', escaped, ".SH x\n'br", "\\&.SH x\n\\&'br");
test('a hyphen that is typed', escaped, '--json', '\\-\\-json');
test('beyond ASCII', escaped, 'daemon’s µ', 'daemon\\(cqs \\[u00B5]');
test('a quote inside an argument', (t) => t.is(quoted('a "b"'), '"a \\(dqb\\(dq"'));

function tree(): Command {
  const get = new Command('get')
    .description('the entries with this key')
    .argument('<KEY...>', 'an address')
    .addOption(
      new Option('--pin-path <DIR>', 'where pins are').env('HAVIP_PIN_PATH').default('/sys/fs/bpf/x'),
    )
    .addOption(new Option('--kind <KIND>', 'how').choices(['veth', 'tap']))
    .addHelpText('after', '\nA KEY is a part.\n\nExamples:\n  $ havip map get a\n\nExit code: 7 never.');
  const hidden = new Command('secret').description('hidden');
  return new Command('havip')
    .description('follows')
    .addCommand(new Command('map').description('the maps').addCommand(get))
    .addCommand(hidden, { hidden: true });
}

test('a page a command, subcommands in it, nothing that is hidden', (t) => {
  const pages = manualPages(tree(), '1.2');
  t.deepEqual(Object.keys(pages), ['havip.1', 'havip-map.1']);
  const page = pages['havip-map.1'] ?? '';
  t.regex(page, /^\.SH "NAME"\nhavip\\-map \\- the maps$/m);
  t.regex(page, /^\\fBhavip map get\\fR \[options\] <KEY\.\.\.>$/m);
  t.regex(page, /^\.SH "MAP GET"\nthe entries with this key$/m);
  t.regex(
    page,
    /^\\fB\\-\\-pin\\-path \\fR\\fI<DIR>\\fR\nwhere pins are \(default: \/sys\/fs\/bpf\/x; environment: HAVIP_PIN_PATH\)$/m,
  );
  t.regex(page, /one of veth, tap/);
  t.regex(page, /\n\.nf\n\$ havip map get a\n\.fi\n/);
  t.regex(page, /\nExit code: 7 never\.\n/);
  t.regex(page, /\.SH "FILES"\n\.TP\n\\fI\/sys\/fs\/bpf\/x\\fR/);
  t.regex(pages['havip.1'] ?? '', /\\fBhavip\\-map\\fR\(1\)/);
});

test('keys of the configuration by their path, with what is allowed and what is the default', (t) => {
  const inner = { properties: { cidr: { description: 'a/b' } }, required: ['cidr'] };
  const page = configPage(
    { properties: { a: { description: 'x', default: 3 }, list: { description: 'y', items: inner } } },
    '1',
  );
  t.regex(
    page,
    /\\fBa\\fR\nx; default: 3\n[\s\S]*\\fBlist\\fR\ny\n[\s\S]*\\fBlist\[\]\.cidr\\fR\na\/b; required/,
  );
});

test('the real ones: one for every command of --help, and groff finds no fault', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'havip-man-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const made = spawnSync(process.execPath, [CLI, 'man', folder], { encoding: 'utf8' });
  t.is(made.status, 0, made.stderr);
  const help = spawnSync(process.execPath, [CLI, '--help'], { encoding: 'utf8' }).stdout;
  const names = [...help.slice(help.indexOf('\nCommands:')).matchAll(/^ {2}([a-z-]+) /gm)].map(
    ([, name]) => name,
  );
  const commands = names.filter((name) => name !== 'help');
  t.true(commands.length > 10);
  const pages = readdirSync(join(folder, 'man1')).sort();
  t.deepEqual(pages, ['havip.1', ...commands.map((name) => `havip-${name}.1`)].sort());
  t.regex(
    readFileSync(join(folder, 'man1', 'havip-status.1'), 'utf8'),
    /\.SH "EXAMPLES"[\s\S]*\$ havip status 10\.0\.1\.50/,
  );
  const files = [...pages.map((name) => join(folder, 'man1', name)), join(folder, 'man5', 'havip.yaml.5')];
  for (const file of files) {
    const { status, stderr } = spawnSync('groff', ['-ww', '-z', '-man', '-Tutf8', file], {
      encoding: 'utf8',
    });
    t.deepEqual([status, stderr], [0, ''], file);
  }
});
