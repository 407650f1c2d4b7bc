// SPDX-License-Identifier: BSD-2-Clause
// Who may do what: the caller, and the daemon that runs.
import { missingCapabilities } from '../control/capabilities.js';
import { fail, ok, warn, type Verdict } from './finding.js';
import type { Sight } from './sight.js';

const listed = (missing: ReturnType<typeof missingCapabilities>): string =>
  missing.map(({ name, purpose }) => `${name} (to ${purpose})`).join(', ');

/** With a daemon of somebody else's the host is none the worse for it. */
export function callerMay({ caller, daemon }: Pick<Sight, 'caller' | 'daemon'>): Verdict[] {
  const missing = missingCapabilities(caller.capabilities);
  const who = caller.uid === 0 ? 'root' : `user ${caller.uid}`;
  if (missing.length === 0) return [ok('caller', `${who}, with all four capabilities`)];
  const detail = `${who} lacks ${listed(missing)}`;
  if (daemon.process !== null || daemon.status !== null) return [warn('caller', detail, 'sudo havip doctor')];
  return [fail('caller', `${detail}: havip run would be refused`, 'sudo havip doctor')];
}

export function daemonMay({ daemon }: Pick<Sight, 'daemon'>): Verdict[] {
  if (daemon.process === null) return [];
  const { pid, uid, capabilities } = daemon.process;
  const missing = missingCapabilities(capabilities);
  if (missing.length === 0) return [ok('daemon', `process ${pid} (user ${uid}) has all four capabilities`)];
  const cure = `# give them in its unit (AmbientCapabilities=), then: systemctl restart havip`;
  return [fail('daemon', `process ${pid} (user ${uid}) lacks ${listed(missing)}`, cure)];
}
