// SPDX-License-Identifier: BSD-2-Clause
// One daemon writes a state folder: two would take each other's records for damage.
import { HavipError } from '../errors.js';
import { closeFd, isNativeError, lockFolder, lockOwner } from '../native/index.js';

/** @returns Lets go. Errors: FAILED, naming the process that has it. */
export function lockStateFolder(folder: string): () => void {
  try {
    const fd = lockFolder(folder);
    return () => closeFd(fd);
  } catch (thrown) {
    if (!isNativeError(thrown) || !['EAGAIN', 'EWOULDBLOCK'].includes(thrown.code)) throw thrown;
    const pid = lockOwner(folder);
    // A worker of this process that fell: its descriptors live as long as the process.
    if (pid === process.pid) return () => undefined;
    const owner = pid ? `process ${pid}` : 'another process';
    throw new HavipError('FAILED', `the state folder ${folder} is written by ${owner}`, {
      cause: thrown,
      cure: 'give each daemon a folder of its own with statePath or --state-path',
    });
  }
}
