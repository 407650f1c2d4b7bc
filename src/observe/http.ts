// SPDX-License-Identifier: BSD-2-Clause
// The metrics port: /metrics and /healthz over plain HTTP, on loopback unless the operator says otherwise.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { HavipError } from '../errors.js';

/** What the two pages say. */
export interface HttpPages {
  /** Pieces of the exposition text, so that a large one is neither held nor sent at once. */
  metrics(): AsyncIterable<string>;
  /** Becomes JSON. */
  health(): Readonly<Record<string, unknown>>;
}

export interface Listening {
  /** host:port as it was bound; brackets around IPv6. */
  readonly address: string;
  stop(): void;
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Errors: FAILED or PERMISSION, naming the address. */
export async function serveHttp(
  listen: { host: string; port: number },
  pages: HttpPages,
): Promise<Listening> {
  const server = createServer((request, response) => {
    answer(request, response, pages).catch(() => response.destroy());
  });
  await bind(server, listen);
  const { port } = server.address() as AddressInfo;
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { address: hostPort(listen.host, port), stop };
}

const hostPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

async function bind(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw listenError(hostPort(host, port), cause);
  }
}

function listenError(address: string, cause: unknown): HavipError {
  const { code, message } = HavipError.from(cause);
  const taken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
  const why = taken ? 'another process listens there' : message;
  const cure = `choose another address under metrics.listen, or find the process: ss -ltnp 'sport = :${address.split(':').pop()}'`;
  return new HavipError(code, `cannot serve metrics on ${address}: ${why}`, {
    cause,
    ...(taken && { cure }),
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, pages: HttpPages): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://localhost').pathname;
  if (request.method !== 'GET' && request.method !== 'HEAD') return plain(response, 405, 'only GET');
  if (path === '/healthz') return json(response, pages.health());
  if (path === '/metrics') return stream(request, response, pages.metrics());
  plain(response, 404, 'see /metrics and /healthz');
}

function plain(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain' }).end(`${text}\n`);
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
