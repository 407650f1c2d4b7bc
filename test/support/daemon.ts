// SPDX-License-Identifier: BSD-2-Clause
// The product in a lab: the real command line, run in the namespace `hv` on a bpffs and a socket of the lab's own.
// What is asked of it here is what an operator's script can ask; the pinned maps are maps.ts's business.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ApiClient } from '../../src/api/client.js';
import type { Lab } from '../../src/lab/lab.js';
import type { Child, Exit, Finished } from '../../src/lab/process.js';
import { VIP } from '../../src/lab/topology.js';
import { eventually } from './lab.js';

export const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
/** Longer than a start on a loaded machine, shorter than a test that hangs. */
const START_MS = 20_000;

/** How tc programs are attached; HAVIP_TCX=0: as on kernels before 6.6. */
export const WAYS = [
  { way: 'TCX', env: {} },
  { way: 'clsact', env: { HAVIP_TCX: '0' } },
];

export interface Party {
  readonly port: string;
  readonly mac: string;
}

export interface Status {
  readonly network: string;
  readonly subnet: string;
  readonly address: string;
  readonly state: string;
  readonly holder: (Party & { location: string; since: string; sinceNs: number; by: string }) | null;
  readonly moves: number;
  readonly packets: number;
  readonly bytes: number;
  readonly savedPackets: number;
  readonly origin: string;
}

export interface EventLine {
  readonly seq: number;
  readonly time: string;
  readonly timeNs: number;
  readonly kind: string;
  readonly network: string;
  readonly subnet: string;
  readonly address: string;
  readonly from: Party | null;
  readonly to: Party | null;
  readonly reason: string;
  readonly count: number;
  readonly repointNs: number | null;
}

export interface DaemonOptions {
  /** An object is written as the file, with a free metrics port; text is written as it is. @default flags */
  config?: object | string;
  /** Instead of a file. @default --bridge br-web --vip 10.0.1.50/24 --metrics 127.0.0.1:0 */
  flags?: readonly string[];
  env?: Record<string, string>;
}

export interface Daemon {
  readonly child: Child;
  readonly pid: number;
  /** Nothing is said, nothing is closed: as by the OOM killer. */
  kill(): Promise<Exit>;
  stop(): Promise<Exit>;
}

/** Where a daemon runs: the hypervisor `hv` of a lab, or another of its namespaces. */
export type Host = Pick<Lab, 'exec' | 'spawn' | 'must' | 'tempDir' | 'bpffs'>;

/** Another hypervisor of the same lab, with a folder and pins of its own. */
export async function hostOf(lab: Lab, name: string): Promise<Host> {
  const inside = (ns: string): string => (ns === 'hv' ? name : ns);
  const tempDir = `${lab.tempDir}/${name}`;
  const pins = `${await lab.bpffs()}/${name}`;
  for (const folder of [tempDir, pins]) await mkdir(folder);
  return {
    tempDir,
    bpffs: () => Promise.resolve(pins),
    exec: (ns, argv, options) => lab.exec(inside(ns), argv, options),
    must: (ns, argv, options) => lab.must(inside(ns), argv, options),
    spawn: (ns, argv, options) => lab.spawn(inside(ns), argv, options),
  };
}

const FLAGS = [
  '--bridge',
  'br-web',
  '--vip',
  `${VIP}/24`,
  '--metrics',
  '127.0.0.1:0',
  '--web',
  '127.0.0.1:0',
];

export async function pinPath(lab: Host): Promise<string> {
  return `${await lab.bpffs()}/havip`;
}

export const configPath = (lab: Host): string => `${lab.tempDir}/havip.yaml`;
export const socketPath = (lab: Host): string => `${lab.tempDir}/havip.sock`;

export const statePath = (lab: Host): string => `${lab.tempDir}/state`;

export async function placesOf(lab: Host): Promise<Record<string, string>> {
  return {
    HAVIP_PIN_PATH: await pinPath(lab),
    HAVIP_SOCKET: socketPath(lab),
    HAVIP_STATE_PATH: statePath(lab),
  };
}

/** Starts `havip run` and resolves when it serves. */
export async function startDaemon(lab: Host, options: DaemonOptions = {}): Promise<Daemon> {
  const child = await spawnDaemon(lab, options);
  await child.waitFor(/"msg":"(loaded|took over what was pinned)"/, { timeoutMs: START_MS });
  return {
    child,
    pid: child.pid,
    kill: () => child.stop('SIGKILL'),
    stop: () => child.stop('SIGTERM', 5000),
  };
}

async function spawnDaemon(lab: Host, options: DaemonOptions = {}): Promise<Child> {
  if (options.config !== undefined) await writeConfig(lab, options.config);
  const from = options.config === undefined ? (options.flags ?? FLAGS) : ['--config', configPath(lab)];
  const env = { ...(await placesOf(lab)), ...options.env };
  return lab.spawn('hv', [process.execPath, CLI, 'run', ...from], { env });
}

/** Of a start that is to fail: one that serves instead is ended, with code -1. */
export async function failedStart(lab: Host, options: DaemonOptions = {}): Promise<Finished> {
  const child = await spawnDaemon(lab, options);
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
  try {
    return await child.finished();
  } finally {
    clearTimeout(timer);
  }
}

export async function writeConfig(lab: Host, config: object | string): Promise<void> {
  const text = typeof config === 'string' ? config : JSON.stringify({ ...FREE_PORTS, ...config }, null, 2);
  await writeFile(configPath(lab), text);
}

const FREE_PORTS = { metrics: { listen: '127.0.0.1:0' }, web: { listen: '127.0.0.1:0' } };

/** One network with one untagged subnet on br-web. */
export function webConfig(havips: readonly object[], subnet: object = {}): object {
  return { networks: [{ name: 'blue', subnets: [{ ...WEB, ...subnet, havips }] }] };
}

const WEB = { name: 'web', cidr: ['10.0.1.0/24', 'fd00:1::/64'], bridge: 'br-web' };

/** Any command of the product, in `hv`, with the lab's paths in its environment. */
export async function havip(lab: Host, ...argv: string[]): Promise<Finished> {
  return lab.exec('hv', [process.execPath, CLI, ...argv], { env: await placesOf(lab) });
}

async function said(lab: Host, ...argv: string[]): Promise<string> {
  const { stdout, stderr, code } = await havip(lab, ...argv);
  if (code !== 0) throw new Error(`havip ${argv.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

export async function statusAll(lab: Host): Promise<Status[]> {
  return JSON.parse(await said(lab, 'status', '--json')) as Status[];
}

/** Of one HAVIP; `network` where several have the address. */
export async function status(lab: Host, address = VIP, network?: string): Promise<Status> {
  const rows = JSON.parse(await said(lab, 'status', address, '--json')) as Status[];
  const row = rows.find((one) => one.network === (network ?? one.network));
  if (row === undefined) throw new Error(`no HAVIP ${address} in ${network ?? 'any network'}`);
  return row;
}

/** All that are kept, or those of some kinds. */
export async function events(lab: Host, ...kinds: string[]): Promise<EventLine[]> {
  const lines = (await said(lab, 'events', '--json')).split('\n').filter(Boolean);
  const all = lines.map((line) => JSON.parse(line) as EventLine);
  return kinds.length === 0 ? all : all.filter(({ kind }) => kinds.includes(kind));
}

/** Until the holder's port is this, or nobody's (null). Asks without a process for each question. */
export async function heldBy(lab: Host, port: string | null, address = VIP, network?: string): Promise<void> {
  const client = await ApiClient.connect(socketPath(lab));
  try {
    await eventually(`${address} is held by ${port ?? 'nobody'}`, async () => {
      const [row] = await client.listHavips({ address, ...(network === undefined ? {} : { network }) });
      if (row === undefined) throw new Error(`no HAVIP ${address} in ${network ?? 'any network'}`);
      return (row.holder?.port ?? null) === port;
    });
  } finally {
    client.close();
  }
}

/** The page of metrics, by name with its labels as printed: `havip_held{network="default",address="10.0.1.50"}`. */
export async function metrics(lab: Host, daemon: Daemon): Promise<Map<string, number>> {
  const page = await lab.must('hv', ['curl', '-sS', '-f', `http://${metricsAddress(daemon)}/metrics`]);
  const samples = page.matchAll(/^([a-z_]+(?:\{.*\})?) (\S+)$/gm);
  return new Map([...samples].map(([, name = '', value]) => [name, Number(value)]));
}

export function metricsAddress(daemon: Daemon): string {
  const address = /"metrics":"([^"]+)"/.exec(daemon.child.stderr)?.[1];
  if (address === undefined) throw new Error('the daemon serves no metrics');
  return address;
}

/** Frames that came in by a port, for one reason: `frames(lab, daemon, 'uplink0', 'redirect', 'holder')`. */
export async function frames(
  lab: Host,
  daemon: Daemon,
  port: string,
  verdict: string,
  reason: string,
): Promise<number> {
  const name = `havip_frames_total{port="${port}",verdict="${verdict}",reason="${reason}"}`;
  const value = (await metrics(lab, daemon)).get(name);
  if (value === undefined) throw new Error(`no series ${name}`);
  return value;
}

/** Resident memory. Unit: bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1]) * 1024;
}
