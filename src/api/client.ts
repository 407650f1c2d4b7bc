// SPDX-License-Identifier: BSD-2-Clause
// The command line's side of the API: typed calls on the daemon's Unix socket, and errors that say what to do.
import { Client, credentials, status, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { HavipError } from '../errors.js';
import type { Dossier } from '../holders/dossier.js';
import type { TraceAnswer, TraceQuestion } from '../kernel/ask-trace.js';
import type { PortRecord } from '../observe/messages.js';
import type { Cleared, EipName, HavipName } from '../observe/orders.js';
import type { MethodDefinition } from '@grpc/grpc-js';
import { havip } from './havip.gen.js';
import { SERVICE, target } from './service.js';
import { requireDaemon } from './socket.js';
import { codeOf, cureOf } from './status.js';
import type {
  DaemonStatus,
  DossierQuery,
  EventDelivery,
  EventFilter,
  HavipNews,
  HavipQuery,
  HavipStatus,
  PortNews,
  PortQuery,
} from './types.js';
import { fromWireDaemon, fromWirePort, fromWirePortNews } from './wire-daemon.js';
import { fromWireDossier } from './wire-dossier.js';
import { fromWireTrace } from './wire-trace.js';
import {
  decoded,
  fromWireEip,
  fromWireEvents,
  fromWireHavip,
  fromWireHavipNews,
  fromWireName,
  toWire64,
} from './wire.js';
import v1 = havip.v1;

/** For calls with one answer. A daemon that takes longer is stuck, and the operator should know. */
const UNARY_DEADLINE_MS = 5_000;

/** For changes: the whole configuration is checked anew, which takes seconds where it has 100,000 HAVIPs. */
const CHANGE_DEADLINE_MS = 60_000;

export interface EventsQuery extends EventFilter {
  readonly follow?: boolean;
  /** Only events with a greater seq. */
  readonly afterSeq?: bigint;
  /** The daemon's life that `afterSeq` is of, as the batches tell it. */
  readonly epoch?: bigint;
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
  async *events(query: EventsQuery = {}): AsyncGenerator<EventDelivery & { readonly epoch: bigint }> {
    const { follow = false, afterSeq = 0n, epoch = 0n, signal, kinds = [], ...filter } = query;
    const after = { afterSeq: toWire64(afterSeq), epoch: toWire64(epoch) };
    const request = { follow, ...after, kinds: [...kinds], ...filter };
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

  /** All that match, then each whenever it changes; ends by its signal or an error. */
  async *watchHavips(query: HavipQuery = {}, signal?: AbortSignal): AsyncGenerator<HavipNews> {
    for await (const news of this.stream(SERVICE.watchHavips, query, signal)) yield fromWireHavipNews(news);
  }

  /** All ports, then those that change; ends by its signal or an error. */
  async *watchPorts(query: PortQuery = {}, signal?: AbortSignal): AsyncGenerator<PortNews> {
    for await (const news of this.stream(SERVICE.watchPorts, query, signal)) yield fromWirePortNews(news);
  }

  async ports(query: PortQuery = {}): Promise<PortRecord[]> {
    const found: PortRecord[] = [];
    for await (const page of this.stream(SERVICE.listPorts, query)) {
      for (const port of page.ports ?? []) found.push(fromWirePort(port));
    }
    return found;
  }

  /** @returns What is wrong with the file, a line each; empty: it is in force. */
  async reload(): Promise<readonly string[]> {
    return (await this.unary(SERVICE.reload, {}, CHANGE_DEADLINE_MS)).problems ?? [];
  }

  /** The changes at run time. @returns what was changed, in full. Errors: USAGE, EXISTS, FROM_FILE, NOT_FOUND. */
  async addHavip(asked: v1.AddHavipRequest.$Properties): Promise<HavipName> {
    return fromWireName(await this.unary(SERVICE.addHavip, asked, CHANGE_DEADLINE_MS));
  }

  async removeHavip(asked: Partial<HavipName>): Promise<HavipName> {
    return fromWireName(await this.unary(SERVICE.removeHavip, asked, CHANGE_DEADLINE_MS));
  }

  /** @param members Empty: every port of the subnet. */
  async setMembers(havip: Partial<HavipName>, members: readonly string[]): Promise<HavipName> {
    const request = { havip, members: [...members] };
    return fromWireName(await this.unary(SERVICE.setMembers, request, CHANGE_DEADLINE_MS));
  }

  async addEip(asked: v1.AddEipRequest.$Properties): Promise<EipName> {
    return fromWireEip(await this.unary(SERVICE.addEip, asked, CHANGE_DEADLINE_MS));
  }

  async removeEip(asked: Partial<EipName>): Promise<EipName> {
    return fromWireEip(await this.unary(SERVICE.removeEip, asked, CHANGE_DEADLINE_MS));
  }

  async clearFlapping(asked: Partial<HavipName>): Promise<Cleared> {
    const reply = decoded(await this.unary(SERVICE.clearFlapping, asked));
    const { wasFlapping, applied } = reply;
    return { havip: fromWireName(reply.havip), wasFlapping, applied };
  }

  async trace({ vlan, ...question }: TraceQuestion): Promise<TraceAnswer> {
    const request = { ...onlyGiven(question), vlan: [...vlan] };
    return fromWireTrace(await this.unary(SERVICE.trace, request));
  }

  close(): void {
    this.client.close();
  }

  private unary<Request, Reply>(
    method: MethodDefinition<Request, Reply>,
    request: Request,
    deadlineMs = UNARY_DEADLINE_MS,
  ): Promise<Reply> {
    const { path, requestSerialize, responseDeserialize } = method;
    const options = { deadline: Date.now() + deadlineMs };
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        options,
        (error, reply) => {
          if (reply !== undefined && !error) resolve(reply);
          else reject(this.toError(error, deadlineMs));
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

  private toError(thrown: unknown, deadlineMs = UNARY_DEADLINE_MS): HavipError {
    const { code, details, metadata } = (thrown ?? {}) as Partial<ServiceError>;
    const cure = cureOf(metadata);
    // CANCELLED, though we did not: the server ended every call when it stopped.
    if (code === status.CANCELLED || (code === status.UNAVAILABLE && cure === undefined)) {
      const message = `the daemon at ${this.socket} went away: ${details}`;
      return new HavipError('NOT_RUNNING', message, {
        cure: 'start it: havip run --config FILE',
        cause: thrown,
      });
    }
    if (code === status.DEADLINE_EXCEEDED) {
      const message = `the daemon at ${this.socket} gave no answer for ${deadlineMs / 1000} s`;
      return new HavipError('TIMEOUT', message, { cure: 'see its log', cause: thrown });
    }
    return new HavipError(codeOf(code), details ?? String(thrown), { cause: thrown, cure });
  }
}

const onlyGiven = (question: Omit<TraceQuestion, 'vlan'>): v1.TraceRequest.$Properties =>
  Object.fromEntries(Object.entries(question).filter(([, value]) => value !== undefined));
