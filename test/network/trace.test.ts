// SPDX-License-Identifier: BSD-2-Clause
// `havip trace`: what the loaded program would do with a packet, by every kind of port, without a trace of its own: no
// counter, binding or claim changes, and what travels meanwhile travels on.
import test from 'ava';
import { readFile } from 'node:fs/promises';
import type { Lab } from '../../src/lab/lab.js';
import { VIP, VIP6 } from '../../src/lab/topology.js';
import * as traffic from '../../src/lab/traffic.js';
import { readPcap } from '../../src/replay/pcap.js';
import { havip, metrics, startDaemon, status, webConfig } from '../support/daemon.js';
import { requireRoot } from '../support/lab.js';
import { addFarGuest, pairLab, takeOver } from '../support/pair.js';
import { EIP, eipConfig, OUTSIDE, outsideLab } from '../support/outside.js';
import { hexOf, hexOfIpv4 } from '../support/raw.js';

test.before(requireRoot);

interface TraceJson {
  readonly port: { name: string; kind: string; hook: string };
  readonly subnet: string | null;
  readonly havip: string | null;
  readonly holder: { port: string; mac: string } | null;
  readonly eip: string | null;
  readonly verdict: string;
  readonly reason: string;
  readonly meaning: string;
  readonly before: string;
  readonly after: string;
}

async function trace(lab: Lab, ...argv: string[]): Promise<TraceJson> {
  const { stdout, stderr, code } = await havip(lab, 'trace', '--json', ...argv);
  if (code !== 0) throw new Error(`havip trace ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as TraceJson;
}

const STALE = '02:00:00:00:00:99';

test.serial('by a guest, the host, and an uplink, each through its own program', async (t) => {
  const lab = await pairLab(t, { 'vm-b': 'tap' });
  await addFarGuest(lab, 'far', '10.0.1.77');
  const config = webConfig([{ address: VIP }, { address: VIP6 }], {
    uplinks: ['uplink0'],
    hooks: { uplink0: 'xdp' },
  });
  const daemon = await startDaemon(lab, { config });
  await takeOver(lab, 'vm-b');
  const holder = { port: lab.port('vm-b'), mac: lab.mac('vm-b') };
  const [before, rows] = [await metrics(lab, daemon), await status(lab)];
  for (const [port, hook] of [
    [lab.port('client'), 'tc'],
    ['br-web', 'tc-egress'],
    ['uplink0', 'xdp'],
  ] as const) {
    for (const transport of ['--tcp', '--udp', '--icmp']) {
      const traced = await trace(lab, '--port', port, '--to', VIP, '--mac', STALE, transport);
      t.like(traced, { subnet: 'blue/web', havip: VIP, holder, verdict: 'redirect', reason: 'holder' });
      t.is(traced.port.hook, hook);
      t.is(traced.before.slice(0, 12), hexOf(STALE));
      t.is(traced.after, hexOf(holder.mac) + traced.before.slice(12));
    }
  }
  const client = ['--port', lab.port('client'), '--to'];
  t.like(await trace(lab, ...client, '10.0.1.99'), { havip: null, verdict: 'pass', reason: 'not-havip' });
  t.like(await trace(lab, ...client, VIP6, '--icmp'), {
    havip: VIP6,
    holder: null,
    verdict: 'pass',
    reason: 'unheld',
  });
  t.like(await trace(lab, ...client, VIP, '--vlan', '100'), { subnet: null, reason: 'other-domain' });
  t.like(await trace(lab, '--port', lab.port('vm-b'), '--to', VIP, '--source', lab.mac('vm-b')), {
    reason: 'from-holder',
  });

  const after = await metrics(lab, daemon);
  const counters = [...before.keys()].filter((name) =>
    /^havip_(frames|packets|bytes|saved|claims)/.test(name),
  );
  t.true(counters.length > 100);
  // The bridge's own chatter (MLD, say) goes on; of what was traced nothing is counted.
  const traced = counters.filter((name) =>
    /holder|unheld|other-domain|packets|bytes|saved|claims/.test(name),
  );
  t.deepEqual(
    traced.filter((name) => before.get(name) !== after.get(name)),
    [],
  );
  t.deepEqual(await status(lab), rows);
});

test.serial('a stream loses nothing to a trace beside it', async (t) => {
  const lab = await pairLab(t);
  await startDaemon(lab, { config: webConfig([{ address: VIP }]) });
  await takeOver(lab, 'vm-a');
  await traffic.echoStream(lab, 'vm-a');
  const stream = await traffic.sendStream(lab, 'client', { to: VIP, seconds: 4 });
  for (let round = 0; round < 3; round += 1)
    t.like(await trace(lab, '--port', lab.port('client'), '--to', VIP), { reason: 'holder' });
  t.like(await stream.finish(), { lost: 0, duplicated: 0 });
});

test.serial('in words, into a capture, and errors with their codes', async (t) => {
  const lab = await pairLab(t);
  const port = lab.port('client');
  t.is((await havip(lab, 'trace', '--port', port, '--to', VIP)).code, 4);
  await startDaemon(lab, { config: webConfig([{ address: VIP }]) });
  await takeOver(lab, 'vm-a');
  const file = `${lab.tempDir}/trace.pcap`;
  const said = await havip(lab, 'trace', '--port', port, '--to', VIP, '--mac', STALE, '--pcap', file);
  t.regex(said.stdout, /^verdict +redirect holder: straight to the holder’s port/m);
  t.regex(said.stdout, new RegExp(`^holder +${lab.port('vm-a')} \\(vnic\\), ${lab.mac('vm-a')}$`, 'm'));
  const frames = [...readPcap(await readFile(file), file)].map(({ frame }) =>
    frame.subarray(0, 6).toString('hex'),
  );
  t.deepEqual(frames, [hexOf(STALE), hexOf(lab.mac('vm-a'))]);
  const wrong = [
    ['--port', 'none', '--to', VIP],
    ['--port', port, '--to', 'me'],
    ['--port', port, '--to', VIP, '--from', 'fd00::1'],
    ['--port', port, '--to', VIP, '--mac', 'x'],
    ['--port', port, '--to', VIP, '--vlan', '4095'],
    ['--port', port, '--to', VIP, '--tcp', '--udp'],
    ['--to', VIP],
  ];
  for (const argv of wrong) {
    const { code, stderr } = await havip(lab, 'trace', ...argv);
    t.is(code, 2, argv.join(' '));
    t.regex(stderr, /^havip: |^error: /);
  }
});

test.serial('to an EIP, and out as one', async (t) => {
  const lab = await outsideLab(t);
  const daemon = await startDaemon(lab, { config: eipConfig('xdp') });
  await takeOver(lab, 'vm-a');
  t.is((await traffic.ping(lab, 'outside', EIP, 1)).received, 1);
  const before = await metrics(lab, daemon);
  const holder = { port: lab.port('vm-a'), mac: lab.mac('vm-a') };
  const found = { havip: VIP, eip: EIP, holder, verdict: 'redirect' };
  for (const transport of ['--tcp', '--udp', '--icmp']) {
    const inbound = await trace(lab, '--port', 'ext0', '--to', EIP, '--from', OUTSIDE.far, transport);
    t.like(inbound, { ...found, reason: 'holder' });
    t.is(inbound.port.hook, 'xdp');
    t.is(inbound.after.slice(60, 68), hexOfIpv4(VIP));
    const out = ['--port', holder.port, '--from', VIP, '--to', OUTSIDE.router, transport];
    const outbound = await trace(lab, ...out);
    t.like(outbound, { ...found, reason: 'out' });
    t.is(outbound.after.slice(0, 12), hexOf(lab.mac('outside')));
    t.is(outbound.after.slice(52, 60), hexOfIpv4(EIP));
  }
  const inside = await trace(lab, '--port', lab.port('client'), '--from', '10.0.1.10', '--to', EIP);
  t.like(inside, { ...found, reason: 'holder' });
  t.like(await trace(lab, '--port', 'ext0', '--to', OUTSIDE.gateway), { eip: null, reason: 'not-havip' });
  const after = await metrics(lab, daemon);
  const counters = [...before.keys()].filter((name) => /^havip_(frames|packets|bytes|eip)/.test(name));
  const told = counters.filter((name) => /reason="(holder|out|eip)|packets|bytes/.test(name));
  t.deepEqual(
    told.filter((name) => before.get(name) !== after.get(name)),
    [],
  );
  const { stdout } = await havip(lab, 'trace', '--port', 'ext0', '--to', EIP);
  t.regex(stdout, /^EIP +203\.0\.113\.10$/m);
});
