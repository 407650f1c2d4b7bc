// SPDX-License-Identifier: BSD-2-Clause
// The life of `havip run`: lock, datapath, worker, loop; signals; and the end, which leaves the fast path serving.
import { setPriority } from 'node:os';
import type { Config } from '../config/types.js';
import { loadConfigInWorker } from '../config/in-worker.js';
import { renderProblem } from '../config/problem.js';
import { HavipError } from '../errors.js';
import { Datapath, unload } from '../kernel/datapath.js';
import { lockPinFolder, preparePinFolder } from '../kernel/pins.js';
import { closeFd } from '../native/index.js';
import { Observer, type ObserverHooks } from '../observe/observer.js';
import { WallClock } from '../observe/clock.js';
import { createLog, type Logger } from '../observe/log.js';
import { packageVersion } from '../version.js';
import { requireCapabilities } from './capabilities.js';
import { ControlLoop } from './loop.js';

export interface DaemonOptions {
  readonly config: Config;
  /** What SIGHUP reads again; null: started from flags, nothing to read. */
  readonly configPath: string | null;
  /** What flags or the environment said against the file; they beat it at every reload too. */
  readonly overrides?: Partial<Config>;
}

/** Above ordinary work: a re-point should not wait behind a guest's compile job. Best effort. */
const CONTROL_NICE = -10;

export class Daemon {
  private reloading: Promise<readonly string[]> = Promise.resolve([]);
  private loadedWallNs = 0n;

  private constructor(
    private readonly lockFd: number,
    private readonly datapath: Datapath,
    private readonly observer: Observer,
    private readonly loop: ControlLoop,
    private readonly log: Logger,
    private readonly options: DaemonOptions,
  ) {}

  /** Resolves when holders are followed. Errors: HavipError; nothing that was pinned before is touched then. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const { config } = options;
    const log = createLog();
    requireCapabilities();
    preparePinFolder(config.pinPath);
    const lockFd = lockPinFolder(config.pinPath);
    raisePriority(log);
    const datapath = Datapath.open(config);
    try {
      const daemon = await Daemon.serve(lockFd, datapath, log, options);
      const { adopted } = datapath;
      const details = {
        pid: process.pid,
        adopted,
        pins: config.pinPath,
        metrics: daemon.observer.metricsAddress,
        web: daemon.observer.webAddress,
      };
      log.info(details, adopted ? 'took over what was pinned' : 'loaded');
      return daemon;
    } catch (error) {
      datapath.close();
      // A start that failed leaves nothing; what an earlier run left serving goes on serving.
      if (!datapath.adopted) unload(config.pinPath);
      throw error;
    }
  }

  private static async serve(
    lockFd: number,
    datapath: Datapath,
    log: Logger,
    options: DaemonOptions,
  ): Promise<Daemon> {
    const { config } = options;
    const observer = await Observer.start({ ...config, version: packageVersion() }, watchdog(log));
    const loop = new ControlLoop({
      ...{ config, datapath, log, history: observer.historyStart },
      tell: (message) => observer.tell(message),
    });
    const daemon = new Daemon(lockFd, datapath, observer, loop, log, options);
    daemon.tellConfig([]);
    await loop.start();
    observer.onReload(() => daemon.reload());
    return daemon;
  }

  /** One at a time, in the order of the asking. @returns the problems of the file; none: it is applied. */
  reload(): Promise<readonly string[]> {
    this.reloading = this.reloading.then(() => this.reloadOnce());
    return this.reloading;
  }

  private async reloadOnce(): Promise<readonly string[]> {
    const problems = await this.tryReload();
    this.tellConfig(problems);
    if (problems.length)
      this.log.error({ problems }, 'the configuration is bad; the one before goes on serving');
    else this.log.info('configuration applied');
    return problems;
  }

  async stop(): Promise<void> {
    this.loop.stop();
    await this.observer.stop();
    this.datapath.close();
    closeFd(this.lockFd);
    this.log.info('stopped; the fast path goes on serving (havip unload takes it away)');
  }

  private async tryReload(): Promise<readonly string[]> {
    const { configPath, overrides } = this.options;
    if (configPath === null) return ['havip was started from flags: there is no file to read again'];
    try {
      const loaded = await loadConfigInWorker(configPath);
      if ('problems' in loaded) return loaded.problems.map(renderProblem);
      this.loop.reload({ ...loaded.config, ...overrides });
      return [];
    } catch (error) {
      const { message, cure } = HavipError.from(error);
      return [`${configPath}: ${message}${cure ? `; ${cure}` : ''}`];
    }
  }

  private tellConfig(problems: readonly string[]): void {
    const stale = problems.length > 0;
    if (!stale) this.loadedWallNs = new WallClock().wallNs(process.hrtime.bigint());
    const { loadedWallNs } = this;
    const config = { stale, path: this.options.configPath, loadedWallNs, problems };
    this.observer.tell({ type: 'config', config });
  }
}

/** Metrics and API come and go with the worker; holders are followed all the same. */
function watchdog(log: Logger): ObserverHooks {
  return {
    onDown: ({ message }, retryMs) =>
      log.error({ error: message, retryMs }, 'the worker fell; starting another'),
    onUp: () => log.info('the worker is back'),
  };
}

/** This thread only: on Linux a priority belongs to a thread, and 0 means the caller's. */
function raisePriority(log: Logger): void {
  try {
    setPriority(0, CONTROL_NICE);
  } catch (error) {
    log.warn({ error: HavipError.from(error).message }, 'cannot raise the priority of the control thread');
  }
}
