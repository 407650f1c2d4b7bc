// SPDX-License-Identifier: BSD-2-Clause
// The status page's server: its files, and one stream of states. It reads and tells; nothing can be changed by it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Listen } from '../../config/types.js';
import { HavipError } from '../../errors.js';
import { listenHttp, onlyReads, pathOf, plain, type Listening } from '../http-server.js';
import { Broadcast, MAX_VIEWERS } from './broadcast.js';
import { readPageFiles, type PageFile } from './files.js';
import { isForeign, isOurHost } from './hosts.js';
import { parsePageQuery } from './query.js';
import type { PageView } from './view.js';

const PURPOSE = { what: 'the status page', key: 'web.listen' };

/** Nothing but what we serve, nothing inline, and no frame around it. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    ...['script-src', 'style-src', 'img-src', 'connect-src'].map((kind) => `${kind} 'self'`),
    ...['base-uri', 'form-action', 'frame-ancestors'].map((kind) => `${kind} 'none'`),
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
};

/** Errors: FAILED or PERMISSION, naming the address. */
export async function servePage(
  listen: Listen,
  view: PageView,
  onFault: (error: HavipError) => void,
): Promise<Listening> {
  const site = { files: readPageFiles(), broadcast: new Broadcast(view, onFault), host: listen.host };
  const listening = await listenHttp(listen, PURPOSE, (request, response) => answer(site, request, response));
  const stop = (): void => {
    site.broadcast.stop();
    listening.stop();
  };
  return { address: listening.address, stop };
}

interface Site {
  readonly files: ReadonlyMap<string, PageFile>;
  readonly broadcast: Broadcast;
  readonly host: string;
}

function answer(site: Site, request: IncomingMessage, response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  const refusal = refuse(site, request);
  if (refusal) return plain(response, ...refusal);
  const { pathname, searchParams } = pathOf(request);
  if (pathname === '/stream') return stream(site, request, response, searchParams);
  const file = site.files.get(pathname);
  if (!file) return plain(response, 404, 'nothing is served here; the page is at /');
  response.setHeader('content-length', file.body.length);
  response
    .writeHead(200, { 'content-type': file.type })
    .end(request.method === 'HEAD' ? undefined : file.body);
}

function refuse({ host }: Site, request: IncomingMessage): readonly [number, string] | null {
  const { headers, socket } = request;
  if (!isOurHost(headers.host, host, socket.localAddress))
    return [
      421,
      'this is the status page of havip: ask for it as localhost, or by the address that web.listen has',
    ];
  if (isForeign(headers)) return [403, 'the status page of havip is not for the scripts of other sites'];
  if (!onlyReads(request)) return [405, 'the status page only reads: GET and HEAD'];
  return null;
}

function stream(
  { broadcast }: Site,
  request: IncomingMessage,
  response: ServerResponse,
  search: URLSearchParams,
): void {
  const query = queryOf(search);
  if (query instanceof HavipError) return plain(response, 400, query.message);
  if (broadcast.full) {
    response.setHeader('retry-after', '10');
    return plain(response, 503, `${MAX_VIEWERS} status pages are open already: close one`);
  }
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  if (request.method === 'HEAD') return void response.end();
  response.flushHeaders();
  const seat = broadcast.add(query, response);
  response.on('drain', () => seat.drained());
  response.on('close', () => seat.gone());
}

function queryOf(search: URLSearchParams): ReturnType<typeof parsePageQuery> | HavipError {
  try {
    return parsePageQuery(search);
  } catch (thrown) {
    return HavipError.from(thrown);
  }
}
