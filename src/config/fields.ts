// SPDX-License-Identifier: BSD-2-Clause
// The smallest parts of the configuration: names, addresses, durations, paths. Each is a zod schema whose
// description says what is allowed; the same words appear in messages and in the JSON Schema.
import { isIP } from 'node:net';
import { z } from 'zod';
import { formatCidr, parseAddress, parseCidr, parseMac } from '../net/addresses.js';

/** What is wrong with one value. Shape: `why` completes "which ..."; `cure` is an order to the reader. */
export interface Fault {
  readonly why?: string;
  readonly cure?: string;
}

/** Longest path that fits `sun_path` of a Unix socket, without its closing 0. */
export const MAX_SOCKET_PATH_BYTES = 107;

function text(allowed: string, faultOf: (value: string) => Fault | null, json: object = {}): z.ZodString {
  const checked = z.string().superRefine((value, ctx) => {
    const fault = faultOf(value);
    if (fault !== null) ctx.addIssue({ code: 'custom', params: { ...fault } });
  });
  return checked.meta({ ...json, description: allowed });
}

/** One of the words; `meanings` gives each its half sentence. */
export function choice<const T extends string>(
  words: readonly T[],
  allowed: string,
): z.ZodEnum<{ [K in T]: K }> {
  return z.enum(words).meta({ description: allowed });
}

export function wholeNumber(min: number, max: number, unit: string): z.ZodNumber {
  return z
    .number()
    .int()
    .min(min)
    .max(max)
    .meta({ description: `a whole number of ${unit}, ${min} to ${max}` });
}

/** Name of a network or subnet: it becomes a metric label and an argument on a command line. */
export const name = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,63}$/)
  .meta({ description: '1 to 63 of the characters A-Z a-z 0-9 . _ -' });

/** What the kernel takes for an interface (`dev_valid_name`): no slash, no colon, no white space, neither "." nor "..". */
export const interfaceName = z
  .string()
  .regex(/^(?!\.{1,2}$)[!-.0-9;-~]{1,15}$/)
  .meta({
    description: 'the name of an interface: 1 to 15 printable characters without "/", ":" and white space',
  });

export const interfacePattern = z
  .string()
  .regex(/^[!-.0-9;-~]{1,15}$/)
  .meta({ description: 'the name of a port, or a glob with * and ?, of 1 to 15 printable characters' });

export const address = text('an IPv4 or IPv6 address without prefix length', addressFault, {
  anyOf: ['ipv4', 'ipv6'].map((format) => ({ type: 'string', format })),
});

function addressFault(value: string): Fault | null {
  if (parseAddress(value) !== null) return null;
  if (value.includes('/')) return { why: 'has a prefix length', cure: 'the subnet\'s "cidr" gives it' };
  return spellingFault(value);
}

/** The spellings that other programs take, and why this one does not. */
function spellingFault(value: string): Fault {
  if (/^\d+(\.\d+){3}$/.test(value) && /(^|\.)0\d/.test(value)) {
    return { why: 'has leading zeros', cure: 'some programs read them as octal, write the number without' };
  }
  if (value.includes('%')) return { why: 'has a zone', cure: 'leave it out: the bridge says which link' };
  if (isIP(value) === 6) return { why: 'is an IPv4 address in IPv6 spelling', cure: 'write it as a.b.c.d' };
  return {};
}

export const cidr = text('address/prefix, such as 10.0.1.0/24 or fd00:1::/64', cidrFault, {
  pattern: '^[0-9A-Fa-f.:]+/[0-9]{1,3}$',
});

function cidrFault(value: string): Fault | null {
  const parsed = parseCidr(value);
  const [host = '', prefix] = value.split('/');
  if (parsed === null) return prefix === undefined ? { why: 'has no prefix length' } : spellingFault(host);
  const hostless = formatCidr(parsed);
  const same = formatCidr({ ...parsed, first: parseAddress(host)?.bytes ?? parsed.first }) === hostless;
  return same ? null : { why: 'has host bits set', cure: `write ${hostless}` };
}

export const stationMac = text(
  'the MAC of one station, such as 02:00:00:00:00:01',
  (value) => {
    const bytes = parseMac(value);
    if (bytes === null) return {};
    const isGroup = ((bytes[0] ?? 0) & 1) === 1;
    return isGroup || bytes.every((byte) => byte === 0) ? { why: "is no single station's" } : null;
  },
  { pattern: '^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$' },
);

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };
const WINDOW_MS = { min: 100, max: 3_600_000 } as const;

/** `10s`, `500ms`, `2m`. Unit of the result: milliseconds. Errors: null for anything else. */
export function parseDuration(value: string): number | null {
  const match = /^(\d{1,9})(ms|s|m)$/.exec(value);
  return match === null ? null : Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? Number.NaN);
}

export const window = text(
  'a duration of 100ms to 60m: a whole number and ms, s or m',
  (value) => {
    const ms = parseDuration(value);
    return ms !== null && ms >= WINDOW_MS.min && ms <= WINDOW_MS.max ? null : {};
  },
  { pattern: '^[0-9]{1,9}(ms|s|m)$' },
);

export const folder = text('an absolute path', (value) => (isAbsolute(value) ? null : {}), { pattern: '^/' });

export const socketPath = text(
  `an absolute path of at most ${MAX_SOCKET_PATH_BYTES} bytes`,
  (value) => (isAbsolute(value) && Buffer.byteLength(value) <= MAX_SOCKET_PATH_BYTES ? null : {}),
  { pattern: '^/', maxLength: MAX_SOCKET_PATH_BYTES },
);

function isAbsolute(value: string): boolean {
  return value.startsWith('/') && !value.includes('\0');
}

/**
 * Reads `metrics.listen`. Shape: `host` without brackets; `port` 0..65535, 0: the kernel picks; 'off': do not listen.
 * Errors: null for anything else.
 */
export function parseListen(value: string): { host: string; port: number } | 'off' | null {
  if (value === 'off') return 'off';
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(0|[1-9]\d{0,4})$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return null;
  const [, bracketed, plain = ''] = match;
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? { host: bracketed, port } : null;
  return isHost(plain) ? { host: plain, port } : null;
}

/** An IPv4 address, or a host name; a name made of digits and dots would be a mistyped address. */
function isHost(value: string): boolean {
  return isIP(value) === 4 || (/^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$/.test(value) && !/^[\d.]+$/.test(value));
}

export const listen = text(
  'host:port (port 0 picks a free one), such as 127.0.0.1:9477 or [::]:9477, or off',
  (value) => (parseListen(value) === null ? {} : null),
  { pattern: '^(off|.+:[0-9]{1,5})$' },
);
