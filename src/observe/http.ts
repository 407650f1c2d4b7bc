// SPDX-License-Identifier: BSD-2-Clause
// The metrics port: /metrics and /healthz over plain HTTP, on loopback unless the operator says otherwise.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Listen } from '../config/types.js';
import { listenHttp, onlyReads, pathOf, plain, type Listening } from './http-server.js';

/** What the two pages say. */
export interface HttpPages {
  /** Pieces of the exposition text, so that a large one is neither held nor sent at once. */
  metrics(): AsyncIterable<string>;
  /** Becomes JSON. */
  health(): Readonly<Record<string, unknown>>;
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const PURPOSE = { what: 'metrics', key: 'metrics.listen' };

/** Errors: FAILED or PERMISSION, naming the address. */
export function serveHttp(listen: Listen, pages: HttpPages): Promise<Listening> {
  return listenHttp(listen, PURPOSE, (request, response) => answer(request, response, pages));
}

async function answer(request: IncomingMessage, response: ServerResponse, pages: HttpPages): Promise<void> {
  const path = pathOf(request).pathname;
  if (!onlyReads(request)) return plain(response, 405, 'only GET');
  if (path === '/healthz') return json(response, pages.health());
  if (path === '/metrics') return stream(request, response, pages.metrics());
  plain(response, 404, 'see /metrics and /healthz');
}

function json(response: ServerResponse, body: Readonly<Record<string, unknown>>): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

async function stream(
  request: IncomingMessage,
  response: ServerResponse,
  pieces: AsyncIterable<string>,
): Promise<void> {
  response.writeHead(200, { 'content-type': METRICS_TYPE });
  if (request.method === 'HEAD') return void response.end();
  for await (const piece of pieces) {
    if (response.destroyed) return;
    if (!response.write(piece)) await roomOrGone(response);
  }
  response.end();
}

/** A scraper that has gone never drains. */
function roomOrGone(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.once('drain', done).once('close', done);
  });
}
