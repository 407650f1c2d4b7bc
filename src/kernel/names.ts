// SPDX-License-Identifier: BSD-2-Clause
// Words for the numbers of bpf/havip.h, derived from its enums, and the fixed text fields of its structs.
import { CLAIM_KIND, CLAIM_RESULT, PORT_KIND, REASON } from './layout.gen.js';

export type PortKind = 'vnic' | 'uplink' | 'host' | 'gateway';

/** `PASS_NOT_IP` -> `pass-not-ip`. */
export const kebab = (name: string): string => name.toLowerCase().replaceAll('_', '-');

/** Names by number of an enum of bpf/havip.h. `counted`: its last member is how many there are, and no name. */
function namesOf(members: Readonly<Record<string, number>>, counted: boolean): readonly string[] {
  const ordered = Object.entries(members).sort(([, a], [, b]) => a - b);
  if (counted) ordered.pop();
  return ordered.map(([name]) => name);
}

export const PORT_KIND_NAMES = namesOf(PORT_KIND, false).map(kebab) as readonly PortKind[];
/** `none`, `arp-request`, ... by enum havip_claim_kind. */
export const CLAIM_KIND_NAMES = namesOf(CLAIM_KIND, true).map(kebab);
/** `refresh`, `refused-not-member`, ... by enum havip_claim_result. */
export const CLAIM_RESULT_NAMES = namesOf(CLAIM_RESULT, true).map(kebab);
/** By enum havip_reason. Shape: `verdict` is its first word, `reason` the rest: { pass, not-ip }. */
export const REASONS = namesOf(REASON, true).map((name) => {
  const [verdict = '', ...rest] = kebab(name).split('-');
  return { verdict, reason: rest.join('-') };
});

/** Text in a fixed field of a map: up to the first NUL. */
export function fieldText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}

/** Text for a fixed field: NUL-terminated, so at most `bytes - 1` bytes of it. */
export function fieldBytes(text: string, bytes: number): Uint8Array {
  const out = Buffer.alloc(bytes);
  out.write(text, 0, bytes - 1, 'utf8');
  return out;
}

const REFUSED = 'refused-';

export const isRefusal = (result: number): boolean =>
  CLAIM_RESULT_NAMES[result]?.startsWith(REFUSED) ?? false;

/** `not-member` for REFUSED_NOT_MEMBER. */
export const refusalName = (result: number): string =>
  (CLAIM_RESULT_NAMES[result] ?? `result-${result}`).replace(REFUSED, '');

export const kindName = (kind: number): string => CLAIM_KIND_NAMES[kind] ?? `kind-${kind}`;
