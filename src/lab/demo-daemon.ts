// SPDX-License-Identifier: BSD-2-Clause
// The real `havip run` in a lab's hypervisor, with a configuration file, pins and a socket of the lab's own; and
// the other commands of the CLI, asked about it.
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ApiClient } from '../api/client.js';
import { probe } from '../api/socket.js';
import { HavipError } from '../errors.js';
import { type Lab } from './lab.js';
import { type Child } from './process.js';
import { VIP } from './topology.js';

const START_TIMEOUT_MS = 15_000;

/** Where everything of the daemon is; a file system is shared by all namespaces. */
export interface Places {
  readonly config: string;
  readonly socket: string;
  readonly pinPath: string;
  readonly statePath: string;
}

/** build/src/cli/main.js, which `havip` is a link to. */
export const CLI = fileURLToPath(new URL('../cli/main.js', import.meta.url));

export function placesIn(folder: string): Places {
  return {
    config: `${folder}/havip.yaml`,
    socket: `${folder}/havip.sock`,
    pinPath: `${folder}/bpffs/havip`,
    statePath: `${folder}/state`,
  };
}

/** Writes the configuration and mounts the bpffs. */
export async function preparePlaces(lab: Lab): Promise<Places> {
  const places = placesIn(lab.tempDir);
  await lab.bpffs();
  await writeFile(places.config, configText(places), { mode: 0o600 });
  return places;
}

/** `rebind: loader`: the demo shows the whole way, through TypeScript and back. */
function configText({ pinPath, socket, statePath }: Places): string {
  return `# Written by havip for its lab; gone with it.
pinPath: ${pinPath}
statePath: ${statePath}
api: { socket: ${socket} }
metrics: { listen: "127.0.0.1:0" }
web: { listen: "127.0.0.1:0" }
networks:
  - name: demo
    subnets:
      - name: web
        cidr: 10.0.1.0/24
        bridge: br-web
        havips:
          - address: ${VIP}
            rebind: loader
`;
}

/** Starts it and waits until it serves these ports. `keep`: it outlives this process. */
export async function startDaemon(
  lab: Lab,
  places: Places,
  options: { ports: readonly string[]; keep?: boolean },
): Promise<Child> {
  // Flags, although the file says the same: HAVIP_SOCKET and its like in the user's shell would beat the file.
  const argv = [process.execPath, CLI, 'run', ...['--config', places.config], ...flags(places)];
  const child = lab.spawn('hv', argv, options.keep === true ? { keepAs: 'havip' } : {});
  const end = Date.now() + START_TIMEOUT_MS;
  while (!(await serves(places.socket, options.ports))) {
    if (!child.running) throw failure('ended', await lastWords(lab, child));
    if (Date.now() > end) {
      throw failure(
        `does not serve its ports after ${START_TIMEOUT_MS / 1000} s`,
        await lastWords(lab, child),
      );
    }
    await sleep(20);
  }
  return child;
}

function flags({ socket, pinPath, statePath }: Places): string[] {
  return ['--socket', socket, '--pin-path', pinPath, '--state-path', statePath];
}

function failure(what: string, words: string): HavipError {
  return new HavipError('FAILED', `havip run ${what}:\n${words}`, { cure: 'havip doctor' });
}

async function lastWords(lab: Lab, child: Child): Promise<string> {
  const log = await readFile(`${lab.tempDir}/havip.log`, 'utf8').catch(() => child.lines.join('\n'));
  return log.trimEnd().split('\n').slice(-8).join('\n');
}

async function serves(socket: string, wanted: readonly string[]): Promise<boolean> {
  if ((await probe(socket)) !== null) return false;
  const client = await ApiClient.connect(socket);
  try {
    const { ports } = await client.daemon();
    const served = new Set(ports.filter(({ failure }) => !failure).map(({ name }) => name));
    return wanted.every((name) => served.has(name));
  } finally {
    client.close();
  }
}

/** A command of the CLI, as a person would give it on the hypervisor. @returns what it prints in a pipe */
export async function askCli(lab: Lab, places: Places, argv: readonly string[]): Promise<string> {
  return lab.must('hv', [process.execPath, CLI, ...argv, '--socket', places.socket], { timeoutMs: 5000 });
}
