// SPDX-License-Identifier: BSD-2-Clause
// The life of the fast path beside that of the daemon: it goes on when the daemon is killed, stopped or replaced, is
// taken over whole by the next one, and goes only by `havip unload`. With both ways to attach to tc.
import test, { type ExecutionContext } from 'ava';
import { readdir } from 'node:fs/promises';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { closeFd, linkInfo, openPin, programInfo } from '../../src/native/index.js';
import {
  WAYS,
  events,
  failedStart,
  havip,
  heldBy,
  pinPath,
  startDaemon,
  status,
  webConfig,
  type DaemonOptions,
} from '../support/daemon.js';
import { eventually, requireRoot } from '../support/lab.js';
import { withTables } from '../support/maps.js';
import { checkReaches, pairLab, takeOver } from '../support/pair.js';

test.before(requireRoot);

for (const { way, env } of WAYS) {
  test.serial(`${way}: a stream loses nothing while the daemon is killed and started again`, async (t) => {
    const lab = await pairLab(t, { 'vm-a': 'tap' });
    const first = await startDaemon(lab, { env });
    await takeOver(lab, 'vm-b');
    await takeOver(lab, 'vm-a');
    await checkReaches(t, lab, 'vm-a');
    const before = await status(lab);

    await traffic.echoStream(lab, 'vm-a');
    const stream = await traffic.sendStream(lab, 'client', { to: VIP, seconds: 30 });
    await pause(300);
    await first.kill();
    await pause(300);
    t.is((await havip(lab, 'status')).code, 4);
    await startDaemon(lab, { env });
    const adopted = await status(lab);
    await pause(300);
    const { sent, lost, duplicated } = await stream.finish();
    t.deepEqual({ lost, duplicated }, { lost: 0, duplicated: 0 });

    const after = await status(lab);
    t.deepEqual(adopted.holder, { ...before.holder, since: adopted.holder?.since });
    t.like(after, { state: 'held', moves: 1 });
    t.is(after.packets - before.packets, sent);
    t.is(after.savedPackets - before.savedPackets, sent);
    // And it goes on following.
    await takeOver(lab, 'vm-b');
    await checkReaches(t, lab, 'vm-b');
    t.is((await status(lab)).moves, 2);
  });

  test.serial(
    `${way}: stopped, the fast path serves on; unload takes away every trace, and once only`,
    async (t) => {
      const lab = await pairLab(t);
      const daemon = await startDaemon(lab, { env });
      await takeOver(lab, 'vm-a');
      const refused = await havip(lab, 'unload');
      t.is(refused.code, 1);
      t.regex(refused.stderr, new RegExp(`process ${daemon.pid}\\b`));
      t.deepEqual(await daemon.stop(), { code: 0, signal: null });

      await checkReaches(t, lab, 'vm-a');
      const programs = await attachedPrograms(lab);
      // The bridge and three guests.
      t.is(programs.length, 4);
      const unloaded = await havip(lab, 'unload');
      t.is(unloaded.code, 0, unloaded.stderr);
      t.regex(unloaded.stdout, /detached 4 programs/);
      await checkNoTrace(t, lab, programs);
      await lab.staticNeighbour('client', VIP, lab.mac('vm-a'));
      t.is((await traffic.ping(lab, 'client', VIP)).received, 1, 'the bridge alone delivers');
      const again = await havip(lab, 'unload');
      t.is(again.code, 4);
      t.regex(again.stderr, /nothing is loaded/);

      // Nobody is left that would answer the question with which it starts.
      await lab.ip('vm-a', [`address del ${VIP}/32 dev eth0`]);
      await startDaemon(lab, { env });
      t.like(await status(lab), { state: 'unheld', holder: null, moves: 0, packets: 0 });
    },
  );
}

test.serial('a daemon of one way takes over what one of the other way attached', async (t) => {
  const lab = await pairLab(t);
  for (const env of [{ HAVIP_TCX: '0' }, {}, { HAVIP_TCX: '0' }]) {
    const daemon = await startDaemon(lab, { env });
    await takeOver(lab, 'vm-a');
    await checkReaches(t, lab, 'vm-a');
    t.is((await attachedPrograms(lab)).length, 4);
    await daemon.stop();
  }
  const programs = await attachedPrograms(lab);
  t.is((await havip(lab, 'unload')).code, 0);
  await checkNoTrace(t, lab, programs);
});

test.serial('a clsact qdisc that was there before us, with a filter of its own, stays', async (t) => {
  const lab = await pairLab(t);
  const port = lab.port('client');
  await lab.must('hv', ['tc', 'qdisc', 'add', 'dev', port, 'clsact']);
  await lab.must('hv', ['tc', 'filter', 'add', 'dev', port, 'ingress', 'prio', '7', ...OTHER_FILTER]);
  const daemon = await startDaemon(lab, { env: { HAVIP_TCX: '0' } });
  await daemon.stop();
  t.is((await havip(lab, 'unload')).code, 0);
  const filters = await lab.must('hv', ['tc', 'filter', 'show', 'dev', port, 'ingress']);
  t.regex(filters, /pref 7 u32/);
  t.notRegex(filters, /bpf/);
});

/** Classifies every frame, and lets it pass. */
const OTHER_FILTER = ['protocol', 'all', 'u32', 'match', 'u32', '0', '0', 'flowid', '1:1'];

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Ids of the programs behind the pins. */
async function attachedPrograms(lab: Lab): Promise<number[]> {
  const folder = `${await pinPath(lab)}/links`;
  const ids = new Set<number>();
  const files = await readdir(folder);
  for (const file of files) {
    const fd = openPin(`${folder}/${file}`);
    ids.add(file.includes('clsact') ? programInfo(fd).id : linkInfo(fd).programId);
    closeFd(fd);
  }
  // Ingress on every guest's port is one program; listed once a port, as `unload` counts.
  return files.map((_, at) => [...ids][at] ?? [...ids][0] ?? 0);
}

async function checkNoTrace(t: ExecutionContext, lab: Lab, programs: readonly number[]): Promise<void> {
  t.deepEqual(
    (await readdir(await lab.bpffs())).filter((name) => name.startsWith('havip')),
    [],
  );
  t.notRegex(await lab.must('hv', ['tc', 'qdisc', 'show']), /clsact/);
  const net = await lab.must('hv', ['bpftool', 'net', 'show']);
  t.notRegex(net, /havip/);
  for (const id of new Set(programs)) {
    await eventually(`program ${id} is gone`, async () => {
      return (await lab.exec('hv', ['bpftool', 'prog', 'show', 'id', String(id)])).code !== 0;
    });
  }
}

test.serial('a second daemon on the same pins is refused and names the first, which goes on', async (t) => {
  const lab = await pairLab(t);
  const first = await startDaemon(lab);
  const flags = [
    '--bridge',
    'br-web',
    '--vip',
    `${VIP}/24`,
    '--metrics',
    'off',
    '--socket',
    `${lab.tempDir}/second`,
  ];
  const { code, stderr } = await failedStart(lab, { flags });
  t.is(code, 1);
  t.regex(stderr, new RegExp(`process ${first.pid}\\b`));
  await takeOver(lab, 'vm-a');
  await checkReaches(t, lab, 'vm-a');
});

test.serial('a move that the daemon slept through is followed and reported at its next start', async (t) => {
  const lab = await pairLab(t);
  const first = await startDaemon(lab);
  await takeOver(lab, 'vm-a');
  await first.kill();
  const asleepNs = Number(process.hrtime.bigint());
  await lab.announce('vm-b', VIP);
  await lab.ip('vm-b', [`address add ${VIP}/32 dev eth0`]);
  const startedNs = Number(process.hrtime.bigint());
  await startDaemon(lab);
  await heldBy(lab, lab.port('vm-b'));
  await checkReaches(t, lab, 'vm-b');
  const moves = await events(lab, 'move');
  t.is(moves.length, 1);
  t.like(moves[0], { from: { port: lab.port('vm-a') }, to: { port: lab.port('vm-b') } });
  const at = moves[0]?.timeNs ?? 0;
  t.true(at > asleepNs && at < startedNs, 'told with the time of the frame');
});

test.serial('a start with more capacity keeps bindings, counters and the traffic', async (t) => {
  const lab = await pairLab(t);
  const config = (havips: number, ports: number): DaemonOptions => ({
    config: { ...webConfig([{ address: VIP }, { address: '10.0.1.51' }]), capacity: { havips, ports } },
  });
  const first = await startDaemon(lab, config(2, 8));
  await takeOver(lab, 'vm-b');
  await takeOver(lab, 'vm-a');
  await lab.staticNeighbour('client', VIP, lab.mac('vm-b'));
  await traffic.echoStream(lab, 'vm-a');
  const before = await status(lab);
  const stream = await traffic.sendStream(lab, 'client', { to: VIP, seconds: 30 });
  await pause(200);
  await first.stop();
  await startDaemon(lab, config(300, 64));
  await pause(300);
  const { sent, lost } = await stream.finish();
  t.is(lost, 0);
  const after = await status(lab);
  t.deepEqual(after.holder, { ...before.holder, since: after.holder?.since });
  t.is(after.moves, 1);
  // Between the copy and the swap of the maps a few packets are counted in the old ones.
  t.true(after.packets > sent * 0.9 && after.packets <= sent, `${after.packets} of ${sent}`);
  t.is(await withTables(lab, ({ bindings }) => bindings.maxEntries), 300);
  await checkReaches(t, lab, 'vm-a');
});
