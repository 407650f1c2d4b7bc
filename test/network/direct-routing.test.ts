// SPDX-License-Identifier: BSD-2-Clause
// LVS in direct-routing mode: the holder of the HAVIP is a director that hands each packet on, by MAC alone, to a
// real server that has the address too and answers straight to the client. nftables plays the director.
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import { events, frames, heldBy, metrics, startDaemon, webConfig, type Daemon } from '../support/daemon.js';
import {
  checkConnections,
  CONNECTIONS,
  direct,
  makeDirector,
  makeRealServer,
  SERVERS,
} from '../support/direct-routing.js';
import { requireRoot } from '../support/lab.js';
import { addFarGuest, addGuest, pairLab, type Kind } from '../support/pair.js';

test.before(requireRoot);

async function makeRealServers(lab: Lab, kind: Kind): Promise<void> {
  for (const [server, address] of Object.entries(SERVERS)) {
    await addGuest(lab, server, address, kind);
    await makeRealServer(lab, server);
  }
}

/** Nobody but the directors was ever taken for a holder, and no claim was made by who only answers. */
async function checkHistory(
  t: ExecutionContext,
  lab: Lab,
  daemon: Daemon,
  wanted: [string, string][],
): Promise<void> {
  const told = await events(
    lab,
    'bind',
    'move',
    'mac-change',
    'release',
    'refuse',
    'flap',
    'split-brain',
    'dual-active',
    'disagreement',
  );
  t.deepEqual(
    told.map(({ kind, from, to }) => [kind, (to ?? from)?.port]),
    wanted,
  );
  const claims = [...(await metrics(lab, daemon))].filter(
    ([name, value]) => /^havip_claims_total\{port="vnic-rs-/.test(name) && value > 0,
  );
  t.deepEqual(claims, []);
}

for (const [director, second, servers] of [
  ['veth', 'tap', 'veth'],
  ['tap', 'veth', 'tap'],
] as [Kind, Kind, Kind][]) {
  const title = `1,000 of 1,000 connections by a director on ${director}, then by one on ${second}; servers on ${servers}`;
  test.serial(title, async (t) => {
    const lab = await pairLab(t, { 'vm-a': director, 'vm-b': second });
    await makeRealServers(lab, servers);
    for (const guest of ['vm-a', 'vm-b']) await makeDirector(lab, guest);
    const daemon = await startDaemon(lab, { config: webConfig([{ address: VIP }]) });
    const [first, next] = [lab.port('vm-a'), lab.port('vm-b')];
    await direct(lab, 'vm-a', first);
    await lab.staticNeighbour('client', VIP, lab.mac('vm-b'));
    await checkConnections(t, lab, 'client');
    t.true((await frames(lab, daemon, first, 'pass', 'from-holder')) > CONNECTIONS);

    await lab.crash('vm-a', { port: 'down' });
    await heldBy(lab, null);
    await direct(lab, 'vm-b', next);
    await lab.staticNeighbour('client', VIP, lab.mac('vm-a'));
    await checkConnections(t, lab, 'client');
    t.true((await frames(lab, daemon, next, 'pass', 'from-holder')) > CONNECTIONS);
    await checkHistory(t, lab, daemon, [
      ['bind', first],
      ['release', first],
      ['move', next],
    ]);
  });
}

for (const hook of ['xdp', 'tc']) {
  test.serial(`a director behind an uplink (hook ${hook}) hands on to real servers here`, async (t) => {
    const lab = await pairLab(t);
    await addFarGuest(lab, 'far', '10.0.1.70');
    await makeRealServers(lab, 'veth');
    await makeDirector(lab, 'far');
    const uplink = { uplinks: ['uplink0'], hooks: { uplink0: hook } };
    const daemon = await startDaemon(lab, { config: webConfig([{ address: VIP }], uplink) });
    await direct(lab, 'far', 'uplink0');
    await lab.staticNeighbour('client', VIP, lab.mac('vm-b'));
    await checkConnections(t, lab, 'client');
    t.true((await frames(lab, daemon, 'uplink0', 'pass', 'from-holder')) > CONNECTIONS);
    await checkHistory(t, lab, daemon, [['bind', 'uplink0']]);
  });
}
