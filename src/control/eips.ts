// SPDX-License-Identifier: BSD-2-Clause
// The operator's EIPs -> rows of the maps. Nothing in them is learned, so that each start and reload writes what is
// configured and takes out the rest.
import type { Config, EipConfig } from '../config/types.js';
import { HavipError } from '../errors.js';
import {
  PUBLIC_FLAGS,
  type Eip,
  type EipKey,
  type Inside,
  type Key,
  type Public,
} from '../kernel/layout.gen.js';
import type { Tables } from '../kernel/maps.js';
import { addressBytes, parseCidr } from '../net/addresses.js';
import type { Definitions, HavipRecord } from './definitions.js';

type Maps = Pick<Tables, 'eips' | 'publics' | 'insides'>;

/** Of the 16 bytes of an IPv4 address, those that it has on the wire. */
const quad = (address: Uint8Array): Uint8Array => address.subarray(12);
const NETWORK_BITS = 32;

interface Bound {
  readonly eip: EipConfig;
  readonly havip: HavipRecord;
}

export class Eips {
  constructor(
    private readonly maps: Maps,
    private readonly definitions: Definitions,
  ) {}

  /** Errors: FAILED where the maps have no room for them. */
  refuseTooMany(eips: readonly EipConfig[]): void {
    const room = this.maps.eips.maxEntries;
    if (eips.length <= room) return;
    throw new HavipError(
      'FAILED',
      `${eips.length} EIPs are configured; the loaded maps have room for ${room}`,
      {
        cure: 'raise capacity.havips and start havip again',
      },
    );
  }

  /** After the HAVIPs. What is inside first and what leads there last, so that nothing crosses half defined. */
  apply(config: Config): void {
    const bound = this.bind(config);
    const flagsOf = flagger(config, bound);
    write(this.maps.insides, this.insides(config));
    write(this.maps.publics, this.publics(bound, flagsOf));
    write(
      this.maps.eips,
      bound.map(({ eip, havip }): [EipKey, Eip] => [
        { address: quad(addressBytes(eip.address)) },
        {
          havip: this.definitions.keyOf(havip),
          network: this.definitions.subnets.networkId(eip.network),
          flags: flagsOf(havip, eip),
        },
      ]),
    );
  }

  private bind({ eips }: Config): Bound[] {
    if (eips.length === 0) return [];
    const byName = new Map<string, HavipRecord>();
    for (const havip of this.definitions.all().values())
      byName.set(`${havip.subnet.config.network} ${havip.config.address}`, havip);
    return eips.flatMap((eip) => {
      const havip = byName.get(`${eip.network} ${eip.havip}`);
      return havip ? [{ eip, havip }] : [];
    });
  }

  private insides({ subnets, eips }: Config): [Inside, number][] {
    const open = new Set(eips.map(({ network }) => network));
    return subnets
      .filter(({ network }) => open.has(network))
      .flatMap(({ network, cidrs }) =>
        cidrs.flatMap((text): [Inside, number][] => {
          const cidr = parseCidr(text);
          if (cidr?.family !== 4) return [];
          const { first, prefix } = cidr;
          const id = swapped(this.definitions.subnets.networkId(network));
          return [[{ prefix: NETWORK_BITS + prefix, network: id, address: quad(first) }, 1]];
        }),
      );
  }

  /** What leaves as several leaves as the first. */
  private publics(bound: readonly Bound[], flagsOf: ReturnType<typeof flagger>): [Key, Public][] {
    const seen = new Set<number>();
    return bound.flatMap(({ eip, havip }): [Key, Public][] => {
      if (seen.has(havip.id)) return [];
      seen.add(havip.id);
      const network = this.definitions.subnets.networkId(eip.network);
      const row = {
        eip: quad(addressBytes(eip.address)),
        havip: havip.id,
        network,
        flags: flagsOf(havip, eip),
      };
      return [[this.definitions.keyOf(havip), row]];
    });
  }
}

function flagger(
  { subnets }: Config,
  bound: readonly Bound[],
): (havip: HavipRecord, eip: EipConfig) => number {
  const here = new Set(subnets.filter(({ gateways }) => gateways.length).map(({ network }) => network));
  const counts = new Map<number, number>();
  for (const { havip } of bound) counts.set(havip.id, (counts.get(havip.id) ?? 0) + 1);
  return ({ id }, { egress, network }) =>
    ((counts.get(id) ?? 0) > 1 ? PUBLIC_FLAGS.MANY : 0) |
    (egress === 'holder' ? PUBLIC_FLAGS.HOLDER : 0) |
    (here.has(network) ? 0 : PUBLIC_FLAGS.AWAY);
}

/** Network order in a field that is read in the host's. */
function swapped(value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.readUInt32LE();
}

interface Rows<K, V> {
  entries(): Iterable<[K, V]>;
  set(key: K, value: V): void;
  delete(key: K): boolean;
}

/** Makes a map say just this. What is in it unchanged is written again: that costs a microsecond, and nobody waits. */
function write<K extends object, V>(map: Rows<K, V>, rows: readonly (readonly [K, V])[]): void {
  const nameOf = (key: K): string =>
    JSON.stringify(key, (_, v: unknown) => (v instanceof Uint8Array ? [...v] : v));
  const wanted = new Set(rows.map(([key]) => nameOf(key)));
  const stale = [...map.entries()].map(([key]) => key).filter((key) => !wanted.has(nameOf(key)));
  for (const key of stale) map.delete(key);
  for (const [key, value] of rows) map.set(key, value);
}
