// SPDX-License-Identifier: BSD-2-Clause
// Looks at all of it once, and changes nothing. What may not be looked at is said, and the rest is seen all the same.
import { statSync } from 'node:fs';
import { loadAndCheck, renderProblem } from '../config/load.js';
import { HavipError } from '../errors.js';
import { existing, mapsFolder } from '../kernel/pins.js';
import { lookAtDaemon, lookAtPins } from './look-daemon.js';
import { lookAtCaller, lookAtKernel, readSysctl } from './look-kernel.js';
import { lookAtMaps } from './look-maps.js';
import { lookAtNetwork, lookAtXdpFeatures } from './look-network.js';
import { lookAtPrograms } from './look-programs.js';
import { servedSubnets } from './served.js';
import type { ConfigSight, DaemonSight, ObjectSight, Sight } from './sight.js';

export interface DoctorOptions {
  readonly socket: string;
  /** null: that of the daemon. */
  readonly configPath: string | null;
  readonly pinPath: string;
  /** Whether the operator chose it; else a daemon that answers knows better. */
  readonly pinPathChosen: boolean;
}

/** Something seen, or why not. */
export type Look<T> = { readonly value: T } | { readonly error: HavipError };
export type Looks = { readonly [K in keyof Sight]: Look<Sight[K]> };

/** @param object On its way already: it takes the longest, and is the same at a second look. */
export async function lookAround(options: DoctorOptions, object: Promise<ObjectSight>): Promise<Looks> {
  const { daemon, pinPath } = await findDaemon(options);
  const features = await attempt(lookAtXdpFeatures);
  const kernel = await attempt(() => lookAtKernel(valueOf(features) !== null));
  const config = await attempt(() => lookAtConfig(configPath(options, daemon)));
  const maps = await attempt(() => (existing(mapsFolder(pinPath)) ? lookAtMaps(pinPath) : null));
  const inForce = valueOf(config)?.config;
  const network = await attempt(() =>
    lookAtNetwork(
      inForce?.subnets ?? servedSubnets(valueOf(maps) ?? null),
      inForce?.eips ?? [],
      valueOf(features) ?? null,
    ),
  );
  const programs = await attempt(() => {
    const { devices, plan } = required(network);
    return lookAtPrograms({ pinPath, devices, ports: plan.ports.keys(), tcx: required(kernel).tcx });
  });
  return {
    kernel,
    object: await attempt(() => object),
    caller: await attempt(lookAtCaller),
    pins: await attempt(() => lookAtPins(pinPath)),
    daemon: { value: daemon },
    config,
    network,
    programs,
    maps,
    sysctl: { value: readSysctl },
  };
}

async function findDaemon({ pinPath, pinPathChosen, socket }: DoctorOptions): Promise<{
  daemon: DaemonSight;
  pinPath: string;
}> {
  const daemon = await lookAtDaemon(pinPath, socket);
  const itsOwn = daemon.status?.pinPath ?? pinPath;
  if (pinPathChosen || itsOwn === pinPath) return { daemon, pinPath };
  return { daemon: await lookAtDaemon(itsOwn, socket), pinPath: itsOwn };
}

const configPath = ({ configPath: given }: DoctorOptions, { status }: DaemonSight): string | null =>
  given ?? status?.config?.path ?? null;

/** Errors: none; what is wrong with the file are its problems. */
function lookAtConfig(path: string | null): ConfigSight {
  if (path === null) return { path, config: null, problems: [], changedWallNs: 0n };
  const { config, problems } = loadAndCheck(path);
  const changedWallNs = statSync(path, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n;
  return { path, config: config ?? null, problems: problems.map(renderProblem), changedWallNs };
}

async function attempt<T>(look: () => T | Promise<T>): Promise<Look<T>> {
  try {
    return { value: await look() };
  } catch (thrown) {
    return { error: HavipError.from(thrown) };
  }
}

export const valueOf = <T>(look: Look<T>): T | undefined => ('value' in look ? look.value : undefined);

function required<T>(look: Look<T>): T {
  if ('error' in look) throw look.error;
  return look.value;
}
