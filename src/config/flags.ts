// SPDX-License-Identifier: BSD-2-Clause
// `havip run --bridge br0 --vip 10.0.1.50/24`: a Config without a file. The flags are put into the shape of the file and
// go through the same checks; only the words that say where a value stood differ.
import { HavipError } from '../errors.js';
import { formatCidr, parseCidr, splitPrefix } from '../net/addresses.js';
import { show } from './messages.js';
import { normalise } from './normalise.js';
import { checkValue } from './parse.js';
import type { Finding, Path } from './problem.js';
import { checkWithRuntime, NO_RUNTIME, type Conflict, type RuntimeSet } from './runtime.js';
import type { ConfigInput, SubnetInput } from './schema.js';
import type { Config } from './types.js';

export interface ConfigFlags {
  readonly bridge: string;
  /** Shape: address/prefix, the prefix being the subnet's. */
  readonly vip: readonly string[];
  readonly uplink?: readonly string[] | undefined;
  readonly pinPath?: string | undefined;
  readonly socket?: string | undefined;
  /** As `metrics.listen` in the file. */
  readonly metrics?: string | undefined;
  /** As `web.listen`. */
  readonly web?: string | undefined;
  readonly statePath?: string | undefined;
}

/** Errors: USAGE with everything that is wrong, one a line. */
export function configFromFlags(flags: ConfigFlags): Config {
  return configFromFlagsWith(flags, NO_RUNTIME).config;
}

/** @param runtime What was defined beside the flags. Errors: as `configFromFlags`. */
export function configFromFlagsWith(
  flags: ConfigFlags,
  runtime: RuntimeSet,
): { readonly config: Config; readonly conflicts: readonly Conflict[] } {
  const malformed =
    flags.vip.length === 0 ? ['--vip: none given; allowed: one or more'] : flags.vip.flatMap(vipFault);
  if (malformed.length > 0) throw new HavipError('USAGE', malformed.join('\n'));
  const { file, findings, conflicts } = checkWithRuntime(toFile(flags), runtime, checkValue);
  if (file === null) throw new HavipError('USAGE', findings.map(render).join('\n'));
  return { config: normalise(file), conflicts };
}

function vipFault(vip: string): string[] {
  if (splitPrefix(vip) !== null) return [];
  const why = vip.includes('/') ? '' : ': the prefix length says which addresses are on the same bridge';
  return [`--vip: found ${show(vip)}; allowed: address/prefix, such as 10.0.1.50/24${why}`];
}

function toFile(flags: ConfigFlags): ConfigInput {
  const { pinPath, socket, metrics, web, statePath } = flags;
  return {
    ...(pinPath === undefined ? {} : { pinPath }),
    ...(socket === undefined ? {} : { api: { socket } }),
    ...(metrics === undefined ? {} : { metrics: { listen: metrics } }),
    ...(web === undefined ? {} : { web: { listen: web } }),
    ...(statePath === undefined ? {} : { statePath }),
    networks: [{ name: 'default', subnets: [toSubnet(flags)] }],
  };
}

function toSubnet({ bridge, vip, uplink }: ConfigFlags): SubnetInput {
  return {
    // An interface may have characters in its name that a metric label here may not.
    name: bridge.replace(/[^A-Za-z0-9._-]/g, '-') || '-',
    cidr: [...new Set(vip.map(blockOf))],
    bridge,
    uplinks: [...(uplink ?? [])],
    havips: vip.map((one) => ({ address: splitPrefix(one)?.address.text ?? one })),
  };
}

function blockOf(vip: string): string {
  const cidr = parseCidr(vip);
  return cidr === null ? vip : formatCidr(cidr);
}

const FLAG_OF_KEY: Readonly<Record<string, string>> = {
  pinPath: '--pin-path',
  statePath: '--state-path',
  socket: '--socket',
  bridge: '--bridge',
  name: '--bridge',
  uplinks: '--uplink',
  address: '--vip',
  cidr: '--vip',
};

/** A finding in the words of a command line: the flag instead of the key. */
function render({ path, message, cure }: Finding): string {
  const key = lastKey(path);
  const flag = key === 'listen' ? `--${String(path[0])}` : (FLAG_OF_KEY[key] ?? key);
  const body = message.startsWith(`${key}: `) ? message.slice(key.length + 2) : message;
  return `${flag}: ${body}${cure === undefined ? '' : `; ${cure}`}`;
}

function lastKey(path: Path): string {
  return path.findLast((part): part is string => typeof part === 'string') ?? '';
}
