// SPDX-License-Identifier: BSD-2-Clause
// The programs decide (`rebind: kernel`, the default): failovers are followed with the daemon dead or stopped, and it
// tells them all afterwards; what the ring loses is reconciled; the model agrees with every decision.
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { formatMac } from '../../src/net/addresses.js';
import {
  events,
  heldBy,
  metrics,
  startDaemon,
  status,
  webConfig,
  writeConfig,
  type Daemon,
} from '../support/daemon.js';
import { eventually, requireRoot } from '../support/lab.js';
import { bindingOf, slotOf, withTables } from '../support/maps.js';
import { checkReaches, other, pairLab, takeOver, type Holder } from '../support/pair.js';
import { arp } from '../support/raw.js';

test.before(requireRoot);

const WIDE = { damping: { moves: 16, window: '100ms' } };

async function agrees(t: ExecutionContext, lab: Lab, daemon: Daemon): Promise<void> {
  t.is((await metrics(lab, daemon)).get('havip_model_mismatch_total'), 0);
}

/** As the map has it, without asking the daemon. */
const boundTo = (lab: Lab, guest: Holder): Promise<boolean> =>
  withTables(lab, (tables) => {
    const [, { holder }] = bindingOf(tables, VIP);
    return holder.port === slotOf(tables, lab.port(guest)) && formatMac(holder.mac) === lab.mac(guest);
  });

/** The announcement and nothing else, followed by a packet of the sender's that has to find the new holder. */
async function announceBlindly(t: ExecutionContext, lab: Lab, guest: Holder): Promise<void> {
  await lab.exec(other(guest), ['ip', 'address', 'del', `${VIP}/32`, 'dev', 'eth0']);
  await lab.ip(guest, [`address replace ${VIP}/32 dev eth0`]);
  await lab.announce(guest, VIP);
  t.true(await boundTo(lab, guest), `${guest} is bound when its announcement has been sent`);
  t.is((await traffic.ping(lab, 'client', VIP)).received, 1);
}

for (const way of ['killed', 'stopped'] as const) {
  test.serial(
    `ten failovers while the daemon is ${way} are followed at once and told afterwards`,
    async (t) => {
      const lab = await pairLab(t);
      const config = webConfig([{ address: VIP, ...WIDE }]);
      const first = await startDaemon(lab, { config });
      await takeOver(lab, 'vm-a');
      await lab.staticNeighbour('client', VIP, lab.mac('vm-a'));
      const fromNs = process.hrtime.bigint();
      if (way === 'killed') await first.kill();
      else process.kill(first.pid, 'SIGSTOP');
      for (let round = 0; round < 10; round += 1) {
        await announceBlindly(t, lab, round % 2 ? 'vm-a' : 'vm-b');
      }
      const toNs = process.hrtime.bigint();
      if (way === 'stopped') process.kill(first.pid, 'SIGCONT');
      const daemon = way === 'stopped' ? first : await startDaemon(lab, { config });
      await heldBy(lab, lab.port('vm-a'));
      await eventually('all ten are told', async () => (await events(lab, 'move')).length === 10);
      const told = await events(lab, 'move');
      t.deepEqual(
        told.map(({ to }) => to?.port),
        told.map((_, at) => lab.port(at % 2 ? 'vm-a' : 'vm-b')),
      );
      for (const [at, move] of told.entries()) {
        t.true(
          move.timeNs > (at ? (told[at - 1]?.timeNs ?? 0) : Number(fromNs)) && move.timeNs < Number(toNs),
        );
        t.true(move.repointNs !== null && move.repointNs > 0);
      }
      t.is((await status(lab)).moves, 10);
      await takeOver(lab, 'vm-b');
      await agrees(t, lab, daemon);
      t.is((await metrics(lab, daemon)).get('havip_events_lost_total'), 0);
    },
  );
}

test.serial(
  'a claimant past the budget is applied when the window opens, with the daemon dead',
  async (t) => {
    const lab = await pairLab(t);
    const config = webConfig([{ address: VIP, damping: { moves: 1, window: '2s' } }]);
    const first = await startDaemon(lab, { config });
    await takeOver(lab, 'vm-a');
    await takeOver(lab, 'vm-b');
    await first.kill();
    await lab.announce('vm-a', VIP);
    t.true(await boundTo(lab, 'vm-b'), 'held back');
    await eventually('the window opens', () => boundTo(lab, 'vm-a'), 10_000);
    const daemon = await startDaemon(lab, { config });
    const told = await events(lab, 'flap', 'move');
    t.deepEqual(
      told.map(({ kind, to }) => [kind, to?.port]),
      [
        // The first daemon's, from the history.
        ['move', lab.port('vm-b')],
        ['flap', lab.port('vm-a')],
        ['move', lab.port('vm-a')],
      ],
    );
    await agrees(t, lab, daemon);
  },
);

test.serial('what a full ring lost is counted, and the daemon knows how it ended', async (t) => {
  const lab = await pairLab(t);
  const daemon = await startDaemon(lab);
  await takeOver(lab, 'vm-a');
  process.kill(daemon.pid, 'SIGSTOP');
  // Each is another MAC of the same guest: a decision each, and far more than the ring has room for.
  const flood = Array.from({ length: 20_000 }, (_, at) =>
    arp({ mac: `02:66:00:00:00:0${1 + (at % 2)}`, sender: VIP }),
  );
  await lab.sendFrames('vm-a', 'eth0', flood);
  await takeOverBlindly(lab, 'vm-b');
  t.true(await boundTo(lab, 'vm-b'));
  process.kill(daemon.pid, 'SIGCONT');
  await heldBy(lab, lab.port('vm-b'));
  await eventually('the loss is told', async () => (await events(lab, 'lost')).length > 0);
  await eventually('how it ended is told', async () => {
    return (await events(lab, 'move')).some(({ to }) => to?.port === lab.port('vm-b'));
  });
  t.true(((await metrics(lab, daemon)).get('havip_events_lost_total') ?? 0) > 0);
  // The model is at peace with the programs again.
  await takeOver(lab, 'vm-a');
  await eventually(
    'vm-a is told',
    async () => (await events(lab, 'move')).at(-1)?.to?.port === lab.port('vm-a'),
  );
  await checkReaches(t, lab, 'vm-a');
  await agrees(t, lab, daemon);
});

async function takeOverBlindly(lab: Lab, guest: Holder): Promise<void> {
  await lab.exec(other(guest), ['ip', 'address', 'del', `${VIP}/32`, 'dev', 'eth0']);
  await lab.ip(guest, [`address replace ${VIP}/32 dev eth0`]);
  await lab.announce(guest, VIP);
}

test.serial(
  'two guests that claim at once end with one of them, and with every move told in order',
  async (t) => {
    const lab = await pairLab(t);
    const daemon = await startDaemon(lab, {
      config: webConfig([{ address: VIP, damping: { moves: 16, window: '100ms' } }]),
    });
    await takeOver(lab, 'vm-a');
    const claims = (guest: Holder): Promise<void> =>
      lab.sendFrames(guest, 'eth0', [`${arp({ mac: lab.mac(guest), sender: VIP })} 5000`]);
    await Promise.all([claims('vm-a'), claims('vm-b')]);
    await eventually('it is quiet', async () => (await status(lab)).state === 'held', 30_000);
    const told = await events(lab, 'move');
    for (const [at, move] of told.entries()) {
      if (at) t.deepEqual(move.from, told[at - 1]?.to, 'each move is from where the last one went');
    }
    const last = await status(lab);
    t.deepEqual(told.at(-1)?.to?.port, last.holder?.port);
    await agrees(t, lab, daemon);
  },
);

for (const rebind of ['kernel', 'loader'] as const) {
  test.serial(`a migrated guest is found by the RARP of its hypervisor (${rebind})`, async (t) => {
    const lab = await pairLab(t);
    const daemon = await startDaemon(lab, { config: webConfig([{ address: VIP, rebind }]) });
    await takeOver(lab, 'vm-a');
    // Of a station that holds nothing it is nobody's business.
    await lab.sendFrames('client', 'eth0', [rarp(lab.mac('client'))]);
    await lab.sendFrames('vm-b', 'eth0', [rarp(lab.mac('vm-a'))]);
    await heldBy(lab, lab.port('vm-b'));
    t.like(await status(lab), { moves: 1, holder: { mac: lab.mac('vm-a'), by: 'rarp' } });
    const [move] = await events(lab, 'move');
    t.like(move, { from: { port: lab.port('vm-a') }, to: { port: lab.port('vm-b') }, reason: 'rarp' });
    await agrees(t, lab, daemon);
  });
}

/** RFC 903 as QEMU sends it. */
function rarp(mac: string): string {
  const hex = mac.replaceAll(':', '');
  return `ffffffffffff${hex}80350001080006040003${hex}00000000${hex}00000000`.padEnd(120, '0');
}

test.serial('a vNIC whose source MAC is pinned sends under no other, VRRP MACs apart', async (t) => {
  const lab = await pairLab(t);
  const daemon = await startDaemon(lab, { config: webConfig([{ address: VIP }], { portSecurity: true }) });
  await takeOver(lab, 'vm-a');
  const dropped = async (): Promise<number> => {
    const name = `havip_frames_total{port="${lab.port('vm-a')}",verdict="drop",reason="port-security"}`;
    return (await metrics(lab, daemon)).get(name) ?? -1;
  };
  t.is(await dropped(), 0);
  await lab.sendFrames('vm-a', 'eth0', [
    arp({ mac: '02:99:00:00:00:01', sender: VIP }),
    arp({ mac: '00:00:5e:00:01:33', sender: VIP }),
  ]);
  await eventually(
    'the VRRP MAC holds it',
    async () => (await status(lab)).holder?.mac === '00:00:5e:00:01:33',
  );
  t.is(await dropped(), 1);
  await takeOver(lab, 'vm-b');
  await checkReaches(t, lab, 'vm-b');
});

test.serial('who decides can change while it runs', async (t) => {
  const lab = await pairLab(t);
  const daemon = await startDaemon(lab, { config: webConfig([{ address: VIP, rebind: 'loader' }]) });
  await takeOver(lab, 'vm-a');
  for (const [rebind, guest] of [
    ['kernel', 'vm-b'],
    ['loader', 'vm-a'],
    ['kernel', 'vm-b'],
  ] as const) {
    await writeConfig(lab, webConfig([{ address: VIP, rebind }]));
    const reloads = (await events(lab, 'config')).length;
    process.kill(daemon.pid, 'SIGHUP');
    await eventually('it is reloaded', async () => (await events(lab, 'config')).length > reloads);
    await takeOver(lab, guest);
    await checkReaches(t, lab, guest);
  }
  t.is((await status(lab)).moves, 3);
  t.is((await events(lab, 'move')).length, 3);
  await agrees(t, lab, daemon);
});
