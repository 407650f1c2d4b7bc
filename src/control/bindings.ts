// SPDX-License-Identifier: BSD-2-Clause
// The model's binding <-> the row of the `bindings` map. A row is written whole: the map's update replaces the element.
import type { Binding, Holder } from '../holders/rules.js';
import type { Binding as BindingRow, Holder as HolderRow } from '../kernel/layout.gen.js';
import { formatMac, parseMac } from '../net/addresses.js';

export const NOBODY: HolderRow = { mac: new Uint8Array(6), port: 0 };

/** A host sees few MACs and sees them often; a flood of forged ones must not grow this. */
const MACS_MAX = 4096;
const macs = new Map<string, Uint8Array>();

export function toRow(havip: number, { holder, former, sinceNs, moves, by }: Binding): BindingRow {
  return { holder: holderRow(holder), former: holderRow(former), sinceNs, havip, moves, by, reserved: 0 };
}

export function fromRow({ holder, former, sinceNs, moves, by }: BindingRow): Binding {
  return { holder: holderOf(holder), former: holderOf(former), sinceNs, moves, by };
}

/** null for slot 0: nobody. */
export function holderOf({ mac, port }: HolderRow): Holder | null {
  return port === 0 ? null : { port, mac: formatMac(mac) };
}

export function holderRow(holder: Holder | null): HolderRow {
  return holder ? { mac: macBytes(holder.mac), port: holder.port } : NOBODY;
}

function macBytes(text: string): Uint8Array {
  const known = macs.get(text);
  if (known) return known;
  const mac = parseMac(text) ?? NOBODY.mac;
  if (macs.size >= MACS_MAX) macs.clear();
  macs.set(text, mac);
  return mac;
}
