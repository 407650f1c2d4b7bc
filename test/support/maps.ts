// SPDX-License-Identifier: BSD-2-Clause
// The pinned maps of a lab's daemon, read and written by a test from outside: for what no announcement can say yet,
// and for looking behind the status.
import type { Lab } from '../../src/lab/lab.js';
import type { Binding, Key } from '../../src/kernel/layout.gen.js';
import type { Tables } from '../../src/kernel/maps.js';
import { closeTables } from '../../src/kernel/maps.js';
import { fieldText } from '../../src/kernel/names.js';
import { openPinnedTables } from '../../src/kernel/reader.js';
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
    tables.bindings.set(key, { ...binding, holder, former: holder, sinceNs: process.hrtime.bigint() });
  });
}
