// SPDX-License-Identifier: BSD-2-Clause
// The configuration: is what is in force what is on disk, and is all of it here.
import { fail, ok, some, warn, word, type Verdict } from './finding.js';
import type { Sight } from './sight.js';

const rfc3339 = (wallNs: bigint): string => new Date(Number(wallNs / 1_000_000n)).toISOString();

export function configOnDisk({ config: { path, problems } }: Pick<Sight, 'config'>): Verdict[] {
  if (path === null) return [];
  if (problems.length === 0) return [ok('file', `${path} is valid`)];
  const detail = `${path} is bad: a restart would fail, a reload is refused: ${some(problems, 2)}`;
  return [fail('file', detail, `havip check ${word(path)}`)];
}

export function configInForce({ daemon, config }: Pick<Sight, 'daemon' | 'config'>): Verdict[] {
  const inForce = daemon.status?.config;
  if (!inForce?.path) return [];
  const { path, stale, loadedWallNs, problems } = inForce;
  if (stale) {
    const detail = `an older configuration serves: the file was bad when it was read last: ${some(problems, 2)}`;
    return [warn('in force', detail, `havip check ${word(path)} && havip reload`)];
  }
  if (config.path === path && config.changedWallNs > loadedWallNs) {
    const when = `changed ${rfc3339(config.changedWallNs)}, read ${rfc3339(loadedWallNs)}`;
    const detail = `${path} is not what is in force: nobody reloaded it (${when})`;
    return [warn('in force', detail, `havip check ${word(path)} && havip reload`)];
  }
  return [ok('in force', `${path}, read ${rfc3339(loadedWallNs)}`)];
}

/** Hosts boot in any order, so that this may pass by itself. */
export function absentParts({ network }: Pick<Sight, 'network'>): Verdict[] {
  return network.plan.absent.map(({ kind, name }) => {
    const cure = `ip link show ${word(name)}   # havip waits for it; or correct the configuration`;
    return warn(`${kind} ${name}`, 'is configured and not on this host: nothing of it is served', cure);
  });
}
