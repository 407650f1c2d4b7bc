// SPDX-License-Identifier: BSD-2-Clause
// Who may ask for the page. A foreign site's name that is made to resolve to loopback (DNS rebinding) would let its
// scripts read what is here, in the browser of whoever visits it: so only names that mean this daemon are answered.
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/**
 * Whether a Host header means us: a loopback name, the configured host, or the address that the connection came
 * in by. The port is free, since `ssh -L 8080:localhost:9478` changes it and rebinding cannot.
 * @param bound As configured, without brackets. @param local The socket's own address.
 */
export function isOurHost(header: string | undefined, bound: string, local: string | undefined): boolean {
  const host = hostOf(header);
  if (host === null) return false;
  return (
    host === 'localhost' || isLoopback(host) || host === canonical(bound) || host === canonical(local ?? '')
  );
}

/** Without port, brackets and the closing dot; null for what is no host. */
function hostOf(header: string | undefined): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+?))\.?(?::\d{1,5})?$/i.exec(header ?? '');
  const host = match?.[1] ?? match?.[2];
  return host === undefined ? null : canonical(host);
}

/** An IPv4 address in IPv6 clothes is the IPv4 address. */
function canonical(host: string): string {
  const lower = host.toLowerCase();
  return isIP(lower) === 6 ? lower.replace(/^::ffff:(?=\d+\.)/, '') : lower;
}

const isLoopback = (host: string): boolean => (isIP(host) === 4 && host.startsWith('127.')) || host === '::1';

/**
 * Whether a browser says that another site's page makes this request in the background. It could not read the
 * answer, but it could use up the streams. Following a link to the page is no such request.
 */
export function isForeign(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  return headers['sec-fetch-mode'] !== 'navigate' || headers['sec-fetch-dest'] !== 'document';
}
