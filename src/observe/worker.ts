// SPDX-License-Identifier: BSD-2-Clause
// The worker thread's entry: everything that is read, listed, kept or scraped happens here, so that the control
// thread does nothing but follow holders. If this thread falls, forwarding and re-binding go on.
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { ApiServer } from '../api/server.js';
import { HavipError } from '../errors.js';
import type { Listening } from './http-server.js';
import { serveHttp } from './http.js';
import { createLog, logEvent } from './log.js';
import { Metrics } from './metrics.js';
import { HistoryKeeper } from './keeper.js';
import type { FromWorker, HistoryStart, ToWorker, WorkerData, WorkerOptions } from './messages.js';
import { OrderBook } from './orders.js';
import { servePage } from './page/server.js';
import { Source } from './source.js';

/** Nice value: behind the control thread where both want the CPU. */
const NICENESS = 5;

if (!parentPort) throw new Error('worker.js is started by observer.js, as a worker thread');
const port = parentPort;
const post = (message: FromWorker): void => port.postMessage(message);

const log = createLog();
const orders = new OrderBook((request, order) => post({ type: 'order', request, order }));

interface Parts {
  readonly source: Source;
  readonly keeper: HistoryKeeper;
  readonly historyStart: HistoryStart;
  readonly metrics: Metrics;
  readonly api: ApiServer;
  /** Metrics, page. */
  readonly sites: readonly Listening[];
}

async function start(options: WorkerOptions): Promise<Parts> {
  // Linux: process 0 is the calling thread, not the process.
  setPriority(0, NICENESS);
  const source = new Source(options, orders);
  const keeper = keep(source, options);
  // Before the metrics listen: what comes back has been counted already.
  const historyStart = keeper.start();
  const metrics = new Metrics(source, options.version);
  const pages = { metrics: () => metrics.pieces(), health: () => health(source) };
  const sites: Listening[] = [];
  const open = async (starting: Promise<Listening> | null): Promise<string | null> => {
    const site = await starting;
    if (site) sites.push(site);
    return site?.address ?? null;
  };
  try {
    source.metricsAddress = await open(options.metricsListen && serveHttp(options.metricsListen, pages));
    source.webAddress = await open(options.webListen && servePage(options.webListen, source, pageFault));
    const api = await ApiServer.start(options.socket, source);
    return { source, keeper, historyStart, metrics, api, sites };
  } catch (thrown) {
    for (const site of sites) site.stop();
    throw thrown;
  }
}

/** The journal need not hear of each: it is tried every second. */
let faulted = '';
function pageFault({ message }: HavipError): void {
  if (message !== faulted) log.error({ error: message }, 'the status page has no state to show');
  faulted = message;
}

function keep(source: Source, { statePath, version }: WorkerOptions): HistoryKeeper {
  const { history, moves, startedWallNs } = source;
  const keeper = new HistoryKeeper({ folder: statePath, version, startedWallNs, history, moves, log });
  source.keeper = keeper;
  return keeper;
}

function health(source: Source): Record<string, unknown> {
  const { pid, version, ports, absent, config, history } = source.daemon();
  const uptimeSeconds = Math.round(process.uptime());
  return {
    status: 'ok',
    pid,
    version,
    uptimeSeconds,
    ports: ports.length,
    absent,
    configStale: config?.stale ?? false,
    historyFailure: history?.failure ?? null,
  };
}

function take(parts: Parts, message: ToWorker): void {
  const { source, keeper, metrics } = parts;
  switch (message.type) {
    case 'events':
      keeper.take(message.events);
      for (const event of message.events) logEvent(log, event);
      source.watch.begin(message.events, message.moves);
      return metrics.observe(message.events);
    case 'history':
      return keeper.take(message.events);
    case 'ports':
      return source.setPorts(message.ports, message.absent);
    case 'flapping':
      return source.setFlapping(message.havips);
    case 'split':
      return source.setSplit(message.havips);
    case 'audit':
      source.audit = message;
      return;
    case 'lag':
      return metrics.observeLag(message.maxNs);
    case 'config':
      source.config = message.config;
      return;
    case 'runtime':
      return source.setRuntime(message.havips, message.conflicts);
    case 'defined':
      return source.changes.tell(message.havips);
    case 'ordered':
      return orders.answer(message.request, message.outcome);
    case 'stop':
      return void stop(parts);
  }
}

async function stop({ source, api, sites, keeper }: Parts): Promise<void> {
  source.watch.stop();
  api.stop();
  for (const site of sites) site.stop();
  await keeper.stop();
  port.close();
}

const { begun, ...options } = workerData as WorkerData;
await once(begun, 'message');
begun.close();
try {
  const parts = await start(options);
  port.on('message', (message: ToWorker) => take(parts, message));
  const { source, historyStart } = parts;
  const { metricsAddress, webAddress } = source;
  post({ type: 'ready', metricsAddress, webAddress, history: historyStart });
} catch (thrown) {
  const { code, message, cure } = HavipError.from(thrown);
  post({ type: 'failed', code, message, cure });
  port.close();
}
