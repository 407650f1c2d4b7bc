// SPDX-License-Identifier: BSD-2-Clause
// The control thread's handle on the worker: posts it messages, and starts another when it dies. Nothing here
// waits or throws, since whatever happens to the worker must not cost a failover.
import { MessageChannel, Worker } from 'node:worker_threads';
import { HavipError } from '../errors.js';
import { History } from './history.js';
import type { FromWorker, HistoryStart, ToWorker, WorkerData, WorkerOptions } from './messages.js';
import { carryOut, type OrderDesk, type Posted } from './orders.js';

const BACKOFF_FIRST_MS = 500;
const BACKOFF_LAST_MS = 30_000;
/** Long enough to end open calls; then the thread is ended from outside. */
const STOP_MS = 2_000;
/** A worker that leaks dies alone, at this size, and not with the daemon. Unit: MiB. */
const WORKER_HEAP_MB = 768;

export interface ObserverHooks {
  /** The worker fell, or could not come back; it is tried again. For the log. */
  readonly onDown?: (error: HavipError, retryMs: number) => void;
  readonly onUp?: () => void;
}

export type ObserverOptions = Omit<WorkerOptions, 'epoch'>;

/** Messages of which the newest says it all: a new worker gets them again. */
type Remembered = Extract<ToWorker['type'], 'ports' | 'flapping' | 'split' | 'audit' | 'config' | 'runtime'>;
const REMEMBERED: ReadonlySet<string> = new Set<Remembered>([
  'ports',
  'flapping',
  'split',
  'audit',
  'config',
  'runtime',
]);
const isRemembered = (type: ToWorker['type']): type is Remembered => REMEMBERED.has(type);

export class Observer {
  /** host:port where metrics are served; null: nowhere. */
  metricsAddress: string | null = null;
  /** host:port of the status page; null: nowhere. */
  webAddress: string | null = null;
  /** As the first worker found it. */
  historyStart: HistoryStart = { lastSeq: 0, cutBytes: 0 };
  private worker: Worker | null = null;
  private retry: NodeJS.Timeout | null = null;
  private backoffMs = BACKOFF_FIRST_MS;
  private stopping = false;
  private desk: OrderDesk | null = null;
  private readonly history = new History();
  private readonly remembered = new Map<Remembered, ToWorker>();

  private readonly options: WorkerOptions;

  private constructor(
    options: ObserverOptions,
    private readonly hooks: ObserverHooks,
    private readonly pinned: Promise<unknown>,
  ) {
    this.options = { ...options, epoch: process.hrtime.bigint() };
  }

  /**
   * @param pinned The maps are there when it resolves; the worker loads its code in the meantime, and ends if it rejects.
   * Errors: what kept the worker from starting (socket or metrics port taken, nothing pinned, no permission).
   */
  static async start(
    options: ObserverOptions,
    hooks: ObserverHooks = {},
    pinned: Promise<unknown> = Promise.resolve(),
  ): Promise<Observer> {
    const observer = new Observer(options, hooks, pinned);
    observer.historyStart = await observer.launch();
    return observer;
  }

  /** Never waits; while the worker is down, what matters is kept for the next one. */
  tell(message: ToWorker): void {
    if (message.type === 'events') this.history.add(message.events);
    if (isRemembered(message.type)) this.remembered.set(message.type, message);
    this.worker?.postMessage(message);
  }

  /** @param desk Carries out what clients of the API order; until then they are told that the daemon starts. */
  takeOrders(desk: OrderDesk): void {
    this.desk = desk;
  }

  /** Ends the worker and its sockets. Harmless twice. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.retry) clearTimeout(this.retry);
    const { worker } = this;
    if (!worker) return;
    worker.postMessage({ type: 'stop' } satisfies ToWorker);
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => void worker.terminate(), STOP_MS);
      worker.once('exit', () => {
        clearTimeout(force);
        resolve();
      });
    });
  }

  /** Resolves when the worker serves, rejects when it ends before that. */
  private launch(): Promise<HistoryStart> {
    const { port1: begin, port2: begun } = new MessageChannel();
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: { ...this.options, begun } satisfies WorkerData,
      transferList: [begun],
      name: 'havip-observe',
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB },
    });
    this.worker = worker;
    this.remind(worker);
    void this.pinned.then(
      () => begin.postMessage(null),
      () => worker.terminate(),
    );
    return new Promise((resolve, reject) => {
      let upMs: number | null = null;
      let failure: HavipError | null = null;
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'failed') failure = toError(message);
        else if (message.type === 'order') void this.runOrder(worker, message);
        else {
          upMs = performance.now();
          this.metricsAddress = message.metricsAddress;
          this.webAddress = message.webAddress;
          resolve(message.history);
        }
      });
      worker.on('error', (thrown) => (failure = HavipError.from(thrown)));
      worker.once('exit', (code) => {
        this.worker = null;
        const error = failure ?? new HavipError('FAILED', `the observer ended by itself (exit code ${code})`);
        if (upMs === null) reject(error);
        else this.fell(error, performance.now() - upMs);
      });
    });
  }

  /** Waits in the port until the worker listens. */
  private remind(worker: Worker): void {
    for (const message of this.remembered.values()) worker.postMessage(message);
    const { events } = this.history;
    if (events.length) worker.postMessage({ type: 'history', events } satisfies ToWorker);
  }

  private fell(error: HavipError, servedMs: number): void {
    if (this.stopping) return;
    if (servedMs > BACKOFF_LAST_MS) this.backoffMs = BACKOFF_FIRST_MS;
    this.scheduleRestart(error);
  }

  private scheduleRestart(error: HavipError): void {
    const retryMs = this.backoffMs;
    this.backoffMs = Math.min(2 * retryMs, BACKOFF_LAST_MS);
    this.hooks.onDown?.(error, retryMs);
    this.retry = setTimeout(() => void this.restart(), retryMs);
  }

  private async restart(): Promise<void> {
    try {
      await this.launch();
      this.hooks.onUp?.();
    } catch (thrown) {
      if (!this.stopping) this.scheduleRestart(HavipError.from(thrown));
    }
  }

  private async runOrder(
    worker: Worker,
    { request, order }: { readonly request: number; readonly order: Posted },
  ): Promise<void> {
    const outcome = await carryOut(this.desk, order);
    worker.postMessage({ type: 'ordered', request, outcome } satisfies ToWorker);
  }
}

function toError({ code, message, cure }: Extract<FromWorker, { type: 'failed' }>): HavipError {
  return new HavipError(code, message, cure === undefined ? {} : { cure });
}
