// SPDX-License-Identifier: BSD-2-Clause
// What a reload cannot change: sockets, folders and maps have it from the start on. How many HAVIPs there may be is not
// in here: the maps say whether they fit.
import type { Config } from '../config/types.js';
import { HavipError } from '../errors.js';

/** By what the file calls it. */
const FIXED: Readonly<Record<string, (config: Config) => unknown>> = {
  pinPath: ({ pinPath }) => pinPath,
  'api.socket': ({ socket }) => socket,
  'metrics.listen': ({ metricsListen }) => metricsListen,
  'web.listen': ({ webListen }) => webListen,
  statePath: ({ statePath }) => statePath,
  'capacity.ports': ({ capacity }) => capacity.ports,
};

/** Errors: USAGE, naming the first that differs. */
export function refuseFixed(before: Config, after: Config): void {
  for (const [name, of] of Object.entries(FIXED)) {
    const [old, now] = [before, after].map((config) => JSON.stringify(of(config)));
    if (old === now) continue;
    throw new HavipError('USAGE', `${name} cannot change while havip runs: it is ${old}`, {
      cure: 'keep it, or stop havip and start it with the new value',
    });
  }
}
