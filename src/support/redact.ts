// SPDX-License-Identifier: BSD-2-Clause
// What must not leave the host with a bundle: values of keys that look like secrets; and, on request, addresses. Pure.
import { isIPv4, isIPv6 } from 'node:net';
import { parse, stringify } from 'yaml';

const SECRET_KEY = /passw|passphrase|token|secret|credential|private|auth|(^|[^a-z])key|Key/;
export const REDACTED = '<redacted>';

const isSecret = (key: string): boolean => SECRET_KEY.test(key) || SECRET_KEY.test(key.toLowerCase());

/** A configuration without its secrets and its comments, which can hold old ones. Never throws. */
export function redactConfig(text: string): string {
  try {
    return stringify(withoutSecrets(parse(text)));
  } catch {
    return redactLines(text);
  }
}

function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return withoutUrlSecret(value);
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).map(([key, member]) => [
    key,
    isSecret(key) ? REDACTED : withoutSecrets(member),
  ]);
  return Object.fromEntries(members) as unknown;
}

/** https://user:password@host */
const withoutUrlSecret = (text: string): string =>
  text.replace(/(:\/\/[^\s/@:]*):[^\s/@]*@/g, `$1:${REDACTED}@`);

/** Of a file that is no YAML: the line of such a key, and what is indented below it. */
function redactLines(text: string): string {
  let below: number | null = null;
  const lines = text.split('\n').map((line) => {
    const indent = line.search(/\S/);
    if (below !== null && (indent > below || indent < 0)) return null;
    const body = line.replace(/(^|\s)#.*/, '');
    below = isSecret(body) ? indent : null;
    return below === null ? withoutUrlSecret(body) : `${' '.repeat(indent)}${REDACTED}`;
  });
  return lines.filter((line) => line !== null).join('\n');
}

/** Put in the place of addresses, the same for the same, so that who talks to whom can still be followed. */
export class AddressMask {
  private readonly names = new Map<string, string>();
  private readonly counts = new Map<string, number>();

  apply(text: string): string {
    return text
      .replace(/\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/gi, (mac) => this.maskMac(mac.toLowerCase()))
      .replace(/(?<![\w.:])[0-9a-f]*:[0-9a-f:.]*[0-9a-f:](?![\w:])/gi, (found) => this.maskIpv6(found))
      .replace(/(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)/g, (found) => this.maskIpv4(found));
  }

  private maskMac(mac: string): string {
    return mac === '00:00:00:00:00:00' || mac === 'ff:ff:ff:ff:ff:ff' ? mac : this.nameOf('mac', mac);
  }

  /** Loopback, "any" and prefixes of nothing say nothing about anybody. */
  private maskIpv4(found: string): string {
    if (!isIPv4(found) || /^(0|127|255)\./.test(found)) return found;
    return this.nameOf('ipv4', found);
  }

  private maskIpv6(found: string): string {
    if (!isIPv6(found) || found === '::' || found === '::1') return found;
    return this.nameOf('ipv6', found.toLowerCase());
  }

  private nameOf(kind: string, address: string): string {
    const known = this.names.get(address);
    if (known !== undefined) return known;
    const count = (this.counts.get(kind) ?? 0) + 1;
    this.counts.set(kind, count);
    const name = `${kind}-${count}`;
    this.names.set(address, name);
    return name;
  }
}
