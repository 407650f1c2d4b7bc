// SPDX-License-Identifier: BSD-2-Clause
// The pinned maps of a lab's daemon, read and written by a test from outside: for what no announcement can say yet,
// and for looking behind the status.
import type { Lab } from '../../src/lab/lab.js';
import type { Binding, Holder, Key } from '../../src/kernel/layout.gen.js';
import type { Tables } from '../../src/kernel/maps.js';
import { closeTables } from '../../src/kernel/maps.js';
import { fieldText } from '../../src/kernel/names.js';
import { openPinnedTables } from '../../src/kernel/reader.js';
import { holdersIn } from '../../src/kernel/steering.js';
import { formatAddress, parseMac } from '../../src/net/addresses.js';
import { pinPath, type Host } from './daemon.js';

export async function withTables<T>(lab: Host, use: (tables: Tables) => T): Promise<T> {
  const tables = openPinnedTables(await pinPath(lab));
  try {
    return use(tables);
  } finally {
    closeTables(tables);
  }
}

/** The slot of a port that is served now. */
export function slotOf(tables: Tables, port: string): number {
  for (const [slot, target] of tables.targets.entries()) {
    if (target.ifindex !== 0 && fieldText(target.name) === port) return slot;
  }
  throw new Error(`no slot has the port ${port}`);
}

export function bindingOf(tables: Tables, address: string): [Key, Binding] {
  for (const [key, binding] of tables.bindings.entries()) {
    if (formatAddress(key.address) === address) return [key, binding];
  }
  throw new Error(`no binding of ${address}`);
}

/** Nobody else may write there meanwhile; the loader would have the programs do it. */
export function steerTo({ steering }: Tables, havip: number, holder: Holder): void {
  for (const [at, bucket] of [...steering.entries()]) {
    const place = holdersIn(bucket).find(([one]) => at !== 0 && one === havip);
    if (!place) continue;
    const word = bucket.holders.indexOf(place[1]);
    steering.set(at, { ...bucket, holders: bucket.holders.with(word, holder) });
  }
}

/** Writes the binding row that an announcement would have led to. */
export function bindByHand(lab: Lab, address: string, guest: string): Promise<void> {
  return bindAt(lab, address, lab.port(guest), lab.mac(guest));
}

export async function bindAt(host: Host, address: string, port: string, text: string): Promise<void> {
  await withTables(host, (tables) => {
    const [key, binding] = bindingOf(tables, address);
    const mac = parseMac(text);
    if (mac === null) throw new Error(`${text} is no MAC`);
    const holder = { mac, port: slotOf(tables, port) };
    const sinceNs = process.hrtime.bigint();
    tables.bindings.set(key, { ...binding, holder, former: holder, sinceNs });
    steerTo(tables, binding.havip, holder);
  });
}
