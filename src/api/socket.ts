// SPDX-License-Identifier: BSD-2-Clause
// The socket file itself: who may use it, whether somebody answers on it, and clearing away a dead one. grpc-js
// reports all of that as one "unavailable", seconds late, so it is asked of the kernel first.
import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { HavipError } from '../errors.js';

/** Root and its group talk to the daemon; nobody else. */
const FOLDER_MODE = 0o750;
const SOCKET_MODE = 0o660;

/** null: somebody answers. Otherwise the errno's name: ENOENT, ECONNREFUSED, EACCES, ... */
export function probe(socket: string): Promise<string | null> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => (connection.destroy(), resolve(null)));
    connection.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** Errors: NOT_RUNNING, PERMISSION, each with a cure. */
export async function requireDaemon(socket: string): Promise<void> {
  const refused = await probe(socket);
  if (refused !== null) throw unreachable(socket, refused);
}

function unreachable(socket: string, code: string): HavipError {
  if (code === 'EACCES' || code === 'EPERM') {
    const cure = 'run as root, or as a member of the group that owns the socket';
    return new HavipError('PERMISSION', `may not talk to the daemon at ${socket}`, { cure });
  }
  const cure = 'start it: havip run --config FILE   (or name its socket with --socket)';
  return new HavipError('NOT_RUNNING', `no daemon answers at ${socket} (${code})`, { cure });
}

/**
 * Makes the place where the server will bind: the folder is there, the name is free.
 * Errors: FAILED when a living daemon answers, or when something else than a socket has the name.
 */
export async function clearPlace(socket: string): Promise<void> {
  mkdirSync(dirname(socket), { recursive: true, mode: FOLDER_MODE });
  const present = statSync(socket, { throwIfNoEntry: false });
  if (!present) return;
  if (!present.isSocket()) {
    const cure = 'choose another path with --socket';
    throw new HavipError('FAILED', `${socket} exists and is no socket`, { cure });
  }
  if ((await probe(socket)) === null) {
    const cure = 'stop it first, or choose another path with --socket';
    throw new HavipError('FAILED', `a daemon already answers at ${socket}`, { cure });
  }
  rmSync(socket, { force: true });
}

export function admitGroup(socket: string): void {
  chmodSync(socket, SOCKET_MODE);
}
