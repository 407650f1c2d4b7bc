// SPDX-License-Identifier: BSD-2-Clause
// The life of `havip run`: lock, datapath, worker, loop; signals; and the end, which leaves the fast path serving.
import { setPriority } from 'node:os';
import { renderProblem } from '../config/problem.js';
import { HavipError } from '../errors.js';
import { Datapath, unload } from '../kernel/datapath.js';
import { lockPinFolder, preparePinFolder } from '../kernel/pins.js';
import { closeFd } from '../native/index.js';
import { Observer, type ObserverHooks } from '../observe/observer.js';
import { WallClock } from '../observe/clock.js';
import { createLog, type Logger } from '../observe/log.js';
import { packageVersion } from '../version.js';
import type { RuntimeSet } from '../config/runtime.js';
import type { Config } from '../config/types.js';
import type { EipName, HavipName, OrderDesk } from '../observe/orders.js';
import { requireCapabilities } from './capabilities.js';
import type { Configuration } from './configuration.js';
import { ControlLoop } from './loop.js';
import {
  addEip,
  addHavip,
  nameHavip,
  removeEip,
  removeHavip,
  setMembers,
  type Edit,
} from './runtime-edits.js';

/** Above ordinary work: a re-point should not wait behind a guest's compile job. Best effort. */
const CONTROL_NICE = -10;

export class Daemon {
  /** Reloads and changes, one after the other. */
  private changes: Promise<unknown> = Promise.resolve();
  private conflictsTold: readonly string[] = [];
  private loadedWallNs = 0n;

  private constructor(
    private readonly lockFd: number,
    private readonly datapath: Datapath,
    private readonly observer: Observer,
    private readonly loop: ControlLoop,
    private readonly log: Logger,
    private readonly configuration: Configuration,
  ) {}

  /** Resolves when holders are followed. Errors: HavipError; nothing that was pinned before is touched then. */
  static async start(configuration: Configuration): Promise<Daemon> {
    const { config } = configuration;
    const log = createLog();
    requireCapabilities();
    preparePinFolder(config.pinPath);
    const lockFd = lockPinFolder(config.pinPath);
    raisePriority(log);
    const opening = Datapath.open(config);
    // Its thread loads its code while the kernel verifies programs.
    const observing = Observer.start({ ...config, version: packageVersion() }, watchdog(log), opening);
    observing.catch(() => undefined); // awaited below, where there is a datapath
    const datapath = await opening;
    try {
      const daemon = await Daemon.serve(lockFd, datapath, await observing, log, configuration);
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
    observer: Observer,
    log: Logger,
    configuration: Configuration,
  ): Promise<Daemon> {
    const { config } = configuration;
    const loop = new ControlLoop({
      ...{ config, datapath, log, history: observer.historyStart },
      tell: (message) => observer.tell(message),
    });
    const daemon = new Daemon(lockFd, datapath, observer, loop, log, configuration);
    daemon.tellConfig([]);
    daemon.tellRuntime();
    await loop.start();
    observer.takeOrders(daemon.desk());
    return daemon;
  }

  /** One at a time, in the order of the asking. @returns the problems of the file; none: it is applied. */
  reload(): Promise<readonly string[]> {
    return this.inTurn(() => this.reloadOnce());
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.changes.then(task);
    this.changes = turn.catch(() => undefined);
    return turn;
  }

  private async reloadOnce(): Promise<readonly string[]> {
    const problems = await this.tryReload();
    this.tellConfig(problems);
    this.tellRuntime();
    if (problems.length)
      this.log.error({ problems }, 'the configuration is bad; the one before goes on serving');
    else this.log.info('configuration applied');
    return problems;
  }

  private desk(): OrderDesk {
    return {
      reload: () => this.reload(),
      addHavip: (ask) => this.change('added', (config, set) => addHavip(config, set, ask)),
      removeHavip: (ask) => this.change('removed', (config, set) => removeHavip(config, set, ask)),
      setMembers: (ask) => this.change('members', (config, set) => setMembers(config, set, ask)),
      addEip: (ask) => this.change('eip-added', (config, set) => addEip(config, set, ask)),
      removeEip: (ask) => this.change('eip-removed', (config, set) => removeEip(config, set, ask)),
      clearFlapping: (ask) =>
        this.inTurn(() => {
          const name = nameHavip(this.configuration.config, ask);
          return Promise.resolve({ havip: name, ...this.loop.clearFlapping(name) });
        }),
    };
  }

  /** Checked, written to the disk, in force, and only then in the place of the file before. */
  private change<Name extends HavipName | EipName>(
    reason: string,
    edit: (config: Config, set: RuntimeSet) => Edit<Name>,
  ): Promise<Name> {
    return this.inTurn(async () => {
      const { config, store } = this.configuration;
      const { next, name } = edit(config, store.set);
      const candidate = await this.configuration.check(next);
      const prepared = await store.prepare(next);
      try {
        this.loop.reload(candidate.config, reason, name);
      } catch (error) {
        await prepared.discard();
        throw error;
      }
      await prepared.commit().catch((error: unknown) => {
        this.loop.reload(config, 'undone', name);
        throw error;
      });
      this.configuration.accept(candidate);
      this.tellRuntime();
      const details: object = { ...name, reason };
      this.log.info(details, 'changed at run time');
      return name;
    });
  }

  async stop(): Promise<void> {
    this.loop.stop();
    await this.observer.stop();
    this.datapath.close();
    closeFd(this.lockFd);
    this.log.info('stopped; the fast path goes on serving (havip unload takes it away)');
  }

  private async tryReload(): Promise<readonly string[]> {
    const { path } = this.configuration;
    if (path === null) return ['havip was started from flags: there is no file to read again'];
    try {
      const loaded = await this.configuration.reread();
      if ('problems' in loaded) return loaded.problems.map(renderProblem);
      this.loop.reload(loaded.config, 'reloaded');
      this.configuration.accept(loaded);
      return [];
    } catch (error) {
      const { message, cure } = HavipError.from(error);
      return [`${path}: ${message}${cure ? `; ${cure}` : ''}`];
    }
  }

  private tellConfig(problems: readonly string[]): void {
    const stale = problems.length > 0;
    if (!stale) this.loadedWallNs = new WallClock().wallNs(process.hrtime.bigint());
    const { loadedWallNs } = this;
    const config = { stale, path: this.configuration.path, loadedWallNs, problems };
    this.observer.tell({ type: 'config', config });
  }

  private tellRuntime(): void {
    const conflicts = this.configuration.notes();
    for (const conflict of conflicts) {
      if (!this.conflictsTold.includes(conflict))
        this.log.warn({ conflict }, 'defined at run time, but not in force');
    }
    this.conflictsTold = conflicts;
    this.observer.tell({ type: 'runtime', havips: this.configuration.fromApi(), conflicts });
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
