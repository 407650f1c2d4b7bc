// SPDX-License-Identifier: BSD-2-Clause
// A thousand clients that hold a connection and follow the events while packets flow: none is lost, the daemon answers
// the next one, and its memory stays in bounds.
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect } from 'node:net';
import test from 'ava';
import { SERVICE } from '../../src/api/service.js';
import { VIP } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { residentBytes, socketPath, startDaemon, status, webConfig } from '../support/daemon.js';
import { requireRoot } from '../support/lab.js';
import { pairLab, takeOver } from '../support/pair.js';

test.before(requireRoot);

const CLIENTS = 1000;
const MAX_GROWTH_BYTES = 400 * 1024 * 1024;

/** Resolves when its first events have come. */
function follower(socket: string): Promise<ClientHttp2Session> {
  const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
  const call = session.request({
    ':method': 'POST',
    ':path': SERVICE.events.path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const message = SERVICE.events.requestSerialize({ follow: true });
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  call.end(Buffer.concat([head, message]));
  return new Promise((resolve, reject) => {
    session.on('error', reject);
    call.on('error', reject);
    call.once('data', () => resolve(session));
    call.on('end', () => reject(new Error('the stream has ended')));
  });
}

test.serial('1,000 idle clients cost no packet and bounded memory', async (t) => {
  const lab = await pairLab(t);
  const daemon = await startDaemon(lab, { config: webConfig([{ address: VIP }]) });
  await takeOver(lab, 'vm-a');
  await lab.staticNeighbour('client', VIP, lab.mac('vm-b'));
  await traffic.echoStream(lab, 'vm-a');
  const before = await residentBytes(daemon.pid);
  const stream = await traffic.sendStream(lab, 'client', { to: VIP, seconds: 120 });

  const clients: ClientHttp2Session[] = [];
  for (let at = 0; at < CLIENTS; at += 50)
    clients.push(...(await Promise.all(Array.from({ length: 50 }, () => follower(socketPath(lab))))));
  t.is(clients.length, CLIENTS);
  t.like(await status(lab), { state: 'held', holder: { port: lab.port('vm-a') } });
  const with1000 = await residentBytes(daemon.pid);
  const heard = clients.filter((client) => !client.closed).length;
  t.is(heard, CLIENTS, 'none was sent away');
  for (const client of clients) client.destroy();

  const { sent, lost, duplicated } = await stream.finish();
  const mb = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;
  t.log(`${sent} packets, ${lost} lost; ${mb(before)} -> ${mb(with1000)} with ${CLIENTS} clients`);
  t.deepEqual({ lost, duplicated }, { lost: 0, duplicated: 0 });
  t.true(with1000 - before < MAX_GROWTH_BYTES);
  t.like(await status(lab), { state: 'held', moves: 0 });
  t.is((await daemon.stop()).code, 0);
});
