// SPDX-License-Identifier: BSD-2-Clause
// An EIP over two hypervisors: the holder is on the one or the other, real servers of LVS direct routing on both, and
// each host has a gateway of its own, or only the first has one.
import test, { type ExecutionContext } from 'ava';
import type { Lab } from '../../src/lab/lab.js';
import { ADDRESSES, VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { frames, heldBy, hostOf, startDaemon, webConfig, type Daemon, type Host } from '../support/daemon.js';
import {
  checkConnections,
  CONNECTIONS,
  direct,
  makeDirector,
  makeRealServer,
  SERVERS,
} from '../support/direct-routing.js';
import { labFor, requireRoot } from '../support/lab.js';
import { EIP, gatewayUplink, OUTSIDE } from '../support/outside.js';
import { both } from '../support/pair.js';

test.before(requireRoot);

const HOSTS = { hv: '10.0.1.2', hv2: '10.0.1.3' } as const;
const HOME = { 'vm-a': 'hv', 'rs-1': 'hv', 'vm-b': 'hv2', 'rs-2': 'hv2' } as const;
const GATEWAYS = { hv: '203.0.113.2', hv2: '203.0.113.3' } as const;

interface Site {
  readonly lab: Lab;
  readonly second: Host;
  readonly daemons: { readonly hv: Daemon; readonly hv2: Daemon };
}

async function site(t: ExecutionContext, gateways: readonly ('hv' | 'hv2')[]): Promise<Site> {
  const lab = await labFor(t);
  await lab.addNamespace('wire');
  await lab.addBridge('wire', 'br-wire', {});
  await lab.addNamespace('outside');
  await lab.addBridge('outside', 'br-ext', { addresses: [`${OUTSIDE.router}/24`] });
  for (const [host, address] of Object.entries(HOSTS) as ['hv' | 'hv2', string][]) {
    await lab.addNamespace(host);
    await lab.addBridge(host, 'br-web', { addresses: [`${address}/24`] });
    await lab.addWire({
      host,
      bridge: 'br-web',
      port: 'uplink0',
      far: 'wire',
      farDevice: `to-${host}`,
      farBridge: 'br-wire',
    });
    if (!gateways.includes(host)) continue;
    const near = { addresses: [`${GATEWAYS[host]}/24`], gateway: OUTSIDE.router };
    await lab.addWire({
      host,
      port: 'ext0',
      near,
      far: 'outside',
      farDevice: `to-${host}`,
      farBridge: 'br-ext',
    });
  }
  for (const [guest, host] of Object.entries(HOME)) {
    const own =
      guest in SERVERS ? SERVERS[guest as keyof typeof SERVERS] : ADDRESSES[guest as 'vm-a' | 'vm-b'];
    await lab.addGuest(guest, { host, bridge: 'br-web', addresses: both(own), gateway: HOSTS.hv });
    await lab.exec(guest, ['ethtool', '-K', 'eth0', 'gro', 'on']);
  }
  const second = await hostOf(lab, 'hv2');
  const start = (host: Host, name: 'hv' | 'hv2'): Promise<Daemon> =>
    startDaemon(host, { config: config(gateways.includes(name)) });
  const daemons = { hv: await start(lab, 'hv'), hv2: await start(second, 'hv2') };
  for (const guest of Object.keys(HOME)) await traffic.ping(lab, guest, HOSTS.hv, 1);
  return { lab, second, daemons };
}

function config(hasGateway: boolean): object {
  const uplinks = ['uplink0', ...(hasGateway ? [gatewayUplink] : [])];
  const subnet = { uplinks, hooks: { uplink0: 'xdp', ext0: 'xdp' } };
  const { networks } = webConfig([{ address: VIP }], subnet) as { networks: object[] };
  return { networks: networks.map((network) => ({ ...network, eips: [{ address: EIP, havip: VIP }] })) };
}

for (const gateways of [['hv', 'hv2'], ['hv']] as ('hv' | 'hv2')[][]) {
  const where = gateways.length === 2 ? 'a gateway on each host' : 'a gateway on the first host only';
  test.serial(`LVS direct routing through the EIP, ${where}: 1,000 of 1,000, twice`, async (t) => {
    const { lab, second, daemons } = await site(t, gateways);
    for (const server of Object.keys(SERVERS)) await makeRealServer(lab, server);
    for (const guest of ['vm-a', 'vm-b']) await makeDirector(lab, guest);
    await direct(lab, 'vm-a', lab.port('vm-a'));
    await heldBy(second, 'uplink0');
    await checkConnections(t, lab, 'outside', EIP);

    await lab.crash('vm-a', { port: 'down' });
    await heldBy(lab, null);
    await direct(lab, 'vm-b', lab.port('vm-b'), second);
    await heldBy(lab, 'uplink0');
    await checkConnections(t, lab, 'outside', EIP);

    // Straight from the real servers: by the gateway of their own host, where it has one.
    const left = (host: Host, daemon: Daemon, port: string): Promise<number> =>
      frames(host, daemon, port, 'redirect', 'out');
    t.true((await left(lab, daemons.hv, lab.port('rs-1'))) > CONNECTIONS);
    const [host, daemon, port] =
      gateways.length === 2
        ? ([second, daemons.hv2, lab.port('rs-2')] as const)
        : ([lab, daemons.hv, 'uplink0'] as const);
    t.true((await left(host, daemon, port)) > CONNECTIONS);
  });
}
