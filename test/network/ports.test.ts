// SPDX-License-Identifier: BSD-2-Clause
// Ports and bridges that come and go while the daemon runs: whoever arrives is served, whoever leaves holds nothing
// any more, and nobody else notices.
import test from 'ava';
import { readdir } from 'node:fs/promises';
import { ADDRESSES, VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import {
  WAYS,
  events,
  havip,
  heldBy,
  metrics,
  pinPath,
  startDaemon,
  status,
  webConfig,
  writeConfig,
} from '../support/daemon.js';
import { eventually, requireRoot, standardLabFor } from '../support/lab.js';
import { addGuest, both, checkReaches, pairLab, takeOver } from '../support/pair.js';

test.before(requireRoot);

for (const { way, env } of WAYS) {
  const kind = way === 'TCX' ? 'veth' : 'tap';
  test.serial(
    `${way}: a ${kind} guest that arrives is served, as sender and as holder; removed, it holds nothing`,
    async (t) => {
      const lab = await pairLab(t);
      const daemon = await startDaemon(lab, { env });
      await takeOver(lab, 'vm-a');
      await addGuest(lab, 'late', '10.0.1.40', kind);
      const attached = 'havip_port_attached{port="vnic-late",hook="tc"}';
      await eventually('the port is served', async () => (await metrics(lab, daemon)).get(attached) === 1);
      await checkReaches(t, lab, 'vm-a', { from: 'late' });

      await lab.announce('late', VIP);
      await heldBy(lab, 'vnic-late');
      await lab.crash('late', { port: 'gone' });
      await heldBy(lab, null);
      t.is((await status(lab)).state, 'unheld');
      t.false((await metrics(lab, daemon)).has(attached));
      const [release] = await events(lab, 'release');
      t.like(release, { from: { port: 'vnic-late' }, to: null });
      t.regex(release?.reason ?? '', /^port-(down|left)$/);
      await takeOver(lab, 'vm-b');
      await checkReaches(t, lab, 'vm-b');
    },
  );
}

test.serial('a port that leaves the bridge is let go, and is served again when it is back', async (t) => {
  const lab = await pairLab(t);
  await startDaemon(lab);
  await takeOver(lab, 'vm-a');
  await lab.ip('hv', [`link set ${lab.port('vm-a')} nomaster`]);
  await heldBy(lab, null);
  await eventually('its program is gone', async () => (await links()).length === 3);
  await lab.ip('hv', [`link set ${lab.port('vm-a')} master br-web`]);
  await eventually('its program is back', async () => (await links()).length === 4);
  await takeOver(lab, 'vm-a');
  await checkReaches(t, lab, 'vm-a');

  async function links(): Promise<unknown[]> {
    const { stdout } = await havip(lab, 'map', 'dump', 'ports', '--json');
    return JSON.parse(stdout) as unknown[];
  }
});

for (const kind of ['veth', 'tap'] as const) {
  test.serial(
    `the holder's ${kind} port goes down: released at once; up and announced, bound again`,
    async (t) => {
      const lab = await pairLab(t, { 'vm-a': kind });
      await startDaemon(lab);
      await takeOver(lab, 'vm-a');
      await lab.setPort('vm-a', 'down');
      await heldBy(lab, null);
      const [release] = await events(lab, 'release');
      t.like(release, { from: { port: lab.port('vm-a') }, reason: 'port-down' });
      await lab.setPort('vm-a', 'up');
      await takeOver(lab, 'vm-a');
      await checkReaches(t, lab, 'vm-a');
      t.is((await status(lab)).moves, 0);
    },
  );
}

test.serial('a guest that is made again under the same port name inherits nothing', async (t) => {
  const lab = await pairLab(t);
  await startDaemon(lab);
  await takeOver(lab, 'vm-a');
  const port = lab.port('vm-a');
  await lab.crash('vm-a', { port: 'gone' });
  await lab.addNamespace('heir');
  const mac = lab.mac('vm-a');
  await lab.addLeg('heir', 'eth0', { host: 'hv', bridge: 'br-web', port, mac, addresses: both('10.0.1.41') });
  await eventually('the new port is served', async () => {
    const attached = await events(lab, 'attach');
    return attached.filter(({ to }) => to?.port === port).length === 2;
  });
  t.like(await status(lab), { state: 'unheld', holder: null });
  // Nobody holds it: the frames go where the sender believes, as without us.
  await lab.staticNeighbour('client', VIP, lab.mac('vm-b'));
  const astray = await traffic.countFrames(lab, 'heir', 'eth0', { dst: VIP });
  await traffic.ping(lab, 'client', VIP, 5);
  t.is((await astray.stop()).frames, 0);
  await lab.announce('heir', VIP);
  await heldBy(lab, port);
});

for (const { way, env } of WAYS) {
  test.serial(`${way}: the same while the daemon is not there to see it`, async (t) => {
    const lab = await pairLab(t);
    const first = await startDaemon(lab, { env });
    await takeOver(lab, 'vm-a');
    const port = lab.port('vm-a');
    await first.kill();
    await lab.crash('vm-a', { port: 'gone' });
    await lab.addNamespace('heir');
    const mac = lab.mac('vm-a');
    await lab.addLeg('heir', 'eth0', {
      host: 'hv',
      bridge: 'br-web',
      port,
      mac,
      addresses: both('10.0.1.41'),
    });
    await startDaemon(lab, { env });
    t.like(await status(lab), { state: 'unheld', holder: null });
    await lab.announce('heir', VIP);
    await heldBy(lab, port);
  });
}

for (const { way, env } of WAYS) {
  test.serial(`${way}: ports that come and go faster than they can be served leave nothing`, async (t) => {
    const lab = await pairLab(t);
    const daemon = await startDaemon(lab, { env });
    await takeOver(lab, 'vm-a');
    const names = Array.from({ length: 8 }, (_, n) => `churn${n}`);
    const come = names.flatMap((name) => [
      `link add ${name} type veth peer name ${name}p`,
      `link set ${name} master br-web`,
      `link set ${name} up`,
    ]);
    const go = names.map((name) => `link del ${name}`);
    for (let round = 0; round < 8; round += 1) await lab.ip('hv', [...come, ...go]);
    await eventually('the bridge and three guests are left', async () => {
      const { stdout } = await havip(lab, 'map', 'dump', 'ports', '--json');
      return (JSON.parse(stdout) as unknown[]).length === 4;
    });
    t.is((await readdir(`${await pinPath(lab)}/links`)).length, 4);
    t.true(daemon.child.running);
    await checkReaches(t, lab, 'vm-a');
    t.is((await status(lab)).moves, 0);
  });
}

test.serial('a bridge that is not there at the start is told, and served when it comes', async (t) => {
  const lab = await pairLab(t);
  const late = { name: 'late', cidr: '10.0.9.0/24', bridge: 'br-late', havips: [{ address: '10.0.9.50' }] };
  const web = {
    name: 'web',
    cidr: '10.0.1.0/24',
    bridge: 'br-web',
    uplinks: ['eth7'],
    havips: [{ address: VIP }],
  };
  const daemon = await startDaemon(lab, { config: { networks: [{ name: 'blue', subnets: [web, late] }] } });
  const table = (await havip(lab, 'status')).stdout;
  t.regex(table, /absent: bridge br-late/);
  t.regex(table, /absent: uplink eth7/);
  await takeOver(lab, 'vm-a');
  await checkReaches(t, lab, 'vm-a');

  await lab.addBridge('hv', 'br-late');
  await lab.addGuest('late', { host: 'hv', bridge: 'br-late', addresses: ['10.0.9.10/24'] });
  const attached = 'havip_port_attached{port="vnic-late",hook="tc"}';
  await eventually('the port is served', async () => (await metrics(lab, daemon)).get(attached) === 1);
  await lab.announce('late', '10.0.9.50');
  await heldBy(lab, 'vnic-late', '10.0.9.50');
  t.notRegex((await havip(lab, 'status')).stdout, /br-late:/);
});

test.serial('a bridge is deleted while the daemon runs: the other goes on without a loss', async (t) => {
  const lab = await standardLabFor(t);
  const app = { name: 'app', cidr: '10.0.2.0/24', bridge: 'br-app', havips: [{ address: '10.0.2.50' }] };
  const web = { name: 'web', cidr: '10.0.1.0/24', bridge: 'br-web', havips: [{ address: VIP }] };
  await startDaemon(lab, { config: { networks: [{ name: 'blue', subnets: [web, app] }] } });
  await takeOver(lab, 'vm-a');
  await lab.announce('client2', '10.0.2.50');
  await heldBy(lab, lab.port('client2'), '10.0.2.50');
  await lab.staticNeighbour('client', VIP, lab.mac('vm-b'));
  await traffic.echoStream(lab, 'vm-a');
  const stream = await traffic.sendStream(lab, 'client', { to: VIP, seconds: 20 });

  await lab.ip('hv', ['link del br-app']);
  await heldBy(lab, null, '10.0.2.50');
  t.regex((await havip(lab, 'status')).stdout, /absent: bridge br-app/);
  await lab.addBridge('hv', 'br-app', { addresses: [`${ADDRESSES.hostApp}/24`] });
  await lab.ip('hv', [`link set ${lab.port('client2')} master br-app`]);
  await eventually('br-app is followed again', async () => {
    await lab.announce('client2', '10.0.2.50');
    return (await status(lab, '10.0.2.50')).holder?.port === lab.port('client2');
  });
  t.like(await stream.finish(), { lost: 0, duplicated: 0 });
  t.is((await status(lab)).moves, 0);
});

test.serial('a port that changes its hook by a reload goes on being served', async (t) => {
  const lab = await pairLab(t, { client: 'uplink', 'vm-a': 'tap' });
  const config = (hook: string): object =>
    webConfig([{ address: VIP }], { uplinks: ['uplink0'], hooks: { uplink0: hook } });
  const daemon = await startDaemon(lab, { config: config('tc') });
  await takeOver(lab, 'vm-a');
  for (const hook of ['xdp', 'tc']) {
    await writeConfig(lab, config(hook));
    const { code, stderr } = await havip(lab, 'reload');
    t.is(code, 0, stderr);
    t.is((await metrics(lab, daemon)).get(`havip_port_attached{port="uplink0",hook="${hook}"}`), 1);
    await checkReaches(t, lab, 'vm-a');
  }
});
