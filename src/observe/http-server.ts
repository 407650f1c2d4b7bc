// SPDX-License-Identifier: BSD-2-Clause
// What the metrics port and the status page share: binding, the message when that fails, and short answers.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { Listen } from '../config/types.js';
import { HavipError } from '../errors.js';

export interface Listening {
  /** host:port as it was bound; brackets around IPv6. */
  readonly address: string;
  stop(): void;
}

/** A rejection ends the connection, and nothing else. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/** What is served, and the key of the configuration that says where: for the message of a failure. */
export interface HttpPurpose {
  readonly what: string;
  readonly key: string;
}

/** Errors: FAILED or PERMISSION, naming the address. */
export async function listenHttp(
  listen: Listen,
  purpose: HttpPurpose,
  handler: HttpHandler,
): Promise<Listening> {
  const server = createServer((request, response) => {
    void (async () => handler(request, response))().catch(() => response.destroy());
  });
  await bind(server, listen, purpose);
  const { port } = server.address() as AddressInfo;
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { address: hostPort(listen.host, port), stop };
}

const hostPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

async function bind(server: Server, { host, port }: Listen, purpose: HttpPurpose): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw listenError(hostPort(host, port), purpose, cause);
  }
}

function listenError(address: string, { what, key }: HttpPurpose, cause: unknown): HavipError {
  const { code, message } = HavipError.from(cause);
  const taken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
  const why = taken ? 'another process listens there' : message;
  const cure = `choose another address under ${key}, or find the process: ss -ltnp 'sport = :${address.split(':').pop()}'`;
  return new HavipError(code, `cannot serve ${what} on ${address}: ${why}`, {
    cause,
    ...(taken && { cure }),
  });
}

/** Of an address that nobody gave: the path is what counts. */
export const pathOf = (request: IncomingMessage): URL => new URL(request.url ?? '/', 'http://localhost');

export const onlyReads = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD';

export function plain(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
