// SPDX-License-Identifier: BSD-2-Clause
// Somebody else's program on a device, or somebody's hand at ours: node foreign.js attach HOOK DEVICE, until it is
// ended; node foreign.js detach PIN. Sockets and devices are those of the process's namespace, hence one of its own.
import {
  closeFd,
  ifNameToIndex,
  linkCreate,
  linkDetach,
  openPin,
  type LinkHook,
} from '../../src/native/index.js';
import { FastPath } from '../../src/kernel/fast-path.js';

const [what, ...rest] = process.argv.slice(2);

if (what === 'detach') {
  linkDetach(openPin(rest[0] ?? ''));
} else {
  const [hook, device] = rest as [LinkHook, string];
  const xdp = hook.startsWith('xdp');
  const object = new FastPath([xdp ? 'xdp' : 'tc']);
  object.load();
  const program = object.programFd(xdp ? 'havip_xdp' : 'havip_ingress');
  const link = linkCreate(program, ifNameToIndex(device), hook);
  process.stdout.write('ready\n');
  process.once('SIGTERM', () => {
    closeFd(link);
    process.exit(0);
  });
  setInterval(() => undefined, 60_000);
}
