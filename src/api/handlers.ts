// SPDX-License-Identifier: BSD-2-Clause
// What each method does: a request -> a question to the source -> messages. Every stream goes out by an outlet, so that
// a slow or vanished reader is nobody else's concern.
import type { handleUnaryCall, ServerWritableStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { OrderKind, Orders } from '../observe/orders.js';
import { matcherOf } from './event-filter.js';
import { havip } from './havip.gen.js';
import { PAGE_MS, PAGE_ROWS, type Gates } from './limits.js';
import { Outlet } from './outlet.js';
import { toStatus } from './status.js';
import { Subscriber } from './subscriber.js';
import type { ApiSource } from './types.js';
import { HavipWatch } from './watch-havips.js';
import { portMatches, PortWatch } from './watch-ports.js';
import { toWireDaemon, toWirePort, toWirePortNews } from './wire-daemon.js';
import { toWireDossier } from './wire-dossier.js';
import * as request from './wire-requests.js';
import { toWireTrace } from './wire-trace.js';
import { fromWire64, toWireEvents, toWireHavip, toWireHavipNews } from './wire.js';
import v1 = havip.v1;

export function handlers(source: ApiSource, gates: Gates): UntypedServiceImplementation {
  /** An order to the control thread. */
  const order = <K extends OrderKind, Message>(
    kind: K,
    ask: (message: Message) => Orders[K]['ask'],
  ): handleUnaryCall<Message, Orders[K]['reply']> => unary((message) => source.order(kind, ask(message)));

  return {
    listHavips: stream<v1.ListHavipsRequest.$Properties, v1.HavipPage.$Properties>(
      async (message, outlet) => {
        const query = request.havipQuery(message);
        // A look-up by address reads one row and need not wait behind long lists.
        if (query.address === undefined) outlet.onEnd(await gates.walks.queue());
        for (const page of pages(source.listHavips(query)))
          await outlet.write({ havips: page.map(toWireHavip) }, PAGE_MS);
      },
    ),
    watchHavips: stream<v1.ListHavipsRequest.$Properties, v1.HavipNews.$Properties>((message, outlet) =>
      watchHavips(message, outlet, source, gates),
    ),
    listPorts: stream<v1.ListPortsRequest.$Properties, v1.PortPage.$Properties>(async (message, outlet) => {
      const query = request.portQuery(message);
      const found = source.daemon().ports.filter((port) => portMatches(query, port));
      for (const page of pages(found)) await outlet.write({ ports: page.map(toWirePort) }, PAGE_MS);
    }),
    watchPorts: stream<v1.ListPortsRequest.$Properties, v1.PortNews.$Properties>((message, outlet) =>
      watchPorts(message, outlet, source, gates),
    ),
    listDossiers: stream<v1.ListDossiersRequest.$Properties, v1.DossierPage.$Properties>(
      async (message, outlet) => {
        for (const page of pages(source.dossiers(request.dossierQuery(message))))
          await outlet.write({ dossiers: page.map(toWireDossier) }, PAGE_MS);
      },
    ),
    events: stream<v1.EventsRequest.$Properties, v1.EventBatch.$Properties>((message, outlet) =>
      streamEvents(message, outlet, source, gates),
    ),
    getDaemon: unary(() => toWireDaemon(source.daemon())),
    reload: unary(async () => ({ problems: [...(await source.order('reload', null))] })),
    addHavip: order('addHavip', request.newHavip),
    removeHavip: order('removeHavip', request.havipName),
    setMembers: order('setMembers', request.members),
    addEip: order('addEip', request.newEip),
    removeEip: order('removeEip', request.eipName),
    clearFlapping: order('clearFlapping', request.havipName),
    trace: unary((message: v1.TraceRequest.$Properties) =>
      toWireTrace(source.trace(request.traceQuestion(message))),
    ),
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

/** @param say Resolves when all has been said; the call ends then. */
function stream<Request, Message>(
  say: (request: Request, outlet: Outlet<Message>) => Promise<void>,
): (call: ServerWritableStream<Request, Message>) => void {
  return (call) => {
    const outlet = new Outlet<Message>(call);
    say(call.request, outlet).then(
      () => outlet.end(),
      (thrown: unknown) => outlet.fail(thrown),
    );
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

async function watchHavips(
  message: v1.ListHavipsRequest.$Properties,
  outlet: Outlet<v1.HavipNews.$Properties>,
  source: ApiSource,
  gates: Gates,
): Promise<void> {
  outlet.onEnd(gates.streams.enter());
  const query = request.canonicalQuery(message);
  const watch = new HavipWatch(source, query);
  outlet.onEnd(source.watchHavips((names) => watch.changed(names)));
  outlet.onEnd(() => watch.stop());
  while (!outlet.isOver) {
    if (watch.needsSnapshot) {
      const leave = await gates.walks.queue();
      outlet.onEnd(leave);
      for (const page of watch.snapshot(source.listHavips(query)))
        await outlet.write(toWireHavipNews(page), PAGE_MS);
      leave();
    }
    const news = watch.news();
    if (news) await outlet.write(toWireHavipNews(news));
    else await watch.wait();
  }
}

async function watchPorts(
  message: v1.ListPortsRequest.$Properties,
  outlet: Outlet<v1.PortNews.$Properties>,
  source: ApiSource,
  gates: Gates,
): Promise<void> {
  outlet.onEnd(gates.streams.enter());
  const watch = new PortWatch(request.portQuery(message));
  outlet.onEnd(source.watchPorts(() => watch.changed()));
  outlet.onEnd(() => watch.stop());
  while (!outlet.isOver) {
    const news = watch.news(source.daemon().ports);
    if (news) await outlet.write(toWirePortNews(news));
    await watch.wait();
  }
}

async function streamEvents(
  message: v1.EventsRequest.$Properties,
  outlet: Outlet<v1.EventBatch.$Properties>,
  { history }: ApiSource,
  gates: Gates,
): Promise<void> {
  outlet.onEnd(gates.streams.enter());
  const { follow = false, afterSeq, epoch } = message;
  const after = Number(fromWire64(afterSeq ?? 0));
  const kept = history.after(after, fromWire64(epoch ?? 0));
  let said = (): void => undefined;
  const done = new Promise<void>((resolve) => (said = resolve));
  outlet.onEnd(said);
  const subscriber = new Subscriber(
    (delivery) => {
      void outlet.write(toWireEvents(delivery, history.epoch)).then(() => {
        subscriber.drained();
        if (!follow && subscriber.idle) said();
      });
      return false;
    },
    matcherOf(request.eventFilter(message)),
  );
  if (follow) outlet.onEnd(history.subscribe((events) => subscriber.push(events)));
  subscriber.begin(kept, after);
  if (!follow && subscriber.idle) said();
  await done;
}
