// SPDX-License-Identifier: BSD-2-Clause
// The command line's side of the API: typed calls on the daemon's Unix socket, and errors that say what to do.
import { Client, credentials, status, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { HavipError, type ErrorCode } from '../errors.js';
import type { Dossier } from '../holders/dossier.js';
import type { MethodDefinition } from '@grpc/grpc-js';
import { SERVICE, target } from './service.js';
import { requireDaemon } from './socket.js';
import type { DaemonStatus, DossierQuery, EventDelivery, HavipQuery, HavipStatus } from './types.js';
import { fromWireDossier } from './wire-dossier.js';
import { fromWireDaemon, fromWireEvents, fromWireHavip, toWire64 } from './wire.js';

/** For calls with one answer. A daemon that takes longer is stuck, and the operator should know. */
const UNARY_DEADLINE_MS = 5_000;

const CODE_BY_STATUS: Partial<Record<status, ErrorCode>> = {
  [status.INVALID_ARGUMENT]: 'USAGE',
  [status.PERMISSION_DENIED]: 'PERMISSION',
};

export interface EventsQuery {
  readonly follow?: boolean;
  /** Only events with a greater seq. */
  readonly afterSeq?: bigint;
  /** Ends the stream without an error. */
  readonly signal?: AbortSignal;
}

export class ApiClient {
  private constructor(
    private readonly client: Client,
    private readonly socket: string,
  ) {}

  /** Errors: NOT_RUNNING when nobody answers, PERMISSION when we may not ask. */
  static async connect(socket: string): Promise<ApiClient> {
    await requireDaemon(socket);
    return new ApiClient(new Client(target(socket), credentials.createInsecure()), socket);
  }

  /** In no order. Empty where the filter matches none. */
  async listHavips(query: HavipQuery = {}): Promise<HavipStatus[]> {
    const rows: HavipStatus[] = [];
    for await (const page of this.havipPages(query)) rows.push(...page);
    return rows;
  }

  /** The same, for whoever need not hold the whole list. The signal ends it without an error. */
  async *havipPages(query: HavipQuery = {}, signal?: AbortSignal): AsyncGenerator<HavipStatus[]> {
    for await (const page of this.stream(SERVICE.listHavips, query, signal))
      yield (page.havips ?? []).map(fromWireHavip);
  }

  /** Ends with the history, or with `follow` only by its signal or an error. */
  async *events({ follow = false, afterSeq = 0n, signal }: EventsQuery = {}): AsyncGenerator<EventDelivery> {
    const request = { follow, afterSeq: toWire64(afterSeq) };
    for await (const batch of this.stream(SERVICE.events, request, signal)) yield fromWireEvents(batch);
  }

  /** Oldest first. Empty where the filter matches none. */
  async dossiers({ id = 0, ...query }: DossierQuery = {}): Promise<Dossier[]> {
    const found: Dossier[] = [];
    for await (const page of this.stream(SERVICE.listDossiers, { ...query, id })) {
      for (const dossier of page.dossiers ?? []) found.push(fromWireDossier(dossier));
    }
    return found;
  }

  async daemon(): Promise<DaemonStatus> {
    return fromWireDaemon(await this.unary(SERVICE.getDaemon, {}));
  }

  /** @returns What is wrong with the file, a line each; empty: it is in force. */
  async reload(): Promise<readonly string[]> {
    return (await this.unary(SERVICE.reload, {})).problems ?? [];
  }

  close(): void {
    this.client.close();
  }

  private unary<Request, Reply>(method: MethodDefinition<Request, Reply>, request: Request): Promise<Reply> {
    const { path, requestSerialize, responseDeserialize } = method;
    const options = { deadline: Date.now() + UNARY_DEADLINE_MS };
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        options,
        (error, reply) => {
          if (reply !== undefined && !error) resolve(reply);
          else reject(this.toError(error));
        },
      );
    });
  }

  private async *stream<Request, Reply>(
    method: MethodDefinition<Request, Reply>,
    request: Request,
    signal?: AbortSignal,
  ): AsyncGenerator<Reply> {
    const { path, requestSerialize, responseDeserialize } = method;
    const call = this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    const abort = (): void => call.cancel();
    signal?.addEventListener('abort', abort);
    try {
      yield* call as ClientReadableStream<Reply> & AsyncIterable<Reply>;
    } catch (thrown) {
      if (!signal?.aborted) throw this.toError(thrown);
    } finally {
      signal?.removeEventListener('abort', abort);
      call.cancel();
    }
  }

  private toError(thrown: unknown): HavipError {
    const { code, details } = (thrown ?? {}) as Partial<ServiceError>;
    // CANCELLED, though we did not: the server ended every call when it stopped.
    if (code === status.UNAVAILABLE || code === status.CANCELLED) {
      const message = `the daemon at ${this.socket} went away: ${details}`;
      return new HavipError('NOT_RUNNING', message, {
        cure: 'start it: havip run --config FILE',
        cause: thrown,
      });
    }
    if (code === status.DEADLINE_EXCEEDED) {
      const message = `the daemon at ${this.socket} gave no answer for ${UNARY_DEADLINE_MS / 1000} s`;
      return new HavipError('FAILED', message, { cure: 'see its log', cause: thrown });
    }
    const ours = code === undefined ? 'FAILED' : (CODE_BY_STATUS[code] ?? 'FAILED');
    return new HavipError(ours, details ?? String(thrown), { cause: thrown });
  }
}
