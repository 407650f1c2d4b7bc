// SPDX-License-Identifier: BSD-2-Clause
// LVS in direct-routing mode: the holder of the HAVIP is a director that hands each packet on, by MAC alone, to a
// real server that has the address too and answers straight to the client. nftables plays the director.
import test, { type ExecutionContext } from 'ava';
import { fileURLToPath } from 'node:url';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import type { ConnectTotals } from '../support/connect-many.js';
import { events, frames, heldBy, metrics, startDaemon, webConfig, type Daemon } from '../support/daemon.js';
import { requireRoot } from '../support/lab.js';
import { addFarGuest, addGuest, pairLab, type Kind } from '../support/pair.js';

test.before(requireRoot);

const CONNECT_MANY = fileURLToPath(new URL('../support/connect-many.js', import.meta.url));
const CONNECTIONS = 1000;
const PORT = 8000;
const SERVERS = { 'rs-1': '10.0.1.61', 'rs-2': '10.0.1.62' } as const;

/** Has the address on `lo`, where it answers nobody's question about it, and serves it. */
async function makeRealServer(lab: Lab, guest: string): Promise<void> {
  await lab.ip(guest, [`address add ${VIP}/32 dev lo`]);
  const scopes = ['all', 'eth0'];
  await lab.sysctl(
    guest,
    scopes.flatMap((scope) => [
      `net.ipv4.conf.${scope}.arp_ignore=1`,
      `net.ipv4.conf.${scope}.arp_announce=2`,
    ]),
  );
  const server = lab.spawn(guest, [process.execPath, CONNECT_MANY, 'serve', String(PORT), guest]);
  await server.waitFor(/^ready$/);
}

async function makeRealServers(lab: Lab, kind: Kind): Promise<void> {
  for (const [server, address] of Object.entries(SERVERS)) {
    await addGuest(lab, server, address, kind);
    await makeRealServer(lab, server);
  }
}

/** By a bit of the client's port, so that a connection stays with its server; not the lowest: Linux connects from even ones. */
async function makeDirector(lab: Lab, guest: string): Promise<void> {
  const rule = (bit: number, server: string): string =>
    `ip daddr ${VIP} tcp dport ${PORT} tcp sport & 2 == ${bit} ether daddr set ${lab.mac(server)} ` +
    `ether saddr set ${lab.mac(guest)} fwd to eth0`;
  const rules = `table netdev lvs { chain in { type filter hook ingress device eth0 priority 0; policy accept;
    ${rule(0, 'rs-1')}
    ${rule(2, 'rs-2')}
  }; }`;
  await lab.must(guest, ['nft', '-f', '-'], { input: rules });
}

/** The director that announces has the address, so that it answers for it; the other must not. */
async function direct(lab: Lab, guest: string, port: string): Promise<void> {
  await lab.ip(guest, [`address add ${VIP}/32 dev eth0`]);
  await lab.announce(guest, VIP);
  await heldBy(lab, port);
}

async function checkConnections(t: ExecutionContext, lab: Lab, client: string): Promise<void> {
  const argv = [process.execPath, CONNECT_MANY, 'connect', VIP, String(PORT), String(CONNECTIONS), '20'];
  const totals = JSON.parse(await lab.must(client, argv, { timeoutMs: 60_000 })) as ConnectTotals;
  t.log(totals.byServer);
  t.deepEqual(totals.failures, {});
  t.is(totals.answered, CONNECTIONS);
  for (const server of Object.keys(SERVERS)) t.true((totals.byServer[server] ?? 0) > CONNECTIONS / 4, server);
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
