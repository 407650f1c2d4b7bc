// SPDX-License-Identifier: BSD-2-Clause
// The configuration read again while packets flow: a good file is in force at once, a bad one changes nothing and is
// said to be bad, and what stays in the file keeps its holder and its counters.
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import {
  configPath,
  havip,
  heldBy,
  metrics,
  startDaemon,
  status,
  statusAll,
  webConfig,
  writeConfig,
  type Daemon,
} from '../support/daemon.js';
import { eventually, requireRoot } from '../support/lab.js';
import { pairLab, takeOver } from '../support/pair.js';

test.before(requireRoot);

const SECOND = '10.0.1.51';
const THIRD = '10.0.1.52';
const listing = (...addresses: string[]): object => webConfig(addresses.map((address) => ({ address })));

/** A pair whose HAVIP is held, under a stream that must not lose a packet. */
async function underStream(
  t: ExecutionContext,
  config: object,
): Promise<{ lab: Lab; daemon: Daemon; finish: () => Promise<void> }> {
  const lab = await pairLab(t);
  const daemon = await startDaemon(lab, { config });
  await takeOver(lab, 'vm-a');
  await lab.staticNeighbour('client', VIP, lab.mac('vm-b'));
  await traffic.echoStream(lab, 'vm-a');
  const stream = await traffic.sendStream(lab, 'client', { to: VIP, seconds: 30 });
  const finish = async (): Promise<void> => {
    const { sent, lost, duplicated } = await stream.finish();
    t.deepEqual({ lost, duplicated }, { lost: 0, duplicated: 0 });
    t.like(await status(lab), { state: 'held', moves: 0, packets: sent, savedPackets: sent });
  };
  return { lab, daemon, finish };
}

test.serial('HAVIPs come and go by a reload, and what stays loses no packet', async (t) => {
  const { lab, finish } = await underStream(t, listing(VIP, SECOND));
  await lab.announce('vm-b', SECOND);
  await heldBy(lab, lab.port('vm-b'), SECOND);

  await writeConfig(lab, listing(VIP, THIRD));
  const applied = await havip(lab, 'reload');
  t.is(applied.code, 0, applied.stderr);
  const addresses = async (): Promise<string[]> => (await statusAll(lab)).map(({ address }) => address);
  t.deepEqual(await addresses(), [VIP, THIRD]);
  await lab.announce('vm-b', THIRD);
  await heldBy(lab, lab.port('vm-b'), THIRD);

  // What was taken out and comes back has no past.
  await writeConfig(lab, listing(VIP, SECOND, THIRD));
  t.is((await havip(lab, 'reload')).code, 0);
  t.like(await status(lab, SECOND), { state: 'unheld', holder: null, moves: 0 });
  t.like((await status(lab, THIRD)).holder, { port: lab.port('vm-b') });
  await finish();
});

test.serial('a bad file keeps the one before in force and says so, until it is mended', async (t) => {
  const { lab, daemon, finish } = await underStream(t, listing(VIP));
  const stale = async (): Promise<number | undefined> =>
    (await metrics(lab, daemon)).get('havip_config_stale');
  t.is(await stale(), 0);

  await writeConfig(
    lab,
    'networks:\n  - name: blue\n    subnets:\n      - name: web\n        brigde: br-web\n',
  );
  daemon.child.kill('SIGHUP');
  await eventually('the file is said to be stale', async () => (await stale()) === 1);
  const told = await havip(lab, 'reload');
  t.is(told.code, 2);
  t.regex(told.stderr, new RegExp(`${configPath(lab)}:\\d+:\\d+: .*brigde`));
  t.regex((await havip(lab, 'status')).stdout, /configuration stale: .*havip\.yaml is bad/);

  // Sound by itself, but not to be changed while it runs.
  await writeConfig(lab, { ...listing(VIP), metrics: { listen: '127.0.0.1:9999' } });
  const fixed = await havip(lab, 'reload');
  t.is(fixed.code, 2);
  t.regex(fixed.stderr, /metrics/);
  t.is(await stale(), 1);

  await writeConfig(lab, listing(VIP, SECOND));
  daemon.child.kill('SIGHUP');
  await eventually('the mended file is in force', async () => (await stale()) === 0);
  t.is((await statusAll(lab)).length, 2);
  await finish();
});

test.serial('a holder that a reload strikes from the members is released', async (t) => {
  const lab = await pairLab(t);
  const members = (...guests: string[]): object =>
    webConfig([{ address: VIP, members: guests.map((guest) => lab.port(guest)) }]);
  await startDaemon(lab, { config: members('vm-a', 'vm-b') });
  await takeOver(lab, 'vm-a');
  await writeConfig(lab, members('vm-b'));
  t.is((await havip(lab, 'reload')).code, 0);
  t.like(await status(lab), { state: 'unheld', holder: null });
  await takeOver(lab, 'vm-b');
});

test.serial('HAVIPs beyond what the loaded maps hold are refused, and nothing is changed', async (t) => {
  const lab = await pairLab(t);
  const capacity = { havips: 2, ports: 16 };
  await startDaemon(lab, { config: { ...listing(VIP, SECOND), capacity } });
  await takeOver(lab, 'vm-a');
  await writeConfig(lab, { ...listing(VIP, SECOND, THIRD), capacity: { ports: 16 } });
  const { code, stderr } = await havip(lab, 'reload');
  t.is(code, 2);
  t.regex(stderr, /3 HAVIPs are configured; the loaded maps have room for 2/);
  t.deepEqual(
    (await statusAll(lab)).map(({ state }) => state),
    ['held', 'unheld'],
  );
});
