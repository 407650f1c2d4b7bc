// SPDX-License-Identifier: BSD-2-Clause
// A lab in which one guest takes over what the other one holds, HAVIP after HAVIP, while the hypervisor has more or less
// else to do. Every announcement is a move; how long each took is in the daemon's own events.
import { setTimeout as sleep } from 'node:timers/promises';
import { HavipError } from '../errors.js';
import type { Lab } from '../lab/lab.js';
import type { Child } from '../lab/process.js';
import {
  addressOf,
  announceAll,
  benchLab,
  HAVIP,
  scrape,
  startDaemon,
  type BenchDaemon,
  type Rebind,
} from './host.js';
import { hold, ifindexOf, SINK_XDP, UPLINK } from './packet-site.js';
import { startLoad, type Load, type Sent } from './repoint-load.js';

/** Enough for a registry of 65,000 series: each HAVIP has six and a half. */
const HAVIPS = 10_000;
/** Of them. */
export const MOVING = 1000;
const GUESTS = ['vm-a', 'vm-b'] as const;

export interface RepointSite {
  readonly lab: Lab;
  readonly daemon: BenchDaemon;
  readonly follower: Child;
  readonly generator: Child;
  readonly addresses: readonly string[];
  /** Which guest takes the next lot. */
  turn: number;
}

/** All that is to move is held by the first guest. */
export async function repointSite(rebind: Rebind): Promise<RepointSite> {
  const lab = await benchLab();
  try {
    await addUplink(lab);
    const all = Array.from({ length: HAVIPS }, (_, i) => addressOf(i));
    const members = GUESTS.map((guest) => lab.port(guest));
    const uplink = [`uplinks: [${UPLINK}]`, `hooks: { ${UPLINK}: xdp }`];
    const daemon = await startDaemon(lab, all, rebind, members, uplink);
    const addresses = all.slice(0, MOVING);
    await announceAll(lab, GUESTS[0], addresses);
    await allHeld(lab, daemon);
    const events = [process.execPath, HAVIP, 'events', '--follow', '--json', ...daemon.args];
    const follower = lab.spawn('hv', events);
    await follower.waitFor(/"kind":"bind"/);
    return { lab, daemon, follower, generator: await startGenerator(lab), addresses, turn: 1 };
  } catch (error) {
    await lab.close();
    throw error;
  }
}

/** The guests count what they get and drop it: what their stacks would do with it is not the question. */
async function addUplink(lab: Lab): Promise<void> {
  await lab.addNamespace('wire');
  await lab.addWire({ host: 'hv', bridge: 'br-web', port: UPLINK, far: 'wire', farDevice: 'eth0' });
  for (const guest of GUESTS) await lab.must(guest, ['ethtool', '-K', 'eth0', 'gro', 'on']);
  for (const guest of GUESTS) await hold(lab, guest, SINK_XDP, 'eth0');
}

async function startGenerator(lab: Lab): Promise<Child> {
  const script = HAVIP.replace(/cli\/main\.js$/, 'bench/generate.js');
  const argv = [process.execPath, script, await ifindexOf(lab, 'wire', 'eth0')];
  const generator = lab.spawn('wire', argv, { stdin: true });
  await generator.waitFor(/^ready$/);
  return generator;
}

/** So that what follows are moves. */
async function allHeld(lab: Lab, daemon: BenchDaemon): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const held = [...(await scrape(lab, daemon))].filter(
      ([name, value]) => /^havip_held\{/.test(name) && value,
    );
    if (held.length >= MOVING) return;
    await sleep(200);
  }
  throw new HavipError('FAILED', 'the announcements did not bind');
}

export interface Moved {
  /** From each announcement at the hook until its binding was visible. Unit: us. */
  readonly samples: readonly number[];
  /** By the load meanwhile. */
  readonly sent: Sent;
}

/** The other guest takes these HAVIPs, so far apart. */
export async function move(
  site: RepointSite,
  load: Load,
  everyUs: number,
  addresses: readonly string[] = site.addresses,
): Promise<Moved> {
  const guest = GUESTS[site.turn++ % 2] ?? GUESTS[0];
  const from = site.follower.lines.length;
  const running = startLoad(site, load);
  try {
    await announceAll(site.lab, guest, addresses, everyUs);
    await site.follower.waitFor(moveOf(addresses.at(-1) ?? ''), { from, timeoutMs: 30_000 });
  } finally {
    await running.stop();
  }
  const samples = site.follower.lines.slice(from).flatMap(repointUs);
  if (samples.length !== addresses.length)
    throw new HavipError('FAILED', `${samples.length} moves of ${addresses.length} were told (${load})`);
  return { samples, sent: await running.stop() };
}

const moveOf = (address: string): RegExp =>
  new RegExp(`"kind":"move".*"address":"${address.replaceAll('.', '\\.')}"`);

function repointUs(line: string): number[] {
  const event = JSON.parse(line) as { kind: string; repointNs: number | null };
  return event.kind === 'move' && event.repointNs !== null ? [event.repointNs / 1000] : [];
}
