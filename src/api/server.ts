// SPDX-License-Identifier: BSD-2-Clause
// The control API's server: gRPC over a Unix socket, in the worker. Knows how to talk; what to say is the source's.
import {
  Server,
  ServerCredentials,
  status,
  type handleUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HavipError, type ErrorCode } from '../errors.js';
import { havip } from './havip.gen.js';
import { SERVICE, target } from './service.js';
import { admitGroup, clearPlace } from './socket.js';
import { Subscriber } from './subscriber.js';
import type { ApiSource, DossierQuery, HavipQuery } from './types.js';
import { toWireDossier } from './wire-dossier.js';
import { fromWire64, toWireDaemon, toWireEvents, toWireHavip } from './wire.js';
import v1 = havip.v1;

/** Rows a message: about 200 KB, far below grpc-js's limit of 4 MB. */
const PAGE_ROWS = 1000;

const STATUS_BY_CODE: Record<ErrorCode, status> = {
  FAILED: status.INTERNAL,
  USAGE: status.INVALID_ARGUMENT,
  PERMISSION: status.PERMISSION_DENIED,
  NOT_RUNNING: status.UNAVAILABLE,
};

export class ApiServer {
  private constructor(private readonly server: Server) {}

  /** Errors: FAILED when a living daemon answers on the socket; PERMISSION where we may not bind. */
  static async start(socket: string, source: ApiSource): Promise<ApiServer> {
    await clearPlace(socket);
    const server = new Server();
    server.addService(SERVICE, handlers(source));
    await bind(server, socket);
    admitGroup(socket);
    return new ApiServer(server);
  }

  /** Ends every call, event streams included, and removes the socket. */
  stop(): void {
    this.server.forceShutdown();
  }
}

function bind(server: Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.bindAsync(target(socket), ServerCredentials.createInsecure(), (error) => {
      if (!error) return resolve();
      reject(new HavipError('FAILED', `cannot listen on ${socket}: ${error.message}`, { cause: error }));
    });
  });
}

function handlers(source: ApiSource): UntypedServiceImplementation {
  return {
    listHavips: (call: HavipStream) => void streamHavips(call, source),
    events: (call: EventStream) => streamEvents(call, source),
    listDossiers: (call: DossierStream) => void streamDossiers(call, source),
    getDaemon: unary(() => toWireDaemon(source.daemon())),
    reload: unary(async () => ({ problems: [...(await source.reload())] })),
  };
}

function unary<Request, Reply>(
  answer: (request: Request) => Reply | Promise<Reply>,
): handleUnaryCall<Request, Reply> {
  return (call, callback) => {
    Promise.resolve(call.request)
      .then(answer)
      .then((reply) => callback(null, reply))
      .catch((thrown: unknown) => callback(toStatus(thrown)));
  };
}

function toStatus(thrown: unknown): { code: status; details: string } {
  const error = HavipError.from(thrown);
  return { code: STATUS_BY_CODE[error.code], details: error.message };
}

type HavipStream = ServerWritableStream<v1.ListHavipsRequest.$Properties, v1.HavipPage.$Properties>;
type DossierStream = ServerWritableStream<v1.ListDossiersRequest.$Properties, v1.DossierPage.$Properties>;
type EventStream = ServerWritableStream<v1.EventsRequest.$Properties, v1.EventBatch.$Properties>;

/** Waits for the reader between pages, which also lets the worker do something else. */
async function streamHavips(call: HavipStream, source: ApiSource): Promise<void> {
  try {
    for (const page of pages(source.listHavips(toQuery(call.request)))) {
      if (call.cancelled) return;
      if (!call.write({ havips: page.map(toWireHavip) })) await drain(call);
    }
    call.end();
  } catch (thrown) {
    call.emit('error', toStatus(thrown));
  }
}

function toQuery(request: v1.ListHavipsRequest.$Properties): HavipQuery {
  const { address, network, subnet } = request;
  return { ...(address && { address }), ...(network && { network }), ...(subnet && { subnet }) };
}

/** A dossier is about 600 bytes; the worker holds a few thousand at most. */
async function streamDossiers(call: DossierStream, source: ApiSource): Promise<void> {
  try {
    for (const page of pages(source.dossiers(toDossierQuery(call.request)))) {
      if (call.cancelled) return;
      if (!call.write({ dossiers: page.map(toWireDossier) })) await drain(call);
    }
    call.end();
  } catch (thrown) {
    call.emit('error', toStatus(thrown));
  }
}

function toDossierQuery(request: v1.ListDossiersRequest.$Properties): DossierQuery {
  const { address, network, last } = request;
  const id = Number(fromWire64(request.id ?? 0));
  return {
    ...(id && { id }),
    ...(address && { address }),
    ...(network && { network }),
    ...(last && { last }),
  };
}

function* pages<Row>(rows: Iterable<Row>): Generator<Row[]> {
  let page: Row[] = [];
  for (const row of rows) {
    if (page.push(row) < PAGE_ROWS) continue;
    yield page;
    page = [];
  }
  if (page.length) yield page;
}

/** A reader that has gone never drains: 'cancelled' and 'close' end the wait too. */
function drain(call: HavipStream | DossierStream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const name of ['drain', 'cancelled', 'close']) call.off(name, done);
      resolve();
    };
    for (const name of ['drain', 'cancelled', 'close']) call.once(name, done);
  });
}

function streamEvents(call: EventStream, source: ApiSource): void {
  const { follow = false, afterSeq } = call.request;
  const kept = source.history.after(Number(fromWire64(afterSeq ?? 0)));
  const subscriber = new Subscriber((delivery) => call.write(toWireEvents(delivery)), kept.lost);
  const unsubscribe = follow ? source.history.subscribe((events) => subscriber.push(events)) : null;
  call.on('drain', () => {
    subscriber.drained();
    if (!follow && subscriber.idle) call.end();
  });
  call.on('cancelled', () => unsubscribe?.());
  call.on('close', () => unsubscribe?.());
  subscriber.push(kept.events);
  if (!follow && subscriber.idle) call.end();
}
