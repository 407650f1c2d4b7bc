// SPDX-License-Identifier: BSD-2-Clause
// Claims that must not have their way, or not at once: of strangers, forged, malformed, too many, too often. The
// traffic of others goes on, and the rightful claim is applied.
import test from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { ADDRESSES, VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import {
  events,
  frames,
  heldBy,
  metrics,
  residentBytes,
  startDaemon,
  status,
  statusAll,
  webConfig,
} from '../support/daemon.js';
import { eventually, requireRoot } from '../support/lab.js';
import { checkReaches, pairLab, takeOver } from '../support/pair.js';
import { arp, capture, hexOf } from '../support/raw.js';

test.before(requireRoot);

for (const rebind of ['kernel', 'loader'] as const) {
  test.serial(
    `a pair that flaps is held to its budget, and the newest claimant wins when the window opens (${rebind})`,
    async (t) => {
      const lab = await pairLab(t);
      const damping = { moves: 3, window: '4s' };
      const daemon = await startDaemon(lab, {
        config: webConfig([{ address: VIP, damping, rebind, heal: 'alarm' }]),
      });
      await takeOver(lab, 'vm-a');
      const senders = {
        'vm-a': traffic.openSender(lab, 'vm-a', 'eth0'),
        'vm-b': traffic.openSender(lab, 'vm-b', 'eth0'),
      };
      const say = (guest: 'vm-a' | 'vm-b'): Promise<unknown> =>
        senders[guest].send(arp({ mac: lab.mac(guest), sender: VIP }));
      const page = (): ReturnType<typeof metrics> => metrics(lab, daemon);
      const MOVES = `havip_moves_total{network="blue",address="${VIP}"}`;
      // One after the other: in loader mode, claims of one batch count as the newest of them.
      for (const [index, guest] of (['vm-b', 'vm-a', 'vm-b'] as const).entries()) {
        await say(guest);
        await eventually(`move ${index + 1}`, async () => (await page()).get(MOVES) === index + 1);
      }
      // The budget is spent: it stays at b, and a is the newest claimant.
      for (const guest of ['vm-a', 'vm-b', 'vm-a'] as const) await say(guest);
      await eventually('it is flapping', async () => (await page()).get('havip_flapping') === 1);
      // A worse state than flapping is shown first.
      t.like(await status(lab), { state: 'split-brain', moves: 3, holder: { port: lab.port('vm-b') } });
      await eventually('the newest claimant has it', async () => (await status(lab)).moves === 4, 10_000);
      await heldBy(lab, lab.port('vm-a'));
      await eventually('it is quiet', async () => (await status(lab)).state === 'held', 20_000);
      const told = await events(lab, 'bind', 'move', 'flap', 'flap-end');
      t.deepEqual(
        told.map(({ kind }) => kind),
        ['bind', 'move', 'move', 'move', 'flap', 'move', 'flap-end'],
      );
      await checkReaches(t, lab, 'vm-a');
    },
  );
}

for (const guard of ['enforce', 'monitor'] as const) {
  const fate = guard === 'enforce' ? 'dropped' : 'passed';
  test.serial(
    `a claim by a port that is no member is refused, counted, told, and ${fate} (${guard})`,
    async (t) => {
      const lab = await pairLab(t);
      const members = [lab.port('vm-a'), lab.port('vm-b')];
      const daemon = await startDaemon(lab, { config: webConfig([{ address: VIP, members, guard }]) });
      await takeOver(lab, 'vm-a');
      const seen = await capture(lab, 'vm-b');
      await lab.announce('client', VIP);
      await lab.announce('client', VIP, { form: 'reply' });
      // What follows the refused frames on the same port has arrived: so would they have.
      await traffic.ping(lab, 'client', ADDRESSES['vm-b']);
      const forged = (await seen.stop()).filter((frame) =>
        frame.startsWith(`ffffffffffff${hexOf(lab.mac('client'))}0806`),
      );
      const about = forged.filter((frame) => frame.includes('0a000132'));
      t.is(about.length, guard === 'enforce' ? 0 : 2);

      t.like(await status(lab), { state: 'held', moves: 0, holder: { port: lab.port('vm-a') } });
      const port = lab.port('client');
      const page = await metrics(lab, daemon);
      t.is(page.get(`havip_claims_refused_total{port="${port}",reason="not-member"}`), 2);
      const verdict = guard === 'enforce' ? 'drop' : 'pass';
      t.is(await frames(lab, daemon, port, verdict, 'refused-not-member'), 2);
      await eventually('both are told', async () => {
        const refusals = await events(lab, 'refuse');
        return refusals.reduce((sum, { count }) => sum + count, 0) === 2;
      });
      const [refusal] = await events(lab, 'refuse');
      t.like(refusal, {
        address: VIP,
        from: null,
        to: { port, mac: lab.mac('client') },
        reason: 'not-member',
      });
    },
  );
}

/** Frames about VIP that no valid announcement looks like, with the counter that each has to raise. */
function malformed(lab: Lab): { frame: string; verdict: string; reason: string }[] {
  const mac = lab.mac('client');
  const good = arp({ mac, sender: VIP });
  const refused = (reason: string, frame: string): { frame: string; verdict: string; reason: string } => ({
    frame,
    verdict: 'drop',
    reason: `refused-${reason}`,
  });
  return [
    refused('malformed', arp({ mac, sender: VIP, types: '000608000604' })),
    refused('malformed', arp({ mac, sender: VIP, types: '000186dd0604' })),
    refused('malformed', arp({ mac, sender: VIP, types: '000108000804' })),
    refused('malformed', arp({ mac, sender: VIP, types: '000108000610' })),
    refused('malformed', arp({ mac: '03:00:00:00:00:01', sender: VIP, source: mac })),
    refused('malformed', arp({ mac: '00:00:00:00:00:00', sender: VIP, source: mac })),
    refused('spoof', arp({ mac: '02:00:00:00:00:01', sender: VIP, source: mac })),
    refused('spoof', arp({ mac: lab.mac('vm-a'), sender: VIP, source: mac })),
    ...[16, 20, 28, 40].map((bytes) => ({
      frame: good.slice(0, bytes * 2),
      verdict: 'pass',
      reason: 'truncated',
    })),
  ];
}

test.serial(
  'malformed and truncated announcements are counted, bind nothing, and disturb nobody',
  async (t) => {
    const lab = await pairLab(t);
    const daemon = await startDaemon(lab);
    await takeOver(lab, 'vm-a');
    await lab.staticNeighbour('hv', VIP, lab.mac('vm-b'), 'br-web');
    await traffic.echoStream(lab, 'vm-a');
    const stream = await traffic.sendStream(lab, 'hv', { to: VIP, seconds: 30 });
    const rows = malformed(lab);
    await lab.sendFrames(
      'client',
      'eth0',
      rows.map(({ frame }) => frame),
    );
    for (const reason of ['refused-malformed', 'refused-spoof', 'truncated']) {
      const wanted = rows.filter((row) => row.reason === reason);
      const verdict = wanted[0]?.verdict ?? '';
      await eventually(`${wanted.length} frames are ${reason}`, async () => {
        return (await frames(lab, daemon, lab.port('client'), verdict, reason)) === wanted.length;
      });
    }
    t.like(await status(lab), {
      state: 'held',
      moves: 0,
      holder: { port: lab.port('vm-a'), mac: lab.mac('vm-a') },
    });
    t.deepEqual(await events(lab, 'move', 'mac-change', 'release'), []);
    t.like(await stream.finish(), { lost: 0, duplicated: 0 });
  },
);

/** Who decides, and what the counters call a claim that it takes up. */
const MODES = [
  { rebind: 'kernel', taken: 'move' },
  { rebind: 'loader', taken: 'claim' },
] as const;

const FLOOD = 100_000;

for (const { kind, forge } of [
  {
    kind: 'refused claims',
    forge: (lab: Lab) => [
      `${arp({ mac: '02:00:00:00:00:01', sender: VIP, source: lab.mac('client') })} ${FLOOD}`,
    ],
  },
  {
    // Each is valid and says something else than the one before: the worst that one port can send.
    kind: 'valid claims under changing MACs',
    forge: () =>
      Array.from({ length: FLOOD }, (_, at) => arp({ mac: `02:66:00:00:00:0${1 + (at % 2)}`, sender: VIP })),
  },
]) {
  test.serial(
    `100,000 ${kind} from one guest: the daemon lives, and the rightful claim is applied`,
    async (t) => {
      const lab = await pairLab(t);
      const daemon = await startDaemon(lab);
      await takeOver(lab, 'vm-a');
      const before = await residentBytes(daemon.pid);
      await lab.sendFrames('client', 'eth0', forge(lab));
      await takeOver(lab, 'vm-b');
      t.true(daemon.child.running);
      await checkReaches(t, lab, 'vm-b');
      await takeOver(lab, 'vm-a');
      const grown = (await residentBytes(daemon.pid)) - before;
      t.log(`${(grown / 1e6).toFixed(0)} MB more`);
      t.true(grown < 200e6);
      t.is((await metrics(lab, daemon)).get('havip_config_stale'), 0);
    },
  );
}

for (const { rebind, taken } of MODES) {
  test.serial(
    `1,000 HAVIPs taken over in one burst of 5,000 frames are bound once each (${rebind})`,
    async (t) => {
      const lab = await pairLab(t);
      const addresses = Array.from(
        { length: 1000 },
        (_, n) => `10.0.${4 + Math.floor(n / 250)}.${1 + (n % 250)}`,
      );
      const havips = addresses.map((address) => ({ address, rebind }));
      const subnet = { name: 'web', cidr: '10.0.0.0/16', bridge: 'br-web', havips };
      const daemon = await startDaemon(lab, { config: { networks: [{ name: 'blue', subnets: [subnet] }] } });
      const burst = (guest: string): string[] => {
        const round = addresses.map((sender) => arp({ mac: lab.mac(guest), sender }));
        return Array.from({ length: 5 }, () => round).flat();
      };
      const allAt = async (guest: string): Promise<boolean> => {
        const rows = await statusAll(lab);
        return rows.length === 1000 && rows.every(({ holder }) => holder?.port === lab.port(guest));
      };
      for (const [guest, moves] of [
        ['vm-a', 0],
        ['vm-b', 1],
        ['vm-a', 2],
      ] as const) {
        await lab.sendFrames(guest, 'eth0', burst(guest));
        await eventually(`${guest} holds all of them`, () => allAt(guest));
        const counts = (await statusAll(lab)).map((row) => row.moves);
        t.true(
          counts.every((count) => count === moves),
          `moves: ${[...new Set(counts)].join(', ')}`,
        );
      }
      const counted = async (result: string): Promise<number> => {
        const name = `havip_claims_total{port="${lab.port('vm-b')}",kind="arp-request",result="${result}"}`;
        return (await metrics(lab, daemon)).get(name) ?? 0;
      };
      t.is((await counted(taken)) + (await counted('refresh')), 5000);

      // Who repeats himself rings no bell.
      await lab.sendFrames('vm-b', 'eth0', burst('vm-b'));
      await eventually('vm-b holds all of them', () => allAt('vm-b'));
      const before = { taken: await counted(taken), refresh: await counted('refresh') };
      await lab.sendFrames('vm-b', 'eth0', burst('vm-b'));
      t.is(await counted('refresh'), before.refresh + 5000);
      t.is(await counted(taken), before.taken);
      const page = await metrics(lab, daemon);
      t.is(page.get('havip_repoint_seconds_count'), 4000);
      t.is(page.get('havip_events_lost_total'), 0);
      await eventually('every decision has been audited', async () => {
        const audited = (await metrics(lab, daemon)).get('havip_model_audited_total');
        return audited === (rebind === 'kernel' ? 4000 : 0);
      });
      t.is((await metrics(lab, daemon)).get('havip_model_mismatch_total'), 0);
    },
  );
}
