// SPDX-License-Identifier: BSD-2-Clause
// What a support bundle holds: what this is and runs on, what the daemon says, what happened, what is pinned, and how
// the host's links stand. No part needs the daemon to be alive, or another part to have worked.
import { readFileSync } from 'node:fs';
import { arch, release, version } from 'node:os';
import { ApiClient } from '../api/client.js';
import type { DaemonStatus } from '../api/types.js';
import { toJson, type Json } from '../cli/json.js';
import { HavipError } from '../errors.js';
import { findDossiers, readHeader } from '../history/reader.js';
import { listSegments } from '../history/segments.js';
import { packageVersion } from '../version.js';
import { command, ourCommand, whole, type Collected, type Part } from './collect.js';
import { programs, sysctls } from './host.js';
import { mapParts } from './maps.js';

/** Where to look. */
export interface Places {
  readonly socket: string;
  readonly pinPath: string;
  readonly statePath: string;
  /** null: none was named; the daemon may know one. */
  readonly configPath: string | null;
}

const EVENTS = 10_000;
const DOSSIERS = 1000;

/** @param daemon null: it does not answer. */
export function partsOf(places: Places, daemon: DaemonStatus | null): Part[] {
  const { socket, pinPath } = places;
  const statePath = daemon?.history?.path ?? places.statePath;
  const configPath = places.configPath ?? daemon?.config?.path ?? null;
  const config = configPath === null ? [] : ['--config', configPath];
  return [
    { name: 'versions.txt', collect: versions },
    {
      name: 'doctor.txt',
      collect: () => ourCommand('doctor', '--verbose', '--pin-path', pinPath, '--socket', socket, ...config),
    },
    { name: 'status.json', collect: () => ourCommand('status', '--json', '--socket', socket) },
    { name: 'daemon.json', collect: () => daemonJson(daemon, socket) },
    { name: 'metrics.txt', collect: () => metrics(daemon) },
    { name: 'events.jsonl', collect: () => events(socket, statePath) },
    { name: 'dossiers.jsonl', collect: () => dossiers(socket, statePath) },
    { name: 'history.txt', collect: () => segments(statePath) },
    { name: 'config.yaml', collect: () => configText(configPath), isConfig: true },
    ...mapParts(pinPath),
    { name: 'programs.jsonl', collect: () => whole(programs(pinPath)) },
    { name: 'host/sysctl.txt', collect: () => whole(sysctls()) },
    ...HOST_COMMANDS.map(([name, ...argv]) => ({ name: `host/${name}`, collect: () => command(...argv) })),
  ];
}

const HOST_COMMANDS: readonly (readonly [name: string, program: string, ...argv: string[]])[] = [
  ['links.json', 'ip', '-d', '-s', '-j', 'link'],
  ['addresses.json', 'ip', '-j', 'address'],
  ['routes.json', 'ip', '-j', 'route'],
  ['neighbours.json', 'ip', '-j', 'neigh'],
  ['qdiscs.json', 'tc', '-j', 'qdisc'],
  ['bridge-links.json', 'bridge', '-d', '-j', 'link'],
  ['bridge-vlans.json', 'bridge', '-j', 'vlan'],
  ['bridge-fdb.json', 'bridge', '-j', 'fdb'],
  ['bpf-net.json', 'bpftool', '-j', 'net'],
];

function versions(): Collected {
  const osRelease = readFileSync('/etc/os-release', 'utf8');
  const lines = [
    `havip ${packageVersion()}`,
    `Node ${process.version}`,
    `Linux ${release()} ${arch()}`,
    version(),
  ];
  return whole(`${lines.join('\n')}\n\n${osRelease}`);
}

function daemonJson(daemon: DaemonStatus | null, socket: string): Collected {
  if (!daemon) throw noDaemon(socket);
  return whole(`${plainJson(daemon)}\n`);
}

/** Interfaces of plain data, which have no index signature of their own. */
const plainJson = (value: object): string => toJson(value as Json);

const noDaemon = (socket: string): HavipError =>
  new HavipError('NOT_RUNNING', `no daemon answers at ${socket}`);

const METRICS_MS = 10_000;

async function metrics(daemon: DaemonStatus | null): Promise<Collected> {
  if (!daemon) throw new HavipError('NOT_RUNNING', 'no daemon answers');
  const { metricsAddress } = daemon;
  if (metricsAddress === null) return { text: '', failure: 'the daemon serves no metrics' };
  const signal = AbortSignal.timeout(METRICS_MS);
  return whole(await (await fetch(`http://${metricsAddress}/metrics`, { signal })).text());
}

function events(socket: string, statePath: string): Promise<Collected> {
  const place = ['--socket', socket, '--state-path', statePath];
  return ourCommand('events', '--json', '--last', String(EVENTS), ...place);
}

/** From the daemon's memory, else from disk. */
async function dossiers(socket: string, statePath: string): Promise<Collected> {
  const kept = findDossiers(statePath, { last: DOSSIERS });
  const known = new Map(kept.map((one) => [one.id, one]));
  const client = await ApiClient.connect(socket).catch(() => null);
  try {
    for (const one of (await client?.dossiers({ last: DOSSIERS })) ?? []) known.set(one.id, one);
  } finally {
    client?.close();
  }
  return whole([...known.values()].map((one) => `${plainJson(one)}\n`).join(''));
}

function segments(statePath: string): Collected {
  const lines = listSegments(statePath).map((segment) => {
    const header = readHeader(segment);
    const bytes = readFileSync(segment.path).length;
    return `${segment.path}  ${bytes} bytes  ${header ? toJson({ ...header }) : 'no header that can be read'}`;
  });
  return whole([`state folder: ${statePath}`, ...lines, ''].join('\n'));
}

function configText(path: string | null): Collected {
  if (path === null) return { text: '', failure: 'no file is known: name it with --config' };
  return whole(readFileSync(path, 'utf8'));
}
