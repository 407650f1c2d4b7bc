// SPDX-License-Identifier: BSD-2-Clause
// The pin folder: on a bpffs, ours, writable by nobody else, of our ABI.
import { fail, ok, warn, word, type Verdict } from './finding.js';
import type { Sight } from './sight.js';

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

export function pinsBpffs({ pins }: Pick<Sight, 'pins'>): Verdict[] {
  const { path, nearest, bpffs } = pins;
  if (nearest === null) {
    const parent = path.slice(0, path.lastIndexOf('/')) || '/';
    const cure = `mkdir -p ${word(parent)} && mount -t bpf bpf ${word(parent)}`;
    return [fail('bpffs', `${parent} does not exist: nothing can be pinned at ${path}`, cure)];
  }
  if (bpffs) return [ok('bpffs', `${nearest} is on a BPF file system`)];
  return [fail('bpffs', `${nearest} is on no BPF file system`, `mount -t bpf bpf ${word(nearest)}`)];
}

export function pinsFolder({ pins, caller, daemon }: Pick<Sight, 'pins' | 'caller' | 'daemon'>): Verdict[] {
  const { path, exists, bpffs, uid, mode, parentMode } = pins;
  if (!exists || !bpffs) return [];
  const text = (mode & 0o7777).toString(8).padStart(4, '0');
  const user = daemon.process?.uid ?? caller.uid;
  if (mode & OTHERS_WRITE) {
    const detail = `others may write ${path} (mode ${text}): they can delete the pins, and the fast path with them`;
    return [fail('pin folder', detail, `chmod 0700 ${word(path)}`)];
  }
  if (uid !== 0 && uid !== user) {
    const detail = `${path} belongs to user ${uid}, and havip runs as ${user}: it refuses such a folder`;
    return [fail('pin folder', detail, `chown ${user} ${word(path)}`)];
  }
  if (parentMode & 0o002 && !(parentMode & STICKY)) {
    const parent = path.slice(0, path.lastIndexOf('/'));
    const detail = `others may write ${parent}: they can put a folder of theirs in the place of ${path}`;
    return [warn('pin folder', detail, `chmod o-w ${word(parent)}`)];
  }
  return [ok('pin folder', `${path}, user ${uid}, mode ${text}`)];
}

export function pinsVersion({ pins }: Pick<Sight, 'pins'>): Verdict[] {
  const { path, foreign } = pins;
  if (foreign.length === 0) return [];
  const detail = `${path} holds maps of another version of havip (${foreign.join(', ')}): this one refuses to start`;
  const cure = `havip unload --pin-path ${word(path)}   # ends the fast path; then start this version`;
  return [fail('pinned version', detail, cure)];
}
