// SPDX-License-Identifier: BSD-2-Clause
// The daemon: there, alive, answering, of this version.
import { fail, ok, warn, type Verdict } from './finding.js';
import type { Sight } from './sight.js';

export function daemonLoaded({ pins, daemon }: Pick<Sight, 'pins' | 'daemon'>): Verdict[] {
  if (daemon.process !== null || daemon.status !== null) return [];
  if (!pins.used) return [warn('loaded', `nothing is loaded at ${pins.path}`, 'havip run --config FILE')];
  const detail = 'the fast path serves alone: ports, loader-mode HAVIPs, alarms and history are not followed';
  return [warn('process', detail, 'systemctl start havip   # or: havip run --config FILE')];
}

const STOPPED = new Set(['T', 't']);
const DEAD = new Set(['Z', 'X']);

export function daemonProcess({ daemon: { process } }: Pick<Sight, 'daemon'>): Verdict[] {
  if (process === null) return [];
  const { pid, state } = process;
  if (STOPPED.has(state)) {
    const detail = `process ${pid} is stopped (by SIGSTOP or a debugger): nothing is followed`;
    return [fail('process', detail, `kill -CONT ${pid}`)];
  }
  if (DEAD.has(state)) {
    const detail = `process ${pid} has ended and is not reaped: nothing is followed`;
    return [fail('process', detail, 'systemctl restart havip')];
  }
  return [ok('process', `${pid} works on the pin folder`)];
}

/** Who holds the lock and who answers should be one. */
export function daemonAnswers({ pins, daemon }: Pick<Sight, 'pins' | 'daemon'>): Verdict[] {
  const { process, status, error, socket } = daemon;
  if (status !== null) {
    if (process === null || status.pid === process.pid)
      return [ok('socket', `${status.pid} answers at ${socket}`)];
    const detail = `process ${status.pid} answers at ${socket} and serves ${status.pinPath}; ${process.pid} serves ${pins.path}`;
    return [warn('socket', detail, 'havip doctor --socket PATH --pin-path DIR   # those of one daemon')];
  }
  if (process === null || error === null) return [];
  const { pid } = process;
  if (error.permission) return [warn('socket', error.message, 'sudo havip doctor')];
  if (STOPPED.has(process.state)) return [];
  const detail = `process ${pid} runs, but ${error.message}: no status, no metrics, perhaps no following`;
  return [
    fail(
      'socket',
      detail,
      `systemctl restart havip   # or: kill ${pid}; havip run ...; or name it with --socket`,
    ),
  ];
}

export function daemonVersion({ daemon: { status, ownVersion } }: Pick<Sight, 'daemon'>): Verdict[] {
  if (status === null) return [];
  if (status.version === ownVersion) return [ok('version', `havip ${ownVersion}, as this command`)];
  const detail = `the daemon is havip ${status.version}, this command ${ownVersion}`;
  return [warn('version', detail, 'systemctl restart havip   # traffic and holders are not disturbed')];
}
