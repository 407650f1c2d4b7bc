// SPDX-License-Identifier: BSD-2-Clause
// The control API's server: gRPC over a Unix socket, in the worker. Listens by itself, since grpc-js counts no
// connections; what is said is the handlers'.
import { createServer, type Server as SocketServer } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HavipError } from '../errors.js';
import { handlers } from './handlers.js';
import { LIMITS, newGates } from './limits.js';
import { addReflection } from './reflection.js';
import { SERVICE } from './service.js';
import { admitGroup, clearPlace } from './socket.js';
import type { ApiSource } from './types.js';

/** Connections that the kernel keeps until they are accepted: a burst of clients is not turned away. */
const BACKLOG = 1024;

export class ApiServer {
  private constructor(
    private readonly server: Server,
    private readonly listener: SocketServer,
    private readonly injector: ReturnType<Server['createConnectionInjector']>,
  ) {}

  /** Errors: FAILED when a living daemon answers on the socket; PERMISSION where we may not bind. */
  static async start(socket: string, source: ApiSource, limits = LIMITS): Promise<ApiServer> {
    await clearPlace(socket);
    const server = new Server(limits.options);
    server.addService(SERVICE, handlers(source, newGates()));
    await addReflection(server);
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    const listener = createServer((connection) => injector.injectConnection(connection));
    listener.maxConnections = limits.connections;
    await listen(listener, socket);
    admitGroup(socket);
    return new ApiServer(server, listener, injector);
  }

  /** Ends every call, event streams included, and removes the socket. */
  stop(): void {
    this.listener.close();
    // Without channelz, forceShutdown knows no sessions.
    this.injector.drain(0);
    this.server.forceShutdown();
  }
}

function listen(listener: SocketServer, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', (error) => {
      const { code, message } = HavipError.from(error);
      reject(new HavipError(code, `cannot listen on ${path}: ${message}`, { cause: error }));
    });
    listener.listen({ path, backlog: BACKLOG }, resolve);
  });
}
