// SPDX-License-Identifier: BSD-2-Clause
// The lab that stays: built like the demo's, with processes that outlive this one; and, from any later process, what
// of it there is.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { leftovers, pidsInside } from './cleanup.js';
import { CLI, preparePlaces, startDaemon } from './demo-daemon.js';
import { KEPT_PREFIX } from './demo-place.js';
import { NEW, OLD, startGuests } from './demo.js';
import { keepLab, type Lab } from './lab.js';
import { Child } from './process.js';
import { standardLab, VIP } from './topology.js';

const HTTP_SERVER = fileURLToPath(new URL('./http-server.js', import.meta.url));

/** An election at most, and a busy machine. */
const ELECTION_MS = 5000;

export interface KeptNamespace {
  /** Under /run/netns. */
  readonly namespace: string;
  readonly devices: readonly { readonly name: string; readonly addresses: readonly string[] }[];
  /** `NAME PID` */
  readonly processes: readonly string[];
}

/** Builds it whole, or leaves nothing. `run`: with the daemon, which then has seen the first holder. */
export async function buildKeptLab(options: { advertIntervalS: number; run: boolean }): Promise<void> {
  await keepLab(KEPT_PREFIX, async (lab) => {
    await standardLab(lab);
    const places = await preparePlaces(lab);
    const ports = ['client', OLD, NEW].map((guest) => lab.port(guest));
    if (options.run) await startDaemon(lab, places, { ports, keep: true });
    const server = [process.execPath, HTTP_SERVER, '8080'];
    for (const guest of [OLD, NEW]) lab.spawn(guest, server, { keepAs: `http-${guest}` });
    await startGuests(lab, options.advertIntervalS);
    await isHeld(lab);
  });
}

/** So that the first command that somebody tries finds it held. That nobody takes it is theirs to see. */
async function isHeld(lab: Lab): Promise<void> {
  for (const end = Date.now() + ELECTION_MS; Date.now() < end; await sleep(50)) {
    if ((await lab.must(OLD, ['ip', '-o', 'address', 'show', 'eth0'])).includes(` ${VIP}/`)) return;
  }
}

export async function inspectKeptLab(): Promise<KeptNamespace[]> {
  const { namespaces } = await leftovers(KEPT_PREFIX);
  return Promise.all(
    namespaces.map(async (namespace) => ({
      namespace,
      devices: await devicesOf(namespace),
      processes: await Promise.all((await pidsInside(namespace)).map(nameOf)),
    })),
  );
}

interface IpAddress {
  readonly ifname: string;
  readonly addr_info: readonly {
    readonly family: string;
    readonly local: string;
    readonly prefixlen: number;
  }[];
}

async function devicesOf(namespace: string): Promise<KeptNamespace['devices']> {
  const { stdout } = await new Child(['ip', '-n', namespace, '-j', 'address']).finished();
  const devices = JSON.parse(stdout || '[]') as IpAddress[];
  return devices
    .filter(({ ifname }) => ifname !== 'lo')
    .map(({ ifname, addr_info }) => ({
      name: ifname,
      addresses: addr_info
        .filter(({ family }) => family === 'inet')
        .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    }));
}

/** By what it does where it is one of ours, since `node` says nothing. */
async function nameOf(pid: number): Promise<string> {
  const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  if (argv[1] === CLI) return `havip-${argv[2]} ${pid}`;
  if (argv[1] === HTTP_SERVER) return `http ${pid}`;
  return `${basename(argv[0] ?? '')} ${pid}`;
}
