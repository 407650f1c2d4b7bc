// SPDX-License-Identifier: BSD-2-Clause
// LVS in direct-routing mode: directors that hand packets on by MAC alone (nftables plays them), real servers that have
// the address too, and many connections.
import type { ExecutionContext } from 'ava';
import { fileURLToPath } from 'node:url';
import type { Lab } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/topology.js';
import type { ConnectTotals } from './connect-many.js';
import { heldBy, type Host } from './daemon.js';

const CONNECT_MANY = fileURLToPath(new URL('./connect-many.js', import.meta.url));
export const CONNECTIONS = 1000;
const PORT = 8000;
export const SERVERS = { 'rs-1': '10.0.1.61', 'rs-2': '10.0.1.62' } as const;

/** Has the address on `lo`, where it answers nobody's question about it, and serves it. */
export async function makeRealServer(lab: Lab, guest: string): Promise<void> {
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

/** By a bit of the client's port, so that a connection stays with its server; not the lowest: Linux connects from even ones. */
export async function makeDirector(lab: Lab, guest: string): Promise<void> {
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
export async function direct(lab: Lab, guest: string, port: string, host: Host = lab): Promise<void> {
  await lab.ip(guest, [`address add ${VIP}/32 dev eth0`]);
  await lab.announce(guest, VIP);
  await heldBy(host, port);
}

export async function checkConnections(
  t: ExecutionContext,
  lab: Lab,
  client: string,
  address = VIP,
): Promise<void> {
  const argv = [process.execPath, CONNECT_MANY, 'connect', address, String(PORT), String(CONNECTIONS), '20'];
  const totals = JSON.parse(await lab.must(client, argv, { timeoutMs: 60_000 })) as ConnectTotals;
  t.log(totals.byServer);
  t.deepEqual(totals.failures, {});
  t.is(totals.answered, CONNECTIONS);
  for (const server of Object.keys(SERVERS)) t.true((totals.byServer[server] ?? 0) > CONNECTIONS / 4, server);
}
