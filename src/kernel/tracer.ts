// SPDX-License-Identifier: BSD-2-Clause
// Asks the very program that is attached to a port what it would do with a frame: a test run with a mark that only the
// host can set, so that nothing is counted, learned, heard or sent.
import { HavipError } from '../errors.js';
import { closeFd, isNativeError, lockFolder, programInfo, testRun } from '../native/index.js';
import { formatAddress, formatMac } from '../net/addresses.js';
import { attachedProgram, type Hook } from './attachments.js';
import { LIMITS, PORT_FLAGS, PORT_KIND, type Port, type Target } from './layout.gen.js';
import { closeTables, type Tables } from './maps.js';
import { fieldText, PORT_KIND_NAMES, REASONS } from './names.js';
import { linksFolder } from './pins.js';
import { openPinnedTables, readNames, toHolder, type HavipHolder } from './reader.js';

export interface Traced {
  readonly port: { readonly name: string; readonly kind: string; readonly hook: Hook };
  /** The program that was asked. */
  readonly program: { readonly id: number; readonly tag: string };
  /** network/subnet; null: the frame is in none of ours, or says nothing about an address. */
  readonly subnet: string | null;
  /** The HAVIP that it is for; null: none. */
  readonly havip: string | null;
  readonly holder: HavipHolder | null;
  /** The EIP that it is for, or that it leaves as; null: none. */
  readonly eip: string | null;
  readonly verdict: string;
  readonly reason: string;
  readonly before: Buffer;
  readonly after: Buffer;
}

/** What else may stand in the frame, given what the maps know of the port. */
export type Framing = (known: {
  readonly guestMac: Uint8Array | null;
  readonly holderMac: string | null;
  /** Of whom guests send to when they mean somebody elsewhere: the bridge itself; of a gateway its own. */
  readonly routerMac: string | null;
}) => Buffer;

const MARK = [LIMITS.TRACE_MARK, LIMITS.TRACE_MARK];
const NOTHING = {
  reason: 0,
  subnet: 0,
  havip: 0,
  found: 0,
  eip: new Uint8Array(4),
  reserved: 0,
  holder: { mac: new Uint8Array(6), port: 0 },
};

/**
 * @param to The destination, canonical.
 * Errors: NOT_RUNNING where nothing is loaded, USAGE for a port that is not served, FAILED where another trace runs.
 */
export function trace(pinPath: string, name: string, to: string, framing: Framing): Traced {
  const tables = openPinnedTables(pinPath);
  const lock = lockTraces(pinPath);
  try {
    const [ifindex, port, target] = portNamed(tables, name);
    const attached = attachedProgram(pinPath, ifindex);
    if (!attached) {
      throw new HavipError('FAILED', `nothing is attached to ${name}: frames by it only cross the bridge`, {
        cure: 'havip doctor says why',
      });
    }
    try {
      const frame = framing({
        guestMac: guestMac(tables, port),
        holderMac: holderMac(tables, port, to),
        routerMac: routerMac(tables, port),
      });
      const after = run(tables, port, attached.fd, ifindex, frame);
      const { id, tag } = programInfo(attached.fd);
      const kind = PORT_KIND_NAMES[target.kind] ?? '';
      const where = { name, kind, hook: attached.hook };
      return { port: where, program: { id, tag }, ...found(tables), before: frame, after };
    } finally {
      closeFd(attached.fd);
    }
  } finally {
    closeFd(lock);
    closeTables(tables);
  }
}

function run(tables: Tables, port: Port, fd: number, ifindex: number, frame: Buffer): Buffer {
  tables.traces.set(0, NOTHING);
  const flags = port.flags | PORT_FLAGS.TRACED;
  tables.ports.set(LIMITS.TRACE_IFINDEX, { ...port, flags, learnEveryNs: 0n });
  try {
    return testRun(fd, frame, { ifindex, mark: MARK }).data;
  } finally {
    tables.ports.delete(LIMITS.TRACE_IFINDEX);
  }
}

function found(tables: Tables): Pick<Traced, 'subnet' | 'havip' | 'holder' | 'eip' | 'verdict' | 'reason'> {
  const { reason, subnet, havip, found: isHavip, holder, eip } = tables.traces.get(0) ?? NOTHING;
  const names = readNames(tables);
  const place = names.subnets.get(subnet);
  const policy = isHavip ? tables.havips.get(havip) : undefined;
  return {
    subnet: place ? `${place.network}/${place.name}` : null,
    havip: policy ? formatAddress(policy.key.address) : null,
    holder: isHavip ? toHolder(names, holder) : null,
    eip: eip.some((byte) => byte !== 0) ? eip.join('.') : null,
    ...(REASONS[reason] ?? { verdict: 'unknown', reason: `${reason}` }),
  };
}

/** One at a time: they share a row of `ports` and one of `traces`. */
function lockTraces(pinPath: string): number {
  try {
    return lockFolder(linksFolder(pinPath));
  } catch (error) {
    if (!isNativeError(error) || !['EAGAIN', 'EWOULDBLOCK'].includes(error.code)) throw error;
    throw new HavipError('FAILED', 'another trace is running', { cause: error, cure: 'try again' });
  }
}

function portNamed(tables: Tables, name: string): [ifindex: number, port: Port, target: Target] {
  const here: string[] = [];
  for (const [, target] of tables.targets.entries()) {
    if (target.ifindex === 0) continue;
    const port = tables.ports.get(target.ifindex);
    if (!port) continue;
    if (fieldText(target.name) === name) return [target.ifindex, port, target];
    here.push(fieldText(target.name));
  }
  throw new HavipError('USAGE', `${JSON.stringify(name)} is no port that is served`, {
    cure: `one of: ${here.sort().join(', ') || 'none is served now'}`,
  });
}

/** By its ARP or ND, or pinned. */
function guestMac(tables: Tables, { slot }: Port): Uint8Array | null {
  const own = tables.own_macs.get(slot);
  if (own?.port) return own.mac;
  for (const [{ mac }, guest] of tables.guests.entries()) if (guest.port === slot) return mac;
  return null;
}

function routerMac(tables: Tables, { slot, kind, bridge }: Port): string | null {
  const at = kind === PORT_KIND.GATEWAY ? slot : tables.ports.get(bridge)?.slot;
  const target = at === undefined ? undefined : tables.targets.get(at);
  return target ? formatMac(target.mac) : null;
}

function holderMac(tables: Tables, { subnet }: Port, to: string): string | null {
  for (const [key, { holder }] of tables.bindings.entries()) {
    if (key.subnet !== subnet || formatAddress(key.address) !== to) continue;
    return toHolder(readNames(tables), holder)?.mac ?? null;
  }
  return null;
}
