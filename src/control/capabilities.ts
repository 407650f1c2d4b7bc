// SPDX-License-Identifier: BSD-2-Clause
// Which of the kernel's capabilities this process has, and which one a daemon still needs: root is not asked for.
import { readFileSync } from 'node:fs';
import { HavipError } from '../errors.js';

/** Numbers of linux/capability.h, with what each is for here. */
const NEEDED = [
  { name: 'CAP_NET_ADMIN', bit: 12n, purpose: 'attach programs to network devices' },
  { name: 'CAP_NET_RAW', bit: 13n, purpose: 'ask the subnet who has an address' },
  { name: 'CAP_PERFMON', bit: 38n, purpose: 'load programs that read packets by pointer' },
  { name: 'CAP_BPF', bit: 39n, purpose: 'load programs and maps' },
] as const;
/** Before 5.8 there was no other; it still implies CAP_BPF and CAP_PERFMON. */
const SYS_ADMIN = 21n;
const IMPLIED: ReadonlySet<string> = new Set(['CAP_BPF', 'CAP_PERFMON']);

/** Names of what is missing. @param effective CapEff of /proc/PID/status: 16 hexadecimal digits. */
export function missingCapabilities(
  effective: string,
): { readonly name: string; readonly purpose: string }[] {
  const set = BigInt(`0x${effective}`);
  const has = (bit: bigint): boolean => ((set >> bit) & 1n) === 1n;
  return NEEDED.filter(({ name, bit }) => !has(bit) && !(IMPLIED.has(name) && has(SYS_ADMIN)));
}

/** Errors: PERMISSION, naming each that is missing and how to give them. */
export function requireCapabilities(status = readFileSync('/proc/self/status', 'utf8')): void {
  const missing = missingCapabilities(/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0');
  if (missing.length === 0) return;
  const why = missing.map(({ name, purpose }) => `${name} (to ${purpose})`).join(', ');
  const all = NEEDED.map(({ name }) => `+${name.slice('CAP_'.length).toLowerCase()}`).join(',');
  throw new HavipError('PERMISSION', `havip run lacks ${why}`, {
    cure: `sudo havip run ..., or as an ordinary user: sudo setpriv --reuid=USER --init-groups --inh-caps=${all} --ambient-caps=${all} havip run ...`,
  });
}
